#include "corpus/shuffle_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "corpus/gathered_file.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// What stands before a document in a spread file. Scratch of one machine: host byte order.
struct RecordHeader {
    std::uint64_t key = 0;
    Digest text_hash;
    std::uint64_t bytes = 0;  ///< of the packed document
};
static_assert(std::is_trivially_copyable_v<RecordHeader>);

/// A spread file begins with where its buckets begin, and the last one ends.
using Offset = std::uint64_t;

}  // namespace

fs::path spread_file(const fs::path& prefix, std::int64_t number) {
    return prefix.string() + fmt::format("-{:06}", number);
}

BucketPlan::BucketPlan(Bytes total, Bytes bucket) {
    while (total.value >> bits_ > bucket.value) {
        ++bits_;
    }
}

SpreadWriter::SpreadWriter(const BucketPlan& plan, fs::path prefix, Bytes most)
    : plan_(plan), prefix_(std::move(prefix)), most_(most) {}

void SpreadWriter::add(const PieceDocument& document, std::uint64_t key) {
    const std::size_t begin = records_.size();
    records_.resize(begin + sizeof(RecordHeader));
    pack_document(document, records_);
    const std::size_t end = records_.size();
    const RecordHeader header{key, document.text_hash, end - begin - sizeof(RecordHeader)};
    std::memcpy(records_.data() + begin, &header, sizeof(header));
    entries_.push_back({plan_.bucket(key), begin, end});
    if (end + entries_.size() * sizeof(Entry) >= most_.value) {
        flush();
    }
}

void SpreadWriter::flush() {
    if (entries_.empty()) {
        return;
    }
    std::ranges::sort(entries_, {}, [](const Entry& e) { return std::tuple(e.bucket, e.begin); });
    const auto buckets = static_cast<std::size_t>(plan_.buckets());
    std::vector<Offset> sizes(buckets);
    for (const Entry& entry : entries_) {
        sizes[static_cast<std::size_t>(entry.bucket)] += entry.end - entry.begin;
    }
    GatheredFile file(spread_file(prefix_, files_));
    Offset at = (buckets + 1) * sizeof(Offset);
    for (std::size_t bucket = 0; bucket <= buckets; ++bucket) {
        file.write(std::as_bytes(std::span(&at, 1)));
        at += bucket < buckets ? sizes[bucket] : 0;
    }
    for (const Entry& entry : entries_) {
        file.write(std::span(records_).subspan(entry.begin, entry.end - entry.begin));
    }
    (void)file.publish(Sync::Skip);
    ++files_;
    entries_.clear();
    records_.clear();
}

std::int64_t SpreadWriter::finish() {
    flush();
    return files_;
}

void Bucket::add(const fs::path& path, std::int64_t bucket) {
    const InputFile file(path);
    std::array<Offset, 2> range{};
    file.read_at(static_cast<std::uint64_t>(bucket) * sizeof(Offset),
                 std::as_writable_bytes(std::span(range)));
    if (range[0] > range[1] || range[1] > file.size().value) {
        throw InputError(path.string() +
                         " is damaged; remove the .work folder and run hpml_prepare again");
    }
    std::vector<std::byte> records(range[1] - range[0]);
    file.read_at(range[0], records);
    add_records(records);
}

void Bucket::add_records(std::span<const std::byte> records) {
    while (!records.empty()) {
        RecordHeader header;
        expects(records.size() >= sizeof(header), "whole records");
        std::memcpy(&header, records.data(), sizeof(header));
        records = records.subspan(sizeof(header));
        expects(records.size() >= header.bytes, "whole records");
        const auto [found, is_new] = known_.emplace(header.text_hash, entries_.size());
        if (is_new) {
            const std::size_t begin = packed_.size();
            packed_.insert(packed_.end(), records.begin(),
                           records.begin() + static_cast<std::ptrdiff_t>(header.bytes));
            entries_.push_back({header.key, header.text_hash, begin, packed_.size(), 0});
        }
        ++entries_[found->second].copies;
        ++documents_;
        records = records.subspan(header.bytes);
    }
}

void Bucket::write(PieceWriter& piece) const {
    std::vector<const Entry*> order;
    for (const Entry& entry : entries_) {
        order.push_back(&entry);
    }
    std::ranges::sort(order, {}, [](const Entry* e) {
        return std::tuple(e->key, e->text_hash.high, e->text_hash.low);
    });
    for (const Entry* entry : order) {
        const auto document = std::span(packed_).subspan(entry->begin, entry->end - entry->begin);
        for (std::int64_t copy = 0; copy < entry->copies; ++copy) {
            piece.append_packed(document);
        }
    }
}

Bytes Bucket::memory() const {
    return Bytes(packed_.size() + entries_.size() * BucketPlan::kOverhead);
}

}  // namespace hpml::corpus
