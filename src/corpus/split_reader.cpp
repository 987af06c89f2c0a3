#include "corpus/split_reader.h"

#include <algorithm>

#include "base/error.h"

namespace hpml::corpus {

SplitReader::SplitReader(const std::filesystem::path& data, const Manifest& manifest, Split split,
                         Presence presence)
    : data_(data),
      format_(shard_format(manifest)),
      entries_(split == Split::Train ? manifest.train : manifest.validation),
      first_rows_{0},
      open_(entries_.size()) {
    if (presence == Presence::Check) {
        check_shards_present(data, manifest);
    }
    for (const ShardEntry& entry : entries_) {
        first_rows_.push_back(first_rows_.back() + entry.rows);
    }
}

SplitReader::~SplitReader() = default;

const ShardReader& SplitReader::shard(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    if (!open_[index]) {
        open_[index] = std::make_unique<const ShardReader>(data_, entries_[index], format_);
    }
    return *open_[index];
}

RowPair SplitReader::read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const {
    expects(row >= 0 && row < rows(), "a row of the split");
    // The last shard that begins at or before the row: empty shards before it are passed over.
    const auto after = std::ranges::upper_bound(first_rows_, row);
    const auto index = static_cast<std::size_t>(after - first_rows_.begin() - 1);
    const ShardReader& reader = shard(index);
    reader.read_row(row - first_rows_[index], tokens);
    return reader.pair(row - first_rows_[index]);
}

void SplitReader::check_all_rows() const {
    std::vector<std::int32_t> tokens;
    for (std::int64_t row = 0; row < rows(); ++row) {
        read_row(row, tokens);
    }
}

}  // namespace hpml::corpus
