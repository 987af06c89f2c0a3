#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/units.h"
#include "corpus/prepare_piece.h"

namespace hpml::corpus {

/// How documents are spread over buckets by the first bits of their keys, so that the buckets, each
/// sorted on its own and put one behind the other, are all documents in the order of the keys.
class BucketPlan {
  public:
    /// @param total  of all documents, with kOverhead for each @param bucket  most on average
    BucketPlan(Bytes total, Bytes bucket);
    [[nodiscard]] std::int64_t buckets() const { return std::int64_t{1} << bits_; }
    [[nodiscard]] std::int64_t bucket(std::uint64_t key) const {
        return bits_ == 0 ? 0 : static_cast<std::int64_t>(key >> (64 - bits_));
    }
    /// Of memory for a document in a bucket beside its own bytes.
    static constexpr std::uint64_t kOverhead = 160;

  private:
    int bits_ = 0;
};

/// File `number` of a SpreadWriter's.
[[nodiscard]] std::filesystem::path spread_file(const std::filesystem::path& prefix,
                                                std::int64_t number);

/// The first pass: documents are gathered up to a bound, grouped by bucket, and written as one
/// spread file, so that neither the number of open files nor memory depends on the number of
/// buckets.
class SpreadWriter {
  public:
    /// @param prefix  of the files, PREFIX-000000 and so on @param most  gathered in memory
    SpreadWriter(const BucketPlan& plan, std::filesystem::path prefix, Bytes most);
    /// @param key  by which documents are ordered @throw OutputError, IoError
    void add(const PieceDocument& document, std::uint64_t key);
    /// Write what is left. @return the number of files @throw OutputError, IoError
    [[nodiscard]] std::int64_t finish();

  private:
    struct Entry {
        std::int64_t bucket = 0;
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    void flush();

    BucketPlan plan_;
    std::filesystem::path prefix_;
    Bytes most_;
    std::vector<std::byte> records_;
    std::vector<Entry> entries_;
    std::int64_t files_ = 0;
};

/// The second pass: one bucket's documents, sorted by (key, text). Equal texts are kept once and
/// counted, so that memory does not grow with the number of copies.
class Bucket {
  public:
    /// Add the bucket's part of a file of a SpreadWriter. @throw IoError, InputError
    void add(const std::filesystem::path& file, std::int64_t bucket);
    /// Every document as often as it was added. @throw IoError
    void write(PieceWriter& piece) const;
    /// With copies.
    [[nodiscard]] std::int64_t documents() const { return documents_; }
    [[nodiscard]] Bytes memory() const;

  private:
    struct Entry {
        std::uint64_t key = 0;
        Digest text_hash;
        std::size_t begin = 0;  ///< in packed_
        std::size_t end = 0;
        std::int64_t copies = 0;
    };
    struct LowWord {
        std::size_t operator()(const Digest& hash) const { return hash.low; }
    };
    void add_records(std::span<const std::byte> records);

    std::vector<Entry> entries_;
    std::vector<std::byte> packed_;
    std::int64_t documents_ = 0;
    std::unordered_map<Digest, std::size_t, LowWord> known_;  ///< index into entries_
};

}  // namespace hpml::corpus
