#include "corpus/prepare.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "corpus/data_folder.h"
#include "corpus/order_documents.h"
#include "corpus/prepare_output.h"
#include "corpus/prepare_settings.h"
#include "corpus/prepare_shards.h"
#include "corpus/prepare_units.h"
#include "corpus/shard_filler.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr double kProgressSeconds = 5;
constexpr double kMegabyte = 1e6;

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

/// One preparation; the members after the constructor's are filled phase by phase.
class Preparation {
  public:
    Preparation(const PrepareOptions& options, const mpi::Communicator& ranks, const Log& log)
        : options_(options), ranks_(ranks), log_(log), output_(options.output, ranks, log) {}

    PrepareSummary run();

  private:
    [[nodiscard]] OutputState open_output();
    void take_standard_input();
    void make_pieces();
    void order_pieces();
    void count_rows();
    [[nodiscard]] std::vector<ShardEntry> write_split(bool validation);
    void expect_same_inputs() const;
    void publish(Manifest& manifest);
    [[nodiscard]] PrepareSummary summarize(const Manifest& manifest) const;

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
    SplitRule rule_;
    std::vector<std::int64_t> unigrams_;
    std::vector<fs::path> pieces_;  ///< the documents, in the order of the shards
    std::vector<std::int64_t> piece_documents_;
    std::int64_t exact_duplicates_ = 0;
    std::int64_t near_duplicates_ = 0;
    std::vector<std::int64_t> piece_counts_;  ///< [pieces][kCounts]
};

/// Columns of piece_counts_.
enum Count : std::size_t {
    kTrainDocuments,
    kTrainRows,
    kValidationDocuments,
    kValidationRows,
    kCounts
};

OutputState Preparation::open_output() {
    mpi::agree(ranks_,
               [&] { tokenizer_ = load_row_tokenizer(options_.vocabulary, options_.letter_case); });
    take_standard_input();
    inputs_ = list_inputs(sources_, options_.output, ranks_);
    for (const InputEntry& input : inputs_) {
        input_bytes_ += input.size;
    }
    return output_.open(inputs_, [&](const Digest& content) {
        return prepare_settings(options_, *tokenizer_, inputs_, content);
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
    const Digest settings = settings_hash(output_.settings());
    Bytes done;
    Seconds next_report(kProgressSeconds);
    for (std::size_t index = 0; index < units_.size(); ++index) {
        pieces_.push_back(piece_path(index));
    }
    piece_documents_.assign(pieces_.size(), 0);
    std::size_t unit = 0;
    const auto progress = [&](Bytes bytes) {
        done += bytes;
        const Seconds elapsed = watch_.elapsed();
        if (elapsed > next_report) {
            next_report = elapsed + Seconds(kProgressSeconds);
            const double megabytes = static_cast<double>(done.value) / kMegabyte;
            log_.info("tokenizing: {:.0f} MB of text, piece {} of {}, {:.1f} MB/s per rank",
                      megabytes, unit + 1, units_.size(), megabytes / elapsed.value);
        }
    };
    mpi::agree(ranks_, [&] {
        std::optional<text::DocumentFile> file;  // of the unit before, often the same
        for (; unit < units_.size(); ++unit) {
            if (!is_mine(unit)) {
                continue;
            }
            const PieceTask task{inputs_[units_[unit].input], units_[unit].part, pieces_[unit],
                                 options_.seed, settings};
            PieceSummary piece;
            const bool was_there = find_piece(task, piece);
            if (!was_there) {
                if (!file || file->path() != task.input.path) {
                    file.emplace(task.input.path, options_.documents);
                }
                piece = make_piece(task, *file, *tokenizer_, progress);
            }
            totals_.add(piece, was_there);
            piece_documents_[unit] = piece.documents;
            (void)fault_point("prepare.piece", Step(static_cast<std::int64_t>(unit)),
                              ranks_.rank());
        }
    });
    totals_.reduce(ranks_);
    ranks_.sum(std::span(piece_documents_));
    if (totals_.reused > 0) {
        log_.info("{} of {} pieces were tokenized by an earlier, interrupted run", totals_.reused,
                  units_.size());
    }
}

/// The pieces become others, of the same form, and all that follows is the same.
void Preparation::order_pieces() {
    OrderTask task;
    task.folder = output_.scratch("ordered");
    task.seed = options_.seed;
    task.shuffle = options_.shuffle;
    task.duplicates = options_.duplicates;
    if (task.has_work()) {
        const OrderedDocuments ordered =
            order_documents({pieces_, piece_documents_}, task, ranks_, log_);
        pieces_ = ordered.pieces;
        totals_.least_draw = ordered.least_draw;
        totals_.greatest_draw = ordered.greatest_draw;
        exact_duplicates_ = ordered.exact_duplicates;
        near_duplicates_ = ordered.near_duplicates;
    }
}

void Preparation::count_rows() {
    mpi::agree(ranks_, [&] {
        rule_ = SplitRule::choose(options_.validation_fraction, totals_.least_draw,
                                  totals_.greatest_draw);
    });
    unigrams_.assign(static_cast<std::size_t>(tokenizer_->size()), 0);
    piece_counts_.assign(pieces_.size() * kCounts, 0);
    mpi::agree(ranks_, [&] {
        for (std::size_t index = 0; index < pieces_.size(); ++index) {
            if (is_mine(index)) {
                const PieceCounts counts =
                    count_piece(pieces_[index], rule_, options_.sequence_length, unigrams_);
                std::int64_t* row = &piece_counts_[index * kCounts];
                row[kTrainDocuments] = counts.train.documents;
                row[kTrainRows] = counts.train.rows;
                row[kValidationDocuments] = counts.validation.documents;
                row[kValidationRows] = counts.validation.rows;
            }
        }
    });
    ranks_.sum(std::span(unigrams_));
    ranks_.sum(std::span(piece_counts_));
}

std::vector<ShardEntry> Preparation::write_split(bool validation) {
    ShardJob job;
    job.output = options_.output;
    job.prefix = validation ? "validation" : "train";
    job.validation = validation;
    job.rule = rule_;
    job.format = {options_.sequence_length, tokenizer_->size(), tokenizer_->hash(),
                  settings_hash(output_.settings())};
    job.special = tokenizer_->special();
    job.most_rows_per_shard = options_.sequences_per_shard;
    for (std::size_t index = 0; index < pieces_.size(); ++index) {
        const std::int64_t* row = &piece_counts_[index * kCounts];
        job.pieces.push_back(pieces_[index]);
        job.rows.push_back(row[validation ? kValidationRows : kTrainRows]);
        job.documents.push_back(row[kTrainDocuments] + row[kValidationDocuments]);
    }
    job.take_share(ranks_.rank(), ranks_.size());
    std::vector<ShardEntry> mine;
    mpi::agree(ranks_, [&] { mine = write_shards(job); });
    return gather_shards(mine, ranks_);
}

void Preparation::expect_same_inputs() const {
    const auto now = list_inputs(sources_, options_.output, ranks_);
    if (input_stamp(now) == input_stamp(inputs_)) {
        return;
    }
    const Digest content = input_content(now, ranks_);
    mpi::agree(ranks_, [&] {
        if (prepare_settings(options_, *tokenizer_, now, content) != output_.settings()) {
            throw InputError(
                "the input has changed while it was prepared (the shards would mix "
                "its states); remove " +
                options_.output.string() +
                " and run hpml_prepare again when nothing writes to the input");
        }
    });
}

void Preparation::publish(Manifest& manifest) {
    manifest.sequence_length = options_.sequence_length;
    manifest.exact_duplicates = exact_duplicates_;
    manifest.near_duplicates = near_duplicates_;
    manifest.unigram_entropy_nats = unigram_entropy(unigrams_, tokenizer_->special());
    for (std::size_t index = 0; index < pieces_.size(); ++index) {
        const std::int64_t* row = &piece_counts_[index * kCounts];
        manifest.documents += row[kTrainDocuments] + row[kValidationDocuments];
        manifest.validation_documents += row[kValidationDocuments];
    }
    output_.publish(manifest, *tokenizer_);
}

PrepareSummary Preparation::summarize(const Manifest& manifest) const {
    PrepareSummary summary;
    summary.documents = manifest.documents;
    summary.validation_documents = manifest.validation_documents;
    summary.rows = manifest.train_rows() + manifest.validation_rows();
    summary.tokens = manifest.train_tokens + manifest.validation_tokens;
    summary.shards = static_cast<std::int64_t>(manifest.train.size() + manifest.validation.size());
    summary.empty_documents = totals_.empty_documents;
    summary.cut_documents = totals_.cut_documents;
    summary.exact_duplicates = manifest.exact_duplicates;
    summary.near_duplicates = manifest.near_duplicates;
    summary.dropped = totals_.dropped;
    summary.unigram_entropy_nats = manifest.unigram_entropy_nats;
    summary.input = input_bytes_;
    summary.elapsed = watch_.elapsed();
    auto peak = static_cast<std::int64_t>(peak_memory().value);
    ranks_.max(std::span(&peak, 1));
    summary.peak_memory = Bytes(static_cast<std::uint64_t>(peak));
    return summary;
}

PrepareSummary Preparation::run() {
    expects(options_.sequence_length >= 3 && options_.sequences_per_shard >= 1 &&
                options_.validation_fraction >= 0 && options_.validation_fraction < 1,
            "options in their ranges");
    if (open_output() == OutputState::Finished) {
        Manifest manifest;
        mpi::agree(ranks_, [&] { manifest = read_manifest(options_.output); });
        PrepareSummary summary = summarize(manifest);
        summary.was_complete = true;
        return summary;
    }
    log_.info("preparing {} files, {:.1f} MB; ranks: {}", inputs_.size(),
              static_cast<double>(input_bytes_.value) / kMegabyte, ranks_.size());
    units_ = plan_units(inputs_, options_, ranks_);
    make_pieces();
    order_pieces();
    count_rows();
    Manifest manifest;
    manifest.train = write_split(false);
    manifest.validation = write_split(true);
    expect_same_inputs();
    publish(manifest);
    return summarize(manifest);
}

}  // namespace

PrepareSummary prepare(const PrepareOptions& options, const mpi::Communicator& ranks,
                       const Log& log) {
    return Preparation(options, ranks, log).run();
}

}  // namespace hpml::corpus
