#include "corpus/file_order.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "corpus/order.h"

namespace hpml::corpus {

FileOrder::FileOrder(std::vector<std::int64_t> rows, std::uint64_t seed)
    : rows_(std::move(rows)),
      seed_(seed),
      total_(std::accumulate(rows_.begin(), rows_.end(), std::int64_t{0})) {
    expects(!rows_.empty() && total_ > 0, "files with rows");
}

void FileOrder::begin_epoch(std::int64_t epoch) {
    const auto files = static_cast<std::int64_t>(rows_.size());
    const Order order(files, seed_);
    files_.clear();
    begins_.assign(1, 0);
    for (std::int64_t i = 0; i < files; ++i) {
        files_.push_back(static_cast<std::size_t>(order.at(epoch * files + i).sample));
        begins_.push_back(begins_.back() + rows_[files_.back()]);
    }
    epoch_ = epoch;
}

FileOrder::Place FileOrder::at(std::int64_t position) {
    expects(position >= 0, "a position of the order");
    if (const std::int64_t epoch = position / total_; epoch != epoch_) {
        begin_epoch(epoch);
    }
    const std::int64_t offset = position % total_;
    // The last file that begins at or before the offset: empty ones before it are passed over.
    const auto after = std::ranges::upper_bound(begins_, offset);
    const auto index = static_cast<std::size_t>(after - begins_.begin() - 1);
    const std::size_t file = files_[index];
    // Every (epoch, file) has an epoch of its own in the file's permutations.
    const std::int64_t turn =
        epoch_ * static_cast<std::int64_t>(rows_.size()) + static_cast<std::int64_t>(file);
    const Order order(rows_[file], seed_);
    return {epoch_, file, order.at(turn * rows_[file] + offset - begins_[index]).sample};
}

}  // namespace hpml::corpus
