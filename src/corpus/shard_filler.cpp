#include "corpus/shard_filler.h"

#include <fmt/format.h>

#include <string>

#include "base/json.h"

namespace hpml::corpus {

ShardFiller::ShardFiller(const ShardJob& job)
    : job_(job),
      shard_(job.first_shard),
      begin_(job.first_row(job.first_shard)),
      end_(job.first_row(job.last_shard)) {}

void ShardFiller::add(std::int64_t row, std::span<const std::int32_t> tokens,
                      std::int64_t document) {
    if (!writer_) {
        writer_.emplace(job_.output / fmt::format("{}-{:05}.h5", job_.prefix, shard_), job_.format);
        shard_end_ = job_.first_row(shard_ + 1);
    }
    writer_->append(tokens, document);
    if (row + 1 == shard_end_) {
        entries_.push_back(writer_->publish());
        writer_.reset();
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
