#include "corpus/import_masked.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "corpus/data_folder.h"
#include "corpus/duplicates.h"
#include "corpus/import_file.h"
#include "corpus/masked_files.h"
#include "corpus/prepare_output.h"
#include "corpus/prepare_settings.h"
#include "corpus/shard_filler.h"
#include "corpus/unigrams.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// Columns of what the ranks know of the files.
enum Fact : std::size_t { kRows, kLength, kPairs, kNextSentences, kFacts };

RowPair pair_of(const MaskedRow& row) {
    const auto second = std::ranges::find(row.segments, 1);
    return {second == row.segments.end() ? 0 : second - row.segments.begin(),
            row.next_sentence.value_or(0) == 1};
}

/// One conversion; the members after the constructor's are filled phase by phase.
class Import {
  public:
    Import(const ImportOptions& options, const mpi::Communicator& ranks, const Log& log)
        : options_(options), ranks_(ranks), log_(log), output_(options.output, ranks, log) {}

    ImportSummary run();

  private:
    [[nodiscard]] OutputState open_output();
    void list_files();
    void hash_rows();
    void find_duplicates();
    [[nodiscard]] std::vector<ShardEntry> write_split(Split split);
    void copy_rows(const ShardJob& job, std::size_t first_file, std::span<std::int64_t> unigrams,
                   ShardFiller& filler) const;
    /// Whether every file says of its rows' second segments whether they follow.
    [[nodiscard]] bool has_pairs() const;
    void expect_same_inputs() const;
    void publish(Manifest& manifest);
    [[nodiscard]] ImportSummary summarize(const Manifest& manifest) const;

    [[nodiscard]] bool is_mine(std::int64_t index) const {
        return index % ranks_.size() == ranks_.rank().value;
    }
    [[nodiscard]] std::int64_t fact(std::size_t file, Fact column) const {
        return facts_[file * kFacts + column];
    }
    [[nodiscard]] fs::path hashes_path(std::size_t file) const {
        return output_.scratch(fmt::format("rows-{:06}", file));
    }
    [[nodiscard]] fs::path tokenizer_path() const {
        return options_.vocabulary.empty() ? options_.input : options_.vocabulary;
    }

    const ImportOptions& options_;
    const mpi::Communicator& ranks_;
    const Log& log_;
    PrepareOutput output_;
    Stopwatch watch_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    std::vector<InputEntry> inputs_;  ///< those of the validation split first
    std::size_t validation_files_ = 0;
    std::vector<std::int64_t> facts_;       ///< [files][kFacts]
    std::vector<std::int64_t> first_rows_;  ///< [files + 1] of the files, numbered through
    std::vector<std::int64_t> kept_;        ///< [files] rows that are no duplicates
    std::optional<ItemBits> duplicates_;
    std::vector<std::int64_t> unigrams_;
};

void Import::list_files() {
    const auto all = list_inputs({options_.input}, options_.output, ranks_);
    mpi::agree(ranks_, [&] {
        const MaskedFiles files = sort_masked_files(all, options_.input);
        validation_files_ = files.validation.size();
        inputs_ = files.validation;
        inputs_.insert(inputs_.end(), files.train.begin(), files.train.end());
    });
}

OutputState Import::open_output() {
    mpi::agree(ranks_,
               [&] { tokenizer_ = load_row_tokenizer(tokenizer_path(), options_.letter_case); });
    list_files();
    return output_.open(inputs_, [&](const Digest& content, std::size_t /*corpus*/) {
        Json settings{{"format_version", kShardFormatVersion},
                      {"format", "masked rows"},
                      {"lower-case", tokenizer_->letter_case() == text::LetterCase::Lower},
                      {"duplicates", options_.duplicates == Duplicates::Drop ? "drop" : "keep"},
                      {"sequences-per-shard", options_.sequences_per_shard},
                      {"vocab xxh3_128", tokenizer_->hash().hex()}};
        settings.update(input_settings(inputs_, content));
        return settings;
    });
}

void Import::hash_rows() {
    facts_.assign(inputs_.size() * kFacts, 0);
    std::int64_t reused = 0;
    mpi::agree(ranks_, [&] {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (!is_mine(static_cast<std::int64_t>(i))) {
                continue;
            }
            const ImportTask task{inputs_[i].path, hashes_path(i),
                                  settings_hash(output_.settings())};
            ImportedFile file;
            if (find_hashes(task, file)) {
                ++reused;
            } else {
                file = make_hashes(task, *tokenizer_);
            }
            std::int64_t* facts = &facts_[i * kFacts];
            facts[kRows] = file.rows;
            facts[kLength] = file.sequence_length;
            facts[kPairs] = file.pair_rows;
            facts[kNextSentences] = file.next_sentences;
            (void)fault_point("import.file", Step(static_cast<std::int64_t>(i)), ranks_.rank());
        }
    });
    ranks_.sum(std::span(&reused, 1));
    ranks_.sum(std::span(facts_));
    if (reused > 0) {
        log_.info("the rows of {} of {} files were hashed by an earlier, interrupted run", reused,
                  inputs_.size());
    }
    mpi::agree(ranks_, [&] {
        for (std::size_t i = 1; i < inputs_.size(); ++i) {
            if (fact(i, kLength) != fact(0, kLength)) {
                throw InputError(inputs_[i].path.string() + " has rows of " +
                                 std::to_string(fact(i, kLength)) + " tokens, " +
                                 inputs_[0].path.string() + " of " +
                                 std::to_string(fact(0, kLength)) +
                                 " (a corpus has one length); convert them one by one");
            }
        }
    });
}

void Import::find_duplicates() {
    std::vector<HashRun> runs;
    first_rows_.assign(1, 0);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        runs.push_back({hashes_path(i), fact(i, kRows), first_rows_.back()});
        first_rows_.push_back(first_rows_.back() + fact(i, kRows));
    }
    duplicates_.emplace(first_rows_.back());
    if (options_.duplicates == Duplicates::Drop) {
        const DuplicateFinder finder(std::move(runs));
        mpi::agree(ranks_, [&] {
            for (std::int64_t part = 0; part < finder.partitions(); ++part) {
                if (is_mine(part)) {
                    finder.mark(part, *duplicates_);
                }
            }
        });
        ranks_.bit_or(duplicates_->words());
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        std::int64_t kept = 0;
        for (std::int64_t row = first_rows_[i]; row < first_rows_[i + 1]; ++row) {
            kept += duplicates_->test(row) ? 0 : 1;
        }
        kept_.push_back(kept);
    }
}

/// The rows of the job's files, of which `first_file` is the first, that this rank's shards hold.
void Import::copy_rows(const ShardJob& job, std::size_t first_file,
                       std::span<std::int64_t> unigrams, ShardFiller& filler) const {
    std::int64_t row = 0;  // of the split
    std::int64_t document = std::accumulate(
        kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(first_file), std::int64_t{0});
    MaskedRow masked;
    for (std::size_t i = 0; i < job.rows.size() && row < filler.end(); ++i) {
        const std::size_t file = first_file + i;
        if (row + job.rows[i] <= filler.begin() || job.rows[i] == 0) {
            row += job.rows[i];
            document += job.rows[i];
            continue;
        }
        MaskedRowsReader reader(inputs_[file].path);
        for (std::int64_t stored = first_rows_[file]; row < filler.end() && reader.next(masked);
             ++stored) {
            if (duplicates_->test(stored)) {
                continue;
            }
            if (row >= filler.begin()) {
                filler.add(row, masked.originals, document, pair_of(masked));
                for (const std::int32_t id : masked.originals) {
                    ++unigrams[static_cast<std::size_t>(id)];
                }
            }
            ++row;
            ++document;
        }
    }
}

std::vector<ShardEntry> Import::write_split(Split split) {
    const bool is_train = split == Split::Train;
    const std::size_t first = is_train ? validation_files_ : 0;
    const std::size_t last = is_train ? inputs_.size() : validation_files_;
    ShardJob job;
    job.output = options_.output;
    job.prefix = is_train ? "train" : "validation";
    job.format = {fact(0, kLength), tokenizer_->size(), tokenizer_->hash(),
                  settings_hash(output_.settings()), has_pairs()};
    job.most_rows_per_shard = options_.sequences_per_shard;
    job.rows.assign(kept_.begin() + static_cast<std::ptrdiff_t>(first),
                    kept_.begin() + static_cast<std::ptrdiff_t>(last));
    job.take_share(ranks_.rank(), ranks_.size());
    std::vector<std::int64_t> unigrams(static_cast<std::size_t>(tokenizer_->size()));
    std::vector<ShardEntry> mine;
    mpi::agree(ranks_, [&] {
        ShardFiller filler(job);
        copy_rows(job, first, unigrams, filler);
        mine = filler.take();
    });
    if (is_train) {
        ranks_.sum(std::span(unigrams));
        unigrams_ = unigrams;
    }
    return gather_shards(mine, ranks_);
}

void Import::expect_same_inputs() const {
    const auto now = list_inputs({options_.input}, options_.output, ranks_);
    mpi::agree(ranks_, [&] {
        const MaskedFiles files = sort_masked_files(now, options_.input);
        std::vector<InputEntry> inputs = files.validation;
        inputs.insert(inputs.end(), files.train.begin(), files.train.end());
        if (input_stamp(inputs) != input_stamp(inputs_)) {
            throw InputError(
                "the input has changed while it was converted (the shards would mix its states); "
                "remove " +
                options_.output.string() +
                " and run hpml_prepare convert again when nothing writes to the input");
        }
    });
}

bool Import::has_pairs() const {
    std::int64_t pairs = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        if (fact(i, kNextSentences) == 0) {
            return false;
        }
        pairs += fact(i, kPairs);
    }
    return pairs > 0;
}

void Import::publish(Manifest& manifest) {
    manifest.sequence_length = fact(0, kLength);
    manifest.pairs = has_pairs();
    manifest.unigram_entropy_nats = unigram_entropy(unigrams_, tokenizer_->special());
    manifest.validation_documents = manifest.validation_rows();
    manifest.documents = manifest.train_rows() + manifest.validation_rows();
    manifest.exact_duplicates = first_rows_.back() - manifest.documents;
    output_.publish(manifest, *tokenizer_);
    mpi::on_root(ranks_, [&] { output_.remove_scratch(); });
}

ImportSummary Import::summarize(const Manifest& manifest) const {
    ImportSummary summary;
    summary.files = static_cast<std::int64_t>(inputs_.size());
    summary.validation_rows = manifest.validation_rows();
    summary.has_pairs = manifest.pairs;
    summary.rows = manifest.train_rows() + manifest.validation_rows();
    summary.tokens = manifest.train_tokens + manifest.validation_tokens;
    summary.shards = static_cast<std::int64_t>(manifest.train.size() + manifest.validation.size());
    summary.elapsed = watch_.elapsed();
    if (facts_.empty()) {
        summary.was_complete = true;
        return summary;
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        summary.stored_rows += fact(i, kRows);
        summary.pair_rows += fact(i, kPairs);
        summary.next_sentence_files += fact(i, kNextSentences);
    }
    summary.duplicate_rows = summary.stored_rows - summary.rows;
    return summary;
}

ImportSummary Import::run() {
    expects(options_.sequences_per_shard >= 1, "shards with room");
    Manifest manifest;
    if (open_output() == OutputState::Finished) {
        mpi::agree(ranks_, [&] { manifest = read_manifest(options_.output); });
        return summarize(manifest);
    }
    log_.info("converting {} files; ranks: {}", inputs_.size(), ranks_.size());
    hash_rows();
    find_duplicates();
    manifest.train = write_split(Split::Train);
    manifest.validation = write_split(Split::Validation);
    expect_same_inputs();
    publish(manifest);
    return summarize(manifest);
}

}  // namespace

ImportSummary import_masked(const ImportOptions& options, const mpi::Communicator& ranks,
                            const Log& log) {
    return Import(options, ranks, log).run();
}

}  // namespace hpml::corpus
