#include "corpus/masked_rows.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "base/error.h"
#include "h5/file.h"
#include "h5/lock.h"

namespace hpml::corpus {

namespace {

constexpr std::int64_t kSlabRows = 1024;

enum Name : std::size_t { kIds, kMask, kSegments, kPositions, kLabels, kNames };

constexpr std::array<const char*, kNames> kDatasets{"input_ids", "input_mask", "segment_ids",
                                                    "masked_lm_positions", "masked_lm_ids"};
constexpr const char* kNextSentences = "next_sentence_labels";

void must_match(const h5::Table& table, const h5::Table& other, const std::string& name) {
    if (table.rows() != other.rows() || table.columns() != other.columns()) {
        throw InputError(table.what() + " has " + std::to_string(table.rows()) + " x " +
                         std::to_string(table.columns()) + " elements (" +
                         std::to_string(other.rows()) + " x " + std::to_string(other.columns()) +
                         " expected, as " + name + " has)");
    }
}

}  // namespace

void check_masked_row(const MaskedRowPlace& place, const MaskedRow& row,
                      const text::SpecialTokens& special, std::int32_t vocabulary_size) {
    const auto where = [&] { return place.file.string() + ": row " + std::to_string(place.row); };
    for (const auto* ids : {&row.originals, &row.tokens}) {
        const auto outside =
            std::ranges::find_if(*ids, [&](std::int32_t id) { return id >= vocabulary_size; });
        if (outside != ids->end()) {
            throw InputError(where() + ", column " + std::to_string(outside - ids->begin()) +
                             " holds token id " + std::to_string(*outside) +
                             " (the vocabulary ends at " + std::to_string(vocabulary_size - 1) +
                             "); give the vocabulary that the files were made with");
        }
    }
    if (row.originals.front() != special.cls || row.originals.back() != special.sep) {
        throw InputError(where() + " goes from token id " + std::to_string(row.originals.front()) +
                         " to " + std::to_string(row.originals.back()) +
                         " (the vocabulary's [CLS] is " + std::to_string(special.cls) +
                         ", its [SEP] " + std::to_string(special.sep) +
                         "); give the vocabulary that the files were made with");
    }
}

std::vector<MaskedRowsReader::Column> MaskedRowsReader::open(
    const std::filesystem::path& path, std::optional<Column>& next_sentences) {
    const auto lock = h5::lock_library();
    const h5::File file(path);
    std::vector<Column> columns;
    for (const char* name : kDatasets) {
        columns.emplace_back(file.table(name, 2));
    }
    if (file.has(kNextSentences)) {
        next_sentences.emplace(file.table(kNextSentences, 1));
    }
    return columns;
}

MaskedRowsReader::MaskedRowsReader(const std::filesystem::path& path)
    : columns_(open(path, next_sentences_)),
      rows_(columns_[kIds].table.rows()),
      length_(columns_[kIds].table.columns()),
      predictions_(columns_[kPositions].table.columns()) {
    check_shapes();
}

// HDF5 closes the datasets.
MaskedRowsReader::~MaskedRowsReader() {
    const auto lock = h5::lock_library();
    columns_.clear();
    next_sentences_.reset();
}

bool MaskedRowsReader::begins_with_pair() {
    if (rows_ == 0) {
        return false;
    }
    const auto lock = h5::lock_library();
    std::vector<std::int32_t> segments(static_cast<std::size_t>(length_));
    columns_[kSegments].table.read_rows(0, 1, segments);
    return std::ranges::find(segments, 1) != segments.end();
}

void MaskedRowsReader::check_shapes() const {
    must_match(columns_[kMask].table, columns_[kIds].table, kDatasets[kIds]);
    must_match(columns_[kSegments].table, columns_[kIds].table, kDatasets[kIds]);
    must_match(columns_[kLabels].table, columns_[kPositions].table, kDatasets[kPositions]);
    const auto rows_must_match = [this](const h5::Table& table) {
        if (table.rows() != rows_) {
            throw InputError(table.what() + " has " + std::to_string(table.rows()) + " rows (" +
                             std::to_string(rows_) + " expected, as 'input_ids' has)");
        }
    };
    rows_must_match(columns_[kPositions].table);
    if (next_sentences_) {
        rows_must_match(next_sentences_->table);
    }
}

void MaskedRowsReader::read_slab() {
    const auto lock = h5::lock_library();
    const std::int64_t count = std::min(kSlabRows, rows_ - at_);
    const auto fill = [&](Column& column) {
        column.values.resize(static_cast<std::size_t>(count * column.table.columns()));
        column.table.read_rows(at_, count, column.values);
    };
    std::ranges::for_each(columns_, fill);
    if (next_sentences_) {
        fill(*next_sentences_);
    }
    slab_begin_ = at_;
    slab_end_ = at_ + count;
}

std::span<const std::int32_t> MaskedRowsReader::stored(std::size_t column) const {
    const auto width = static_cast<std::size_t>(columns_[column].table.columns());
    return std::span(columns_[column].values)
        .subspan(static_cast<std::size_t>(at_ - slab_begin_) * width, width);
}

void MaskedRowsReader::refuse(const h5::Table& table, std::size_t column,
                              const std::string& problem) const {
    throw InputError(table.what() + ", row " + std::to_string(at_) + ", column " +
                     std::to_string(column) + ": " + problem);
}

bool MaskedRowsReader::next(MaskedRow& row) {
    if (at_ == rows_) {
        return false;
    }
    if (at_ == slab_end_) {
        read_slab();
    }
    const std::size_t length = read_length();
    read_tokens(length, row);
    read_predictions(length, row);
    read_next_sentence(row);
    ++at_;
    return true;
}

std::size_t MaskedRowsReader::read_length() const {
    const auto mask = stored(kMask);
    const auto end = std::ranges::find_if(mask, [](std::int32_t value) { return value != 1; });
    const auto odd = std::find_if(end, mask.end(), [](std::int32_t value) { return value != 0; });
    if (odd != mask.end()) {
        refuse(columns_[kMask].table, static_cast<std::size_t>(odd - mask.begin()),
               "the value is " + std::to_string(*odd) + " (1 for every token, then 0 expected)");
    }
    if (end == mask.begin()) {
        refuse(columns_[kMask].table, 0, "the row has no token");
    }
    return static_cast<std::size_t>(end - mask.begin());
}

void MaskedRowsReader::read_tokens(std::size_t length, MaskedRow& row) const {
    const auto take = [&](std::size_t column, std::int32_t most, std::vector<std::int32_t>& to) {
        const auto values = stored(column);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::int32_t bound = i < length ? most : 0;
            if (values[i] < 0 || values[i] > bound) {
                refuse(columns_[column].table, i,
                       "the value is " + std::to_string(values[i]) + " (0 to " +
                           std::to_string(bound) + " expected" +
                           (i < length ? ")" : " in the padding)"));
            }
        }
        to.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(length));
    };
    take(kIds, std::numeric_limits<std::int32_t>::max(), row.tokens);
    take(kSegments, 1, row.segments);
    row.originals = row.tokens;
}

void MaskedRowsReader::read_predictions(std::size_t length, MaskedRow& row) const {
    const auto positions = stored(kPositions);
    const auto labels = stored(kLabels);
    row.positions.clear();
    row.labels.clear();
    bool is_over = false;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        is_over = is_over || positions[i] == 0;
        if (is_over) {
            if (positions[i] != 0 || labels[i] != 0) {
                refuse(columns_[positions[i] != 0 ? kPositions : kLabels].table, i,
                       "a value stands behind the first position 0, which ends the predictions");
            }
            continue;
        }
        const std::int32_t before = row.positions.empty() ? 0 : row.positions.back();
        if (positions[i] <= before || static_cast<std::size_t>(positions[i]) >= length) {
            refuse(columns_[kPositions].table, i,
                   "position " + std::to_string(positions[i]) + " (rising positions of 1 to " +
                       std::to_string(length - 1) + " expected)");
        }
        if (labels[i] < 0) {
            refuse(columns_[kLabels].table, i, "the value is " + std::to_string(labels[i]));
        }
        row.positions.push_back(positions[i]);
        row.labels.push_back(labels[i]);
        row.originals[static_cast<std::size_t>(positions[i])] = labels[i];
    }
}

void MaskedRowsReader::read_next_sentence(MaskedRow& row) const {
    row.next_sentence.reset();
    if (!next_sentences_) {
        return;
    }
    const std::int32_t label = next_sentences_->values[static_cast<std::size_t>(at_ - slab_begin_)];
    if (label != 0 && label != 1) {
        refuse(next_sentences_->table, 0,
               "the value is " + std::to_string(label) + " (0 or 1 expected)");
    }
    row.next_sentence = label;
}

}  // namespace hpml::corpus
