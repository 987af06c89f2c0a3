#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "corpus/file_order.h"
#include "corpus/masked_rows.h"
#include "corpus/sample_source.h"

namespace hpml::corpus {

/// All rows of one file of masked rows, in memory: about 6 bytes for each token.
class MaskedFile {
  public:
    /// @throw what MaskedRowsReader throws; InputError naming the row for what does not fit the
    /// vocabulary
    MaskedFile(const std::filesystem::path& path, const MaskingOptions& masking);

    [[nodiscard]] std::int64_t rows() const {
        return static_cast<std::int64_t>(token_ends_.size()) - 1;
    }
    /// Append row `row` as it is stored. @param sample  its number
    void append(Batch& batch, std::int64_t row, std::int64_t sample);
    /// 1 if the row's second segment is a random one, else 0.
    [[nodiscard]] int next_sentence(std::int64_t row) const {
        return next_sentences_[static_cast<std::size_t>(row)];
    }

  private:
    std::vector<std::int32_t> tokens_;
    std::vector<std::uint8_t> segments_;
    std::vector<std::int64_t> token_ends_{0};  ///< [rows + 1]
    std::vector<std::int32_t> positions_;      ///< within the row
    std::vector<std::int32_t> labels_;
    std::vector<std::int64_t> label_ends_{0};   ///< [rows + 1]
    std::vector<std::uint8_t> next_sentences_;  ///< [rows]
    std::vector<std::int32_t> row_segments_;
};

/// The samples of a folder of masked rows, with the masks that are stored, and in a corpus of pairs
/// with the next-sentence label as target. One file is in memory; in the training order its rows
/// stand together (`FileOrder`). Asks for memory when it goes on to another file only.
class MaskedSamples : public SampleSource {
  public:
    MaskedSamples(const std::filesystem::path& data, const Manifest& manifest, Split split,
                  const LoaderOptions& options);

    [[nodiscard]] std::int64_t rows() const override { return first_rows_.back(); }
    void append_ordered(Batch& batch, std::int64_t position) override;
    void append_row(Batch& batch, std::int64_t row) override;

  private:
    [[nodiscard]] MaskedFile& file(std::size_t index);
    /// Append row `row` of a file.
    void append(Batch& batch, std::size_t index, std::int64_t row);

    std::filesystem::path data_;
    std::vector<ShardEntry> entries_;
    std::vector<std::int64_t> first_rows_;  ///< [files + 1]
    MaskingOptions masking_;
    bool pairs_;
    bool has_types_;  ///< byte-level tokenizers' models know one type only
    std::optional<FileOrder> order_;
    std::optional<MaskedFile> open_;
    std::size_t open_index_ = 0;
};

}  // namespace hpml::corpus
