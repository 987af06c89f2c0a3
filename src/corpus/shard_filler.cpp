#include "corpus/shard_filler.h"

#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "base/fault.h"
#include "base/json.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

fs::path note_path(const ShardJob& job, const std::string& shard) {
    return job.output / ".work" / (shard + ".json");
}

void write_note(const ShardJob& job, const ShardEntry& shard) {
    write_json(note_path(job, shard.name), Json{{"settings", job.format.settings_hash.hex()},
                                                {"rows", shard.rows},
                                                {"tokens", shard.tokens},
                                                {"bytes", shard.bytes},
                                                {"xxh3_128", shard.hash.hex()}});
}

/// The undamaged shard of the same settings that an earlier run has noted; none if there is none.
std::optional<ShardEntry> find_shard(const ShardJob& job, const std::string& name) {
    const fs::path note = note_path(job, name);
    const fs::path path = job.output / name;
    if (!fs::exists(note) || !fs::exists(path)) {
        return std::nullopt;
    }
    try {
        const Json json = read_json(note);
        const std::string where = note.string();
        const ShardEntry shard{name, json_member<std::int64_t>(json, "rows", where),
                               json_member<std::int64_t>(json, "tokens", where),
                               json_member<std::uint64_t>(json, "bytes", where),
                               Digest::from_hex(json_member<std::string>(json, "xxh3_128", where))};
        const bool is_whole =
            json_member<std::string>(json, "settings", where) == job.format.settings_hash.hex() &&
            hash_file(path) == shard.hash;
        return is_whole ? std::optional(shard) : std::nullopt;
    } catch (const InputError&) {
        return std::nullopt;  // a damaged shard is made again
    }
}

}  // namespace

ShardFiller::ShardFiller(const ShardJob& job, FinishedShards finished)
    : job_(job),
      finished_(finished),
      shard_(job.first_shard),
      begin_(job.first_row(job.first_shard)),
      end_(job.first_row(job.last_shard)) {
    if (finished_ == FinishedShards::Keep) {
        keep_finished();
    }
}

void ShardFiller::keep_finished() {
    for (; shard_ < job_.last_shard; ++shard_) {
        const auto shard = find_shard(job_, name(shard_));
        const std::int64_t rows = job_.first_row(shard_ + 1) - begin_;
        if (!shard || shard->rows != rows) {
            return;
        }
        entries_.push_back(*shard);
        begin_ += rows;
    }
}

std::string ShardFiller::name(std::int64_t shard) const {
    return fmt::format("{}-{:05}.h5", job_.prefix, shard);
}

void ShardFiller::add(std::int64_t row, std::span<const std::int32_t> tokens, std::int64_t document,
                      RowPair pair) {
    if (!writer_) {
        writer_.emplace(job_.output / name(shard_), job_.format);
        shard_end_ = job_.first_row(shard_ + 1);
    }
    writer_->append(tokens, document, pair);
    if (row + 1 == shard_end_) {
        entries_.push_back(writer_->publish());
        if (finished_ == FinishedShards::Keep) {
            write_note(job_, entries_.back());
        }
        writer_.reset();
        (void)fault_point("prepare.shard", Step(shard_), job_.rank);
        ++shard_;
    }
}

std::vector<ShardEntry> gather_shards(const std::vector<ShardEntry>& mine,
                                      const mpi::Communicator& ranks) {
    Json list = Json::array();
    for (const ShardEntry& entry : mine) {
        list.push_back(Json{entry.name, entry.rows, entry.tokens, entry.bytes, entry.hash.hex()});
    }
    std::vector<ShardEntry> all;
    for (const std::string& text : ranks.all_gather(list.dump())) {
        for (const Json& entry : parse_json(text, "shard list", mib(1024))) {
            all.push_back({entry.at(0), entry.at(1), entry.at(2), entry.at(3),
                           Digest::from_hex(entry.at(4).get<std::string>())});
        }
    }
    return all;
}

}  // namespace hpml::corpus
