#include "corpus/prepare.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/megabytes.h"
#include "corpus/data_folder.h"
#include "corpus/order_documents.h"
#include "corpus/prepare_corpus.h"
#include "corpus/prepare_output.h"
#include "corpus/prepare_settings.h"
#include "corpus/prepare_units.h"
#include "text/sentences.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr double kProgressSeconds = 5;

/// Sums over the ranks of what each found in its own pieces.
struct PieceTotals {
    std::int64_t documents = 0;
    std::int64_t empty_documents = 0;
    std::int64_t cut_documents = 0;
    std::int64_t reused = 0;
    text::DropCounts dropped{};
    std::int64_t least_draw = std::numeric_limits<std::int64_t>::max();
    std::int64_t greatest_draw = -1;

    void add(const PieceSummary& piece, bool was_there) {
        documents += piece.documents;
        empty_documents += piece.empty_documents;
        cut_documents += piece.cut_documents;
        reused += was_there ? 1 : 0;
        std::ranges::transform(dropped, piece.dropped, dropped.begin(), std::plus<>());
        least_draw = std::min(least_draw, piece.least_draw);
        greatest_draw = std::max(greatest_draw, piece.greatest_draw);
    }
    void reduce(const mpi::Communicator& ranks) {
        std::array<std::int64_t, 4> sums{documents, empty_documents, cut_documents, reused};
        ranks.sum(std::span(sums));
        std::tie(documents, empty_documents, cut_documents, reused) = std::tuple_cat(sums);
        ranks.sum(std::span(dropped));
        std::array<std::int64_t, 2> bounds{-least_draw, greatest_draw};
        ranks.max(std::span(bounds));
        least_draw = -bounds[0];
        greatest_draw = bounds[1];
    }
};

Bytes peak_memory() {
    struct rusage usage {};
    ::getrusage(RUSAGE_SELF, &usage);
    return Bytes(static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
}

std::vector<fs::path> corpus_folders(const PrepareOptions& options) {
    std::vector<fs::path> folders;
    for (const std::int64_t length : options.sequence_lengths) {
        folders.push_back(corpus_folder(options, length));
    }
    return folders;
}

void check_lengths(const PrepareOptions& options) {
    const auto& lengths = options.sequence_lengths;
    expects(!lengths.empty(), "a sequence length");
    if (std::ranges::min(lengths) < least_length(options.pack)) {
        throw UsageError("--sequence-length " + std::to_string(std::ranges::min(lengths)) +
                         " leaves no room beside the special tokens (--pack " +
                         name_of(options.pack) + " needs " +
                         std::to_string(least_length(options.pack)) + ")");
    }
    if (std::set(lengths.begin(), lengths.end()).size() < lengths.size()) {
        throw UsageError("--sequence-length names a length twice; give each once");
    }
    if (lengths.size() > 1 && fs::exists(options.output / "manifest.json")) {
        throw MismatchError(options.output.string() +
                            " holds the corpus of one sequence length (several need a folder each, "
                            "named by the lengths); give another --output");
    }
}

/// ", 3 min left", by the share of the pieces that are done; nothing before the first is.
std::string time_left(Seconds elapsed, std::size_t done, std::size_t all) {
    if (done == 0) {
        return "";
    }
    const double left = elapsed.value / static_cast<double>(done) * static_cast<double>(all - done);
    return left < 120 ? fmt::format(", {:.0f} s left", left)
                      : fmt::format(", {:.0f} min left", left / 60);
}

/// Says every few seconds how far the texts are tokenized.
class PieceProgress {
  public:
    PieceProgress(const Log& log, const Stopwatch& watch, std::size_t units)
        : log_(log), watch_(watch), units_(units) {}

    /// Of unit `unit`, in the order of the units.
    void add(std::size_t unit, Bytes bytes) {
        done_ += bytes;
        const Seconds elapsed = watch_.elapsed();
        if (elapsed > next_report_) {
            next_report_ = elapsed + Seconds(kProgressSeconds);
            const double so_far = megabytes(done_);
            log_.info("tokenizing: {:.0f} MB of text, piece {} of {}, {:.1f} MB/s per rank{}",
                      so_far, unit + 1, units_, so_far / elapsed.value,
                      time_left(elapsed, unit, units_));
        }
    }

  private:
    const Log& log_;
    const Stopwatch& watch_;
    std::size_t units_;
    Bytes done_;
    Seconds next_report_{kProgressSeconds};
};

/// One preparation; the members after the constructor's are filled phase by phase.
class Preparation {
  public:
    Preparation(const PrepareOptions& options, const mpi::Communicator& ranks, const Log& log)
        : options_(options),
          ranks_(ranks),
          log_(log),
          output_(options.output, corpus_folders(options), ranks, log) {}

    PrepareSummary run();

  private:
    [[nodiscard]] OutputState open_output();
    void take_standard_input();
    void make_pieces();
    void order_pieces();
    void choose_split();
    [[nodiscard]] CorpusTask corpus_task(std::size_t corpus) const;
    void expect_same_inputs() const;
    [[nodiscard]] PrepareSummary summarize(const std::vector<Manifest>& manifests) const;

    [[nodiscard]] fs::path piece_path(std::size_t index) const {
        return output_.scratch(fmt::format("piece-{:06}", index));
    }
    [[nodiscard]] bool is_mine(std::size_t index) const {
        return static_cast<int>(index % static_cast<std::size_t>(ranks_.size())) ==
               ranks_.rank().value;
    }

    const PrepareOptions& options_;
    const mpi::Communicator& ranks_;
    const Log& log_;
    PrepareOutput output_;
    Stopwatch watch_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    std::vector<fs::path> sources_;  ///< the inputs, with a file for the standard input
    std::vector<InputEntry> inputs_;
    std::vector<WorkUnit> units_;
    Bytes input_bytes_;
    PieceTotals totals_;
    Json piece_settings_;
    DocumentPieces pieces_;  ///< in the order of the shards
    SplitRule rule_;
    std::int64_t exact_duplicates_ = 0;
    std::int64_t near_duplicates_ = 0;
};

OutputState Preparation::open_output() {
    mpi::agree(ranks_,
               [&] { tokenizer_ = load_row_tokenizer(options_.vocabulary, options_.letter_case); });
    take_standard_input();
    inputs_ = list_inputs(sources_, options_.output, ranks_);
    for (const InputEntry& input : inputs_) {
        input_bytes_ += input.size;
    }
    return output_.open(inputs_, [&](const Digest& content, std::size_t i) {
        piece_settings_ = piece_settings(options_, *tokenizer_, inputs_, content);
        return corpus_settings(options_, options_.sequence_lengths[i], piece_settings_);
    });
}

/// The standard input becomes a file among the scratch.
void Preparation::take_standard_input() {
    sources_ = options_.inputs;
    const auto found = std::ranges::find(sources_, fs::path("-"));
    if (found != sources_.end()) {
        *found = output_.scratch("stdin");
        output_.lock();
        mpi::on_root(ranks_, [&] { make_folders(output_.scratch()); });
        keep_standard_input(*found, ranks_);
    }
}

void Preparation::make_pieces() {
    const Digest settings = settings_hash(piece_settings_);
    std::optional<text::SentenceSplitter> splitter;
    mpi::agree(ranks_, [&] {
        if (options_.pack != Pack::Documents) {
            splitter.emplace();
        }
    });
    const PieceTools tools{*tokenizer_, splitter ? &*splitter : nullptr};
    pieces_.documents.assign(units_.size(), 0);
    for (std::size_t index = 0; index < units_.size(); ++index) {
        pieces_.paths.push_back(piece_path(index));
    }
    PieceProgress progress(log_, watch_, units_.size());
    mpi::agree(ranks_, [&] {
        std::optional<text::DocumentFile> file;  // of the unit before, often the same
        for (std::size_t unit = 0; unit < units_.size(); ++unit) {
            if (!is_mine(unit)) {
                continue;
            }
            const PieceTask task{inputs_[units_[unit].input], units_[unit].part,
                                 pieces_.paths[unit], options_.seed, settings};
            PieceSummary piece;
            const bool was_there = find_piece(task, piece);
            if (!was_there) {
                if (!file || file->path() != task.input.path) {
                    file.emplace(task.input.path, options_.documents);
                }
                piece =
                    make_piece(task, *file, tools, [&](Bytes bytes) { progress.add(unit, bytes); });
            }
            totals_.add(piece, was_there);
            pieces_.documents[unit] = piece.documents;
            (void)fault_point("prepare.piece", Step(static_cast<std::int64_t>(unit)),
                              ranks_.rank());
        }
    });
    totals_.reduce(ranks_);
    ranks_.sum(std::span(pieces_.documents));
    if (totals_.reused > 0) {
        log_.info("{} of {} pieces were tokenized by an earlier, interrupted run", totals_.reused,
                  units_.size());
    }
}

/// The pieces become others, of the same form, and all that follows is the same.
void Preparation::order_pieces() {
    OrderTask task;
    task.folder = output_.scratch("ordered");
    task.settings = settings_hash(piece_settings_);
    task.seed = options_.seed;
    task.shuffle = options_.shuffle;
    task.duplicates = options_.duplicates;
    if (task.has_work()) {
        const OrderedDocuments ordered = order_documents(pieces_, task, ranks_, log_);
        pieces_ = ordered.pieces;
        totals_.least_draw = ordered.least_draw;
        totals_.greatest_draw = ordered.greatest_draw;
        exact_duplicates_ = ordered.exact_duplicates;
        near_duplicates_ = ordered.near_duplicates;
    }
}

void Preparation::choose_split() {
    mpi::agree(ranks_, [&] {
        rule_ = SplitRule::choose(options_.validation_fraction, totals_.least_draw,
                                  totals_.greatest_draw);
    });
}

CorpusTask Preparation::corpus_task(std::size_t corpus) const {
    const std::int64_t length = options_.sequence_lengths[corpus];
    return {pieces_,
            rule_,
            output_.folder(corpus),
            {options_.pack, options_.short_sequences, options_.seed},
            {length, tokenizer_->special(), tokenizer_->kind() == text::TokenizerKind::BytePair},
            {length, tokenizer_->size(), tokenizer_->hash(),
             settings_hash(output_.settings(corpus)), options_.pack == Pack::Pairs},
            options_.sequences_per_shard};
}

void Preparation::expect_same_inputs() const {
    const auto now = list_inputs(sources_, options_.output, ranks_);
    if (input_stamp(now) == input_stamp(inputs_)) {
        return;
    }
    const Digest content = input_content(now, ranks_);
    mpi::agree(ranks_, [&] {
        if (piece_settings(options_, *tokenizer_, now, content) != piece_settings_) {
            throw InputError(
                "the input has changed while it was prepared (the shards would mix "
                "its states); remove " +
                options_.output.string() +
                " and run hpml_prepare again when nothing writes to the input");
        }
    });
}

PrepareSummary Preparation::summarize(const std::vector<Manifest>& manifests) const {
    PrepareSummary summary;
    summary.documents = manifests.front().documents;
    summary.validation_documents = manifests.front().validation_documents;
    summary.unigram_entropy_nats = manifests.front().unigram_entropy_nats;
    for (const Manifest& manifest : manifests) {
        summary.corpora.push_back(
            {manifest.sequence_length, manifest.train_rows() + manifest.validation_rows(),
             manifest.train_tokens + manifest.validation_tokens,
             static_cast<std::int64_t>(manifest.train.size() + manifest.validation.size())});
    }
    summary.empty_documents = totals_.empty_documents;
    summary.cut_documents = totals_.cut_documents;
    summary.exact_duplicates = manifests.front().exact_duplicates;
    summary.near_duplicates = manifests.front().near_duplicates;
    summary.dropped = totals_.dropped;
    summary.input = input_bytes_;
    summary.elapsed = watch_.elapsed();
    auto peak = static_cast<std::int64_t>(peak_memory().value);
    ranks_.max(std::span(&peak, 1));
    summary.peak_memory = Bytes(static_cast<std::uint64_t>(peak));
    return summary;
}

PrepareSummary Preparation::run() {
    expects(options_.sequences_per_shard >= 1 && options_.validation_fraction >= 0 &&
                options_.validation_fraction < 1,
            "options in their ranges");
    std::vector<Manifest> manifests(output_.corpora());
    const bool is_finished = open_output() == OutputState::Finished;
    if (!is_finished) {
        log_.info("preparing {} files, {:.1f} MB; ranks: {}", inputs_.size(),
                  megabytes(input_bytes_), ranks_.size());
        units_ = plan_units(inputs_, options_, ranks_);
        make_pieces();
        order_pieces();
        choose_split();
    }
    for (std::size_t i = 0; i < manifests.size(); ++i) {
        if (output_.state(i) == OutputState::Finished) {
            mpi::agree(ranks_, [&] { manifests[i] = read_manifest(output_.folder(i)); });
        } else {
            manifests[i] = write_corpus(corpus_task(i), ranks_);
            manifests[i].pairs = options_.pack == Pack::Pairs;
            manifests[i].exact_duplicates = exact_duplicates_;
            manifests[i].near_duplicates = near_duplicates_;
        }
    }
    if (!is_finished) {
        expect_same_inputs();
        for (std::size_t i = 0; i < manifests.size(); ++i) {
            output_.publish(manifests[i], *tokenizer_, i);
        }
        mpi::on_root(ranks_, [&] { output_.remove_scratch(); });
    }
    PrepareSummary summary = summarize(manifests);
    summary.was_complete = is_finished;
    return summary;
}

}  // namespace

fs::path corpus_folder(const PrepareOptions& options, std::int64_t sequence_length) {
    return options.sequence_lengths.size() == 1 ? options.output
                                                : options.output / std::to_string(sequence_length);
}

PrepareSummary prepare(const PrepareOptions& options, const mpi::Communicator& ranks,
                       const Log& log) {
    check_lengths(options);
    return Preparation(options, ranks, log).run();
}

}  // namespace hpml::corpus
