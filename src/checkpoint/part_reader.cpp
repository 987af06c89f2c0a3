#include "checkpoint/part_reader.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "checkpoint/shared_file.h"

namespace hpml::checkpoint {

namespace {

/// What of `sources` lies from `skip` on, at most `most` bytes.
std::vector<Source> part_of(const std::vector<Source>& sources, std::uint64_t skip,
                            std::uint64_t most) {
    std::vector<Source> part;
    for (const Source& source : sources) {
        const std::uint64_t size = source.bytes.size();
        if (skip >= size) {
            skip -= size;
            continue;
        }
        const std::uint64_t take = std::min(size - skip, most);
        if (take == 0) {
            break;
        }
        part.push_back({source.bytes.subspan(skip, take), source.numbers, source.name});
        skip = 0;
        most -= take;
    }
    return part;
}

std::uint64_t gather(std::vector<Source>& sources, std::byte* into) {
    std::uint64_t done = 0;
    for (Source& source : sources) {
        std::memcpy(into + done, source.bytes.data(), source.bytes.size());
        source.bytes = std::span<const std::byte>(into + done, source.bytes.size());
        done += source.bytes.size();
    }
    return done;
}

}  // namespace

PartReader::PartReader(const std::vector<FileImage>& images, const std::vector<PieceTask>& tasks) {
    for (const PieceTask& task : tasks) {
        items_.push_back({task, images[task.file].sources(task.range), nullptr, 0});
    }
}

PartReader::Block PartReader::next(std::span<std::byte> into) {
    const std::scoped_lock lock(mutex_);
    Block block;
    if (current_ == items_.size()) {
        is_through_.notify_all();
        return block;
    }
    Item& item = items_[current_];
    block.task = current_;
    block.offset = item.task.range.begin + position_;
    const std::uint64_t behind = block.offset % SharedFile::kAlignment;
    block.numbers = part_of(item.sources, position_,
                            behind == 0 ? into.size() : SharedFile::kAlignment - behind);
    block.size = gather(block.numbers, into.data());
    position_ += block.size;
    block.ends_piece = position_ == item.task.range.size();
    if (block.ends_piece) {
        item.copy.reset();
        item.copied = 0;
        ++current_;
        position_ = 0;
    }
    return block;
}

void PartReader::copy_rest(Item& item, std::uint64_t position) const {
    const std::uint64_t size = item.task.range.size() - position;
    item.copy.reset(new std::byte[size]);  // not set to zero
    std::vector<Source> rest = part_of(item.sources, position, size);
    item.copied = gather(rest, item.copy.get());
    // What is through keeps its place in the row, so that positions stay what they are.
    std::vector<Source> sources = part_of(item.sources, 0, position);
    for (Source& source : rest) {
        sources.push_back(source);
    }
    item.sources = std::move(sources);
}

void PartReader::hold() {
    std::unique_lock lock(mutex_);
    try {
        for (std::size_t i = current_; i < items_.size() && !is_stopped_; ++i) {
            if (!items_[i].copy) {
                copy_rest(items_[i], i == current_ ? position_ : 0);
            }
        }
    } catch (const std::bad_alloc&) {
        // No memory for a copy: training waits until all is read.
        is_through_.wait(lock, [this] { return is_stopped_ || current_ == items_.size(); });
    }
}

void PartReader::stop() {
    const std::scoped_lock lock(mutex_);
    is_stopped_ = true;
    for (Item& item : items_) {
        item.copy.reset();
        item.copied = 0;
    }
    is_through_.notify_all();
}

std::uint64_t PartReader::held_bytes() const {
    const std::scoped_lock lock(mutex_);
    std::uint64_t sum = 0;
    for (const Item& item : items_) {
        sum += item.copied;
    }
    return sum;
}

}  // namespace hpml::checkpoint
