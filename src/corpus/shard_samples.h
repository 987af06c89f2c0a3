#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "corpus/masking.h"
#include "corpus/order.h"
#include "corpus/sample_source.h"
#include "corpus/split_reader.h"

namespace hpml::corpus {

/// Rows of shards as batches take them: masked when they are read, with token types, and in a
/// corpus of pairs with the next-sentence label as target. Training takes the rows of all shards in
/// one order (`Order`). Asks for no memory once it has seen the longest row.
class ShardSamples : public SampleSource {
  public:
    /// @throw as SplitReader
    ShardSamples(const std::filesystem::path& data, const Manifest& manifest, Split split,
                 const LoaderOptions& options);

    [[nodiscard]] std::int64_t rows() const override { return reader_.rows(); }
    void append_ordered(Batch& batch, std::int64_t position) override;
    void append_row(Batch& batch, std::int64_t row) override { append(batch, {row, 0}); }

  private:
    void append(Batch& batch, MaskingKey key);

    SplitReader reader_;
    Masker masker_;
    bool pairs_;
    bool has_types_;                    ///< byte-level tokenizers' models know one type only
    std::optional<Order> order_;        ///< none without rows
    std::vector<std::int32_t> tokens_;  ///< of one row
    std::vector<std::int32_t> segments_;
};

}  // namespace hpml::corpus
