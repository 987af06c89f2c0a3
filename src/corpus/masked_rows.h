#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "h5/table.h"
#include "text/special_tokens.h"

namespace hpml::corpus {

/// One row as academic-budget-bert and NVIDIA's DeepLearningExamples store it: masked once and for
/// all.
struct MaskedRow {
    std::vector<std::int32_t> tokens;     ///< [length] masked, without padding
    std::vector<std::int32_t> originals;  ///< [length] with the masks undone
    std::vector<std::int32_t> segments;   ///< [length] 0 or 1
    std::vector<std::int32_t> positions;  ///< [predictions] rising indices into tokens, from 1
    std::vector<std::int32_t> labels;     ///< [predictions] the original ids there
    /// 0: the second segment follows the first; 1: it is a random one. Empty without such labels.
    std::optional<std::int32_t> next_sentence;
};

/// Which row of which file, for messages.
struct MaskedRowPlace {
    const std::filesystem::path& file;
    std::int64_t row = 0;
};
/// Check a row against a vocabulary: one that is not the rows' own shows at their first and last
/// tokens. @throw InputError naming the place
void check_masked_row(const MaskedRowPlace& place, const MaskedRow& row,
                      const text::SpecialTokens& special, std::int32_t vocabulary_size);

/// A file of masked rows, as the predecessors' create_pretraining_data.py writes it: input_ids,
/// input_mask, segment_ids [rows x length], masked_lm_positions, masked_lm_ids [rows x most
/// predictions], and next_sentence_labels [rows] or not. How long a row is says input_mask, for
/// RoBERTa's files are padded with 0, too, which is its <s>; a position of 0 ends a row's
/// predictions. One thread at a time; HDF5 is locked meanwhile.
class MaskedRowsReader {
  public:
    /// @throw MissingInputError; InputError naming file, dataset and what is wrong with it
    explicit MaskedRowsReader(const std::filesystem::path& path);
    ~MaskedRowsReader();
    MaskedRowsReader(const MaskedRowsReader&) = delete;
    MaskedRowsReader& operator=(const MaskedRowsReader&) = delete;
    MaskedRowsReader(MaskedRowsReader&&) = delete;
    MaskedRowsReader& operator=(MaskedRowsReader&&) = delete;

    [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::int64_t sequence_length() const noexcept { return length_; }
    [[nodiscard]] std::int64_t max_predictions() const noexcept { return predictions_; }
    [[nodiscard]] bool has_next_sentences() const noexcept { return next_sentences_.has_value(); }
    /// Whether the first row has a second segment; only that row of segment_ids is read.
    /// @throw InputError naming file and dataset, if it is damaged
    [[nodiscard]] bool begins_with_pair();
    /// Replace `row` by the next one. @return false at the end
    /// @throw InputError naming file, dataset and row: a mask with holes, padding that is not 0,
    /// positions that do not rise or lie outside the row, labels without position, segments and
    /// labels other than 0 and 1, negative ids; damaged chunks
    [[nodiscard]] bool next(MaskedRow& row);

  private:
    /// A dataset and the rows of it that are in memory.
    struct Column {
        explicit Column(h5::Table opened) : table(std::move(opened)) {}
        h5::Table table;
        std::vector<std::int32_t> values;
    };

    [[nodiscard]] static std::vector<Column> open(const std::filesystem::path& path,
                                                  std::optional<Column>& next_sentences);
    void check_shapes() const;
    void read_slab();
    [[nodiscard]] std::span<const std::int32_t> stored(std::size_t column) const;
    [[nodiscard]] std::size_t read_length() const;
    void read_tokens(std::size_t length, MaskedRow& row) const;
    void read_predictions(std::size_t length, MaskedRow& row) const;
    void read_next_sentence(MaskedRow& row) const;
    [[noreturn]] void refuse(const h5::Table& table, std::size_t column,
                             const std::string& problem) const;

    std::optional<Column> next_sentences_;
    std::vector<Column> columns_;  ///< in the order of their names above
    std::int64_t rows_;
    std::int64_t length_;
    std::int64_t predictions_;
    std::int64_t at_ = 0;          ///< the row to give next
    std::int64_t slab_begin_ = 0;  ///< rows in memory
    std::int64_t slab_end_ = 0;
};

}  // namespace hpml::corpus
