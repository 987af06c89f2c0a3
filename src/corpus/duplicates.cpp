#include "corpus/duplicates.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace hpml::corpus {

namespace {

constexpr std::int64_t kPartitionHashes = 1 << 20;  ///< on average; 24 MiB

static_assert(sizeof(ItemHash) == 24 && std::is_trivially_copyable_v<ItemHash>,
              "hashes are written as they lie in memory");

bool is_before(const ItemHash& a, const ItemHash& b) {
    return std::tie(a.hash.high, a.hash.low, a.item) < std::tie(b.hash.high, b.hash.low, b.item);
}

ItemHash read_hash(const InputFile& file, std::int64_t index) {
    ItemHash hash;
    file.read_at(static_cast<std::uint64_t>(index) * sizeof(ItemHash),
                 std::as_writable_bytes(std::span(&hash, 1)));
    return hash;
}

/// The first of the file's sorted hashes whose partition is `partition` or a later one.
std::int64_t lower_bound(const InputFile& file, std::int64_t hashes, int bits,
                         std::int64_t partition) {
    std::int64_t low = 0;
    for (std::int64_t high = hashes; low < high;) {
        const std::int64_t middle = low + (high - low) / 2;
        const std::uint64_t word = read_hash(file, middle).hash.high;
        const auto found = bits == 0 ? std::uint64_t{0} : word >> (64 - bits);
        if (found < static_cast<std::uint64_t>(partition)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

}  // namespace

Digest hash_row(std::span<const std::int32_t> tokens) { return hash_bytes(std::as_bytes(tokens)); }

void ItemBits::merge(const ItemBits& other) {
    expects(words_.size() == other.words_.size(), "bits of the same items");
    std::ranges::transform(words_, other.words_, words_.begin(), std::bit_or<>());
}

std::int64_t ItemBits::count() const {
    std::int64_t count = 0;
    for (const std::int64_t word : words_) {
        count += std::popcount(static_cast<std::uint64_t>(word));
    }
    return count;
}

void sort_hashes(std::vector<ItemHash>& hashes) { std::ranges::sort(hashes, is_before); }

void mark_repeated(std::span<const ItemHash> sorted, ItemBits& duplicates) {
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i].hash == sorted[i - 1].hash) {
            duplicates.set(sorted[i].item);
        }
    }
}

Digest write_hashes(const std::filesystem::path& path, std::span<const ItemHash> sorted,
                    Sync sync) {
    AtomicFile file(path);
    file.write(std::as_bytes(sorted));
    const Digest digest = file.digest();
    file.publish(sync);
    return digest;
}

DuplicateFinder::DuplicateFinder(std::vector<HashRun> runs) : runs_(std::move(runs)) {
    std::int64_t total = 0;
    for (const HashRun& run : runs_) {
        total += run.hashes;
    }
    while (total >> bits_ > kPartitionHashes) {
        ++bits_;
    }
}

void DuplicateFinder::mark(std::int64_t partition, ItemBits& duplicates) const {
    std::vector<ItemHash> hashes;
    for (const HashRun& run : runs_) {
        const InputFile file(run.path);
        const std::int64_t begin = lower_bound(file, run.hashes, bits_, partition);
        const std::int64_t end = lower_bound(file, run.hashes, bits_, partition + 1);
        const std::size_t known = hashes.size();
        hashes.resize(known + static_cast<std::size_t>(end - begin));
        const auto added = std::span(hashes).subspan(known);
        file.read_at(static_cast<std::uint64_t>(begin) * sizeof(ItemHash),
                     std::as_writable_bytes(added));
        for (ItemHash& hash : added) {
            hash.item += run.first_item;
        }
    }
    sort_hashes(hashes);
    mark_repeated(hashes, duplicates);
}

}  // namespace hpml::corpus
