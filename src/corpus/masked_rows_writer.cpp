#include "corpus/masked_rows_writer.h"

#include <span>

#include "base/error.h"

namespace hpml::corpus {

namespace {

using h5::Element;

}  // namespace

template <class T>
void MaskedRowsWriter::Column<T>::append(const std::vector<std::int32_t>& row) {
    const std::size_t end = values.size() + static_cast<std::size_t>(width);
    for (const std::int32_t value : row) {
        values.push_back(static_cast<T>(value));
    }
    values.resize(end, T{0});
}

template <class T>
void MaskedRowsWriter::Column<T>::flush() {
    table.append(std::span<const T>(values));
    values.clear();
}

MaskedRowsWriter::MaskedRowsWriter(const MaskedShape& shape)
    : shape_(shape),
      ids_{file_.add_packed("input_ids", Element::Int32, shape.rows, shape.sequence_length),
           shape.sequence_length},
      mask_{file_.add_packed("input_mask", Element::Int8, shape.rows, shape.sequence_length),
            shape.sequence_length},
      segments_{file_.add_packed("segment_ids", Element::Int8, shape.rows, shape.sequence_length),
                shape.sequence_length},
      positions_{file_.add_packed("masked_lm_positions", Element::Int32, shape.rows,
                                  shape.max_predictions),
                 shape.max_predictions},
      labels_{file_.add_packed("masked_lm_ids", Element::Int32, shape.rows, shape.max_predictions),
              shape.max_predictions} {
    expects(shape.sequence_length > 0 && shape.max_predictions > 0, "rows with room");
    if (shape.has_next_sentences) {
        next_sentences_.push_back(
            {file_.add_packed("next_sentence_labels", Element::Int8, shape.rows, 0), 1});
    }
}

void MaskedRowsWriter::append(const MaskedRow& row) {
    expects(static_cast<std::int64_t>(row.tokens.size()) <= shape_.sequence_length &&
                row.segments.size() == row.tokens.size() &&
                static_cast<std::int64_t>(row.positions.size()) <= shape_.max_predictions &&
                row.labels.size() == row.positions.size(),
            "a row that the file has room for");
    expects(row.next_sentence.has_value() == shape_.has_next_sentences,
            "a next-sentence label where the file has them");
    ids_.append(row.tokens);
    ones_.assign(row.tokens.size(), 1);
    mask_.append(ones_);
    segments_.append(row.segments);
    positions_.append(row.positions);
    labels_.append(row.labels);
    for (auto& column : next_sentences_) {
        column.values.push_back(static_cast<std::int8_t>(*row.next_sentence));
    }
    if (++rows_ % h5::PackedTable::kChunkRows == 0) {
        flush();
    }
}

void MaskedRowsWriter::flush() {
    ids_.flush();
    mask_.flush();
    segments_.flush();
    positions_.flush();
    labels_.flush();
    for (auto& column : next_sentences_) {
        column.flush();
    }
}

std::vector<std::byte> MaskedRowsWriter::image() {
    flush();
    ids_.table.close();
    mask_.table.close();
    segments_.table.close();
    positions_.table.close();
    labels_.table.close();
    for (auto& column : next_sentences_) {
        column.table.close();
    }
    return file_.image();
}

}  // namespace hpml::corpus
