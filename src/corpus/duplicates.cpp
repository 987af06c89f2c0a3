#include "corpus/duplicate_rows.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <type_traits>

#include "base/error.h"
#include "base/file.h"

namespace hpml::corpus {

namespace {

constexpr std::int64_t kPartitionRows = 1 << 20;  ///< on average; 24 MiB

static_assert(sizeof(RowHash) == 24 && std::is_trivially_copyable_v<RowHash>,
              "row hashes are written as they lie in memory");

bool is_before(const RowHash& a, const RowHash& b) {
    return std::tie(a.hash.high, a.hash.low, a.row) < std::tie(b.hash.high, b.hash.low, b.row);
}

RowHash read_hash(const InputFile& file, std::int64_t index) {
    RowHash hash;
    file.read_at(static_cast<std::uint64_t>(index) * sizeof(RowHash),
                 std::as_writable_bytes(std::span(&hash, 1)));
    return hash;
}

/// The first of the file's `rows` sorted hashes whose partition is `partition` or a later one.
std::int64_t lower_bound(const InputFile& file, std::int64_t rows, int bits,
                         std::int64_t partition) {
    std::int64_t low = 0;
    for (std::int64_t high = rows; low < high;) {
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

Digest write_row_hashes(const std::filesystem::path& path, std::vector<RowHash>& hashes) {
    std::ranges::sort(hashes, is_before);
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(hashes)));
    const Digest digest = file.digest();
    file.publish();
    return digest;
}

DuplicateFinder::DuplicateFinder(std::vector<std::filesystem::path> files,
                                 std::vector<std::int64_t> rows)
    : files_(std::move(files)), rows_(std::move(rows)) {
    expects(files_.size() == rows_.size(), "the number of rows of every file");
    const std::int64_t total = std::accumulate(rows_.begin(), rows_.end(), std::int64_t{0});
    while (total >> bits_ > kPartitionRows) {
        ++bits_;
    }
}

void DuplicateFinder::mark(std::int64_t partition, RowBits& duplicates) const {
    std::vector<RowHash> hashes;
    std::int64_t first_row = 0;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const InputFile file(files_[i]);
        const std::int64_t begin = lower_bound(file, rows_[i], bits_, partition);
        const std::int64_t end = lower_bound(file, rows_[i], bits_, partition + 1);
        const std::size_t known = hashes.size();
        hashes.resize(known + static_cast<std::size_t>(end - begin));
        const auto added = std::span(hashes).subspan(known);
        file.read_at(static_cast<std::uint64_t>(begin) * sizeof(RowHash),
                     std::as_writable_bytes(added));
        for (RowHash& hash : added) {
            hash.row += first_row;
        }
        first_row += rows_[i];
    }
    std::ranges::sort(hashes, is_before);
    for (std::size_t i = 1; i < hashes.size(); ++i) {
        if (hashes[i].hash == hashes[i - 1].hash) {
            duplicates.set(hashes[i].row);
        }
    }
}

}  // namespace hpml::corpus
