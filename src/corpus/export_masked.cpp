#include "corpus/export_masked.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "corpus/masked_rows_writer.h"
#include "corpus/masking.h"
#include "corpus/prepare_lock.h"
#include "corpus/prepare_settings.h"
#include "corpus/shard.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr const char* kRecord = "convert.json";

/// One file to write.
struct FileTask {
    std::string name;
    ShardEntry shard;
    std::int64_t first_row = 0;  ///< of the split
    std::int64_t copy = 0;
};

/// What is noted of a finished one.
struct FileRecord {
    std::string name;
    std::int64_t rows = 0;
    std::uint64_t bytes = 0;
    std::string hash;
};

Json to_json(const FileRecord& record) {
    return Json{{"name", record.name},
                {"rows", record.rows},
                {"bytes", record.bytes},
                {"xxh3_128", record.hash}};
}

FileRecord parse_record(const Json& json, const std::string& where) {
    return {json_member<std::string>(json, "name", where),
            json_member<std::int64_t>(json, "rows", where),
            json_member<std::uint64_t>(json, "bytes", where),
            json_member<std::string>(json, "xxh3_128", where)};
}

class Export {
  public:
    Export(const ExportOptions& options, const mpi::Communicator& ranks, const Log& log)
        : options_(options), ranks_(ranks), log_(log), work_(options.output / ".work") {}

    ExportSummary run();

  private:
    void read_corpus();
    void plan(const std::vector<ShardEntry>& shards, bool is_train);
    [[nodiscard]] std::string file_name(bool is_train, std::int64_t number) const;
    [[nodiscard]] bool open_output();
    void check_same(const Json& there) const;
    [[nodiscard]] std::vector<FileRecord> write_files();
    [[nodiscard]] std::optional<FileRecord> find_file(const FileTask& task) const;
    [[nodiscard]] FileRecord write_file(const FileTask& task) const;
    void publish(const std::vector<FileRecord>& records) const;
    [[nodiscard]] ExportSummary summarize(const std::vector<FileRecord>& records) const;

    const ExportOptions& options_;
    const mpi::Communicator& ranks_;
    const Log& log_;
    fs::path work_;
    Stopwatch watch_;
    Manifest manifest_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    std::optional<PrepareLock> lock_;  ///< on rank 0
    Json settings_;
    std::vector<FileTask> tasks_;
    std::int64_t reused_ = 0;
};

std::string Export::file_name(bool is_train, std::int64_t number) const {
    return options_.layout == MaskedLayout::Nvidia
               ? fmt::format("{}_{}_{}.hdf5", options_.name, is_train ? "training" : "test", number)
               : fmt::format("{}_shard_{}.hdf5", is_train ? "train" : "test", number);
}

void Export::plan(const std::vector<ShardEntry>& shards, bool is_train) {
    const std::int64_t copies = is_train ? options_.copies : 1;
    std::int64_t number = 0;
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        std::int64_t row = 0;
        for (const ShardEntry& shard : shards) {
            if (shard.rows > 0) {
                tasks_.push_back({file_name(is_train, number++), shard, row, copy});
            }
            row += shard.rows;
        }
    }
}

void Export::read_corpus() {
    mpi::agree(ranks_, [&] {
        manifest_ = read_manifest(options_.input);
        tokenizer_ = read_tokenizer(options_.input, manifest_);
        check_shards_present(options_.input, manifest_);
    });
    plan(manifest_.train, true);
    plan(manifest_.validation, false);
    settings_ = Json{{"format_version", 1},
                     {"to", options_.layout == MaskedLayout::Nvidia ? "nvidia" : "academic-budget"},
                     {"name", options_.name},
                     {"copies", options_.copies},
                     {"max-predictions", options_.max_predictions},
                     {"masking-rate", options_.masking_rate},
                     {"whole-word-masking", options_.whole_words},
                     {"seed", options_.seed},
                     {"next-sentence-zeros", options_.next_sentence_zeros},
                     {"corpus xxh3_128", manifest_.digest().hex()}};
}

/// @throw MismatchError with a table of what differs
void Export::check_same(const Json& there) const {
    const std::string table = differing_settings(there, settings_);
    if (!table.empty()) {
        throw MismatchError(options_.output.string() +
                            " was written with other settings (its files would mix); give another "
                            "--output or remove the folder:" +
                            table);
    }
}

/// @return whether all is finished already @throw MismatchError for other settings
bool Export::open_output() {
    std::int64_t is_finished = 0;
    mpi::on_root(ranks_, [&] {
        make_folders(options_.output);
        lock_.emplace(options_.output);
        (void)lock_->remove_leftovers(options_.output);
        (void)lock_->remove_leftovers(options_.output / ".work");
        bool is_new = true;
        for (const fs::path& record : {options_.output / kRecord, work_ / kRecord}) {
            if (!fs::exists(record)) {
                continue;
            }
            is_new = false;
            const Json there = read_json(record, mib(64));
            check_same(there.at("settings"));
            is_finished = record == options_.output / kRecord ? 1 : is_finished;
        }
        if (is_new && fs::exists(options_.output / "manifest.json")) {
            throw MismatchError(options_.output.string() +
                                " holds a corpus of hpml_prepare (two kinds of files would mix); "
                                "give another --output");
        }
        if (is_new) {
            make_folders(work_);
            write_json(work_ / kRecord, Json{{"settings", settings_}});
        }
    });
    ranks_.max(std::span(&is_finished, 1));
    return is_finished != 0;
}

std::optional<FileRecord> Export::find_file(const FileTask& task) const {
    const fs::path noted = work_ / (task.name + ".json");
    const fs::path path = options_.output / task.name;
    if (!fs::exists(noted) || !fs::exists(path)) {
        return std::nullopt;
    }
    FileRecord record = parse_record(read_json(noted), noted.string());
    if (hash_file(path).hex() != record.hash) {
        return std::nullopt;
    }
    return record;
}

FileRecord Export::write_file(const FileTask& task) const {
    const ShardReader shard(options_.input, task.shard, shard_format(manifest_));
    MaskingOptions masking =
        masking_for(*tokenizer_, options_.whole_words ? MaskWhole::Words : MaskWhole::Tokens);
    masking.rate = options_.masking_rate;
    masking.max_predictions = options_.max_predictions;
    Masker masker(std::move(masking), options_.seed);
    const bool has_types = tokenizer_->kind() == text::TokenizerKind::WordPiece;
    MaskedRowsWriter writer({shard.rows(), manifest_.sequence_length, options_.max_predictions,
                             options_.next_sentence_zeros || manifest_.pairs});
    Batch batch;
    MaskedRow row;
    if (options_.next_sentence_zeros) {
        row.next_sentence = 0;
    }
    for (std::int64_t i = 0; i < shard.rows(); ++i) {
        shard.read_row(i, row.originals);
        row.segments.assign(row.originals.size(), 0);
        if (manifest_.pairs) {
            const RowPair pair = shard.pair(i);
            row.next_sentence = pair.is_random ? 1 : 0;
            if (has_types && pair.first_part > 0) {
                std::fill(row.segments.begin() + pair.first_part, row.segments.end(), 1);
            }
        }
        batch.clear();
        masker.append(batch, row.originals, row.segments, {task.first_row + i, task.copy});
        row.tokens = batch.tokens;
        row.positions = batch.mlm_positions;
        row.labels = batch.mlm_labels;
        writer.append(row);
    }
    AtomicFile file(options_.output / task.name);
    file.write(writer.image());
    FileRecord record{task.name, shard.rows(), file.size().value, file.digest().hex()};
    file.publish();
    write_json(work_ / (task.name + ".json"), to_json(record));
    return record;
}

std::vector<FileRecord> Export::write_files() {
    Json mine = Json::array();
    mpi::agree(ranks_, [&] {
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (static_cast<int>(i % static_cast<std::size_t>(ranks_.size())) !=
                ranks_.rank().value) {
                continue;
            }
            std::optional<FileRecord> record = find_file(tasks_[i]);
            if (record) {
                ++reused_;
            } else {
                record = write_file(tasks_[i]);
            }
            mine.push_back(to_json(*record));
            (void)fault_point("export.file", Step(static_cast<std::int64_t>(i)), ranks_.rank());
        }
    });
    ranks_.sum(std::span(&reused_, 1));
    std::vector<std::vector<FileRecord>> of_rank;
    for (const std::string& text : ranks_.all_gather(mine.dump())) {
        of_rank.emplace_back();
        for (const Json& record : parse_json(text, "file list", mib(1024))) {
            of_rank.back().push_back(parse_record(record, "file list"));
        }
    }
    std::vector<FileRecord> all;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        all.push_back(of_rank[i % of_rank.size()][i / of_rank.size()]);
    }
    return all;
}

void Export::publish(const std::vector<FileRecord>& records) const {
    mpi::on_root(ranks_, [&] {
        Json files = Json::array();
        for (const FileRecord& record : records) {
            files.push_back(to_json(record));
        }
        write_tokenizer(options_.output, *tokenizer_);
        write_json(options_.output / kRecord, Json{{"settings", settings_}, {"files", files}});
        std::error_code ignored;
        fs::remove_all(work_, ignored);
    });
}

ExportSummary Export::summarize(const std::vector<FileRecord>& records) const {
    ExportSummary summary;
    summary.files = static_cast<std::int64_t>(tasks_.size());
    summary.reused = reused_;
    for (const FileTask& task : tasks_) {
        summary.rows += task.shard.rows;
    }
    for (const FileRecord& record : records) {
        summary.size += Bytes(record.bytes);
    }
    summary.elapsed = watch_.elapsed();
    return summary;
}

ExportSummary Export::run() {
    expects(options_.copies >= 1 && options_.max_predictions >= 1, "options in their ranges");
    read_corpus();
    if (open_output()) {
        ExportSummary summary = summarize({});
        summary.was_complete = true;
        return summary;
    }
    log_.info("writing {} files; ranks: {}", tasks_.size(), ranks_.size());
    const auto records = write_files();
    publish(records);
    return summarize(records);
}

}  // namespace

ExportSummary export_masked(const ExportOptions& options, const mpi::Communicator& ranks,
                            const Log& log) {
    return Export(options, ranks, log).run();
}

}  // namespace hpml::corpus
