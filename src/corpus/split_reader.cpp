#include "corpus/split_reader.h"

#include <algorithm>

#include "base/error.h"

namespace hpml::corpus {

SplitReader::SplitReader(const std::filesystem::path& data, const Manifest& manifest, Split split,
                         VerifyHash verify)
    : first_rows_{0} {
    check_shards_present(data, manifest);
    const ShardFormat format = shard_format(manifest);
    const auto& entries = split == Split::Train ? manifest.train : manifest.validation;
    shards_.reserve(entries.size());
    for (const ShardEntry& entry : entries) {
        shards_.emplace_back(data, entry, format, verify);
        first_rows_.push_back(first_rows_.back() + entry.rows);
    }
}

void SplitReader::read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const {
    expects(row >= 0 && row < rows(), "a row of the split");
    // The last shard that begins at or before the row: empty shards before it are passed over.
    const auto after = std::ranges::upper_bound(first_rows_, row);
    const auto shard = static_cast<std::size_t>(after - first_rows_.begin() - 1);
    shards_[shard].read_row(row - first_rows_[shard], tokens);
}

void SplitReader::check_all_rows() const {
    std::vector<std::int32_t> tokens;
    for (std::int64_t row = 0; row < rows(); ++row) {
        read_row(row, tokens);
    }
}

}  // namespace hpml::corpus
