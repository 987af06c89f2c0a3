#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "corpus/batch.h"
#include "corpus/loader.h"
#include "corpus/masking.h"
#include "corpus/split_reader.h"

namespace hpml::corpus {

/// Rows of a split as batches take them: masked, with token types, and in a corpus of pairs with
/// the next-sentence label as target. For one thread.
class RowSource {
  public:
    /// @throw as SplitReader
    RowSource(const std::filesystem::path& data, const Manifest& manifest, Split split,
              const LoaderOptions& options);

    [[nodiscard]] std::int64_t rows() const noexcept { return reader_.rows(); }
    /// Append row `key.sample`. @throw InputError naming the shard; IoError
    void append(Batch& batch, MaskingKey key);

  private:
    SplitReader reader_;
    Masker masker_;
    bool pairs_;
    bool has_types_;                    ///< byte-level tokenizers' models know one type only
    std::vector<std::int32_t> tokens_;  ///< of one row
    std::vector<std::int32_t> segments_;
};

}  // namespace hpml::corpus
