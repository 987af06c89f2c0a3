#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "corpus/masked_rows.h"
#include "h5/file.h"

namespace hpml::corpus {

/// What a file of masked rows holds, to be known before its first row.
struct MaskedShape {
    std::int64_t rows = 0;             ///< > 0
    std::int64_t sequence_length = 0;  ///< to which rows are padded
    std::int64_t max_predictions = 0;
    bool has_next_sentences = false;
};

/// Builds a file of masked rows in memory, as the predecessors' create_pretraining_data.py writes
/// it: names, types, shapes, padding by 0 and gzip. `MaskedRowsReader` reads it back. The same rows
/// give the same bytes.
class MaskedRowsWriter {
  public:
    explicit MaskedRowsWriter(const MaskedShape& shape);

    /// @param row  that the shape has room for; `originals` are not stored
    void append(const MaskedRow& row);
    /// Once, after the last row. @throw IoError
    [[nodiscard]] std::vector<std::byte> image();

  private:
    template <class T>
    struct Column {
        h5::PackedTable table;
        std::int64_t width;
        std::vector<T> values{};  ///< of the slab
        void append(const std::vector<std::int32_t>& row);
        void flush();
    };

    void flush();

    MaskedShape shape_;
    h5::MemoryFile file_;
    Column<std::int32_t> ids_;
    Column<std::int8_t> mask_;
    Column<std::int8_t> segments_;
    Column<std::int32_t> positions_;
    Column<std::int32_t> labels_;
    std::vector<Column<std::int8_t>> next_sentences_;  ///< one or none
    std::int64_t rows_ = 0;                            ///< so far
    std::vector<std::int32_t> ones_;
};

}  // namespace hpml::corpus
