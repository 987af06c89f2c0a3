#include "corpus/masked_samples.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"

namespace hpml::corpus {

MaskedFile::MaskedFile(const std::filesystem::path& path, const MaskingOptions& masking) {
    MaskedRowsReader reader(path);
    token_ends_.reserve(static_cast<std::size_t>(reader.rows()) + 1);
    label_ends_.reserve(static_cast<std::size_t>(reader.rows()) + 1);
    MaskedRow row;
    while (reader.next(row)) {
        check_masked_row({path, rows()}, row, masking.special, masking.vocabulary_size);
        tokens_.insert(tokens_.end(), row.tokens.begin(), row.tokens.end());
        std::ranges::transform(row.segments, std::back_inserter(segments_),
                               [](std::int32_t type) { return static_cast<std::uint8_t>(type); });
        positions_.insert(positions_.end(), row.positions.begin(), row.positions.end());
        labels_.insert(labels_.end(), row.labels.begin(), row.labels.end());
        next_sentences_.push_back(row.next_sentence.value_or(0) == 1 ? 1 : 0);
        label_ends_.push_back(static_cast<std::int64_t>(labels_.size()));
        token_ends_.push_back(static_cast<std::int64_t>(tokens_.size()));
    }
}

void MaskedFile::append(Batch& batch, std::int64_t row, std::int64_t sample) {
    expects(row >= 0 && row < rows(), "a row of the file");
    const auto index = static_cast<std::size_t>(row);
    const auto first = static_cast<std::size_t>(token_ends_[index]);
    const auto count = static_cast<std::size_t>(token_ends_[index + 1]) - first;
    const auto begin = static_cast<std::int32_t>(batch.tokens.size());
    const auto types = std::span(segments_).subspan(first, count);
    row_segments_.assign(types.begin(), types.end());
    batch.append(sample, std::span(tokens_).subspan(first, count), row_segments_);
    for (auto i = static_cast<std::size_t>(label_ends_[index]);
         i < static_cast<std::size_t>(label_ends_[index + 1]); ++i) {
        batch.mlm_positions.push_back(begin + positions_[i]);
        batch.mlm_labels.push_back(labels_[i]);
    }
}

MaskedSamples::MaskedSamples(const std::filesystem::path& data, const Manifest& manifest,
                             Split split, const LoaderOptions& options)
    : data_(data),
      entries_(split == Split::Train ? manifest.train : manifest.validation),
      first_rows_{0},
      masking_(options.masking),
      pairs_(manifest.pairs),
      has_types_(manifest.tokenizer == text::TokenizerKind::WordPiece) {
    std::vector<std::int64_t> rows;
    for (const ShardEntry& entry : entries_) {
        rows.push_back(entry.rows);
        first_rows_.push_back(first_rows_.back() + entry.rows);
    }
    if (first_rows_.back() > 0) {
        order_.emplace(std::move(rows), options.seed);
    }
}

MaskedFile& MaskedSamples::file(std::size_t index) {
    if (!open_ || open_index_ != index) {
        open_.reset();  // before the next one: there is room for one
        open_.emplace(data_ / entries_[index].name, masking_);
        open_index_ = index;
        if (open_->rows() != entries_[index].rows) {
            throw InputError((data_ / entries_[index].name).string() + " has " +
                             std::to_string(open_->rows()) + " rows now (" +
                             std::to_string(entries_[index].rows) +
                             " when the run began); do not change files that are read");
        }
    }
    return *open_;
}

void MaskedSamples::append_ordered(Batch& batch, std::int64_t position) {
    const FileOrder::Place place = order_->at(position);
    append(batch, place.file, place.row);
}

void MaskedSamples::append_row(Batch& batch, std::int64_t row) {
    expects(row >= 0 && row < rows(), "a row of the split");
    const auto after = std::ranges::upper_bound(first_rows_, row);
    const auto index = static_cast<std::size_t>(after - first_rows_.begin() - 1);
    append(batch, index, row - first_rows_[index]);
}

void MaskedSamples::append(Batch& batch, std::size_t index, std::int64_t row) {
    MaskedFile& rows = file(index);
    const std::size_t begin = batch.segments.size();
    rows.append(batch, row, first_rows_[index] + row);
    if (!has_types_) {
        std::fill(batch.segments.begin() + static_cast<std::ptrdiff_t>(begin), batch.segments.end(),
                  0);
    }
    if (pairs_) {
        batch.targets.push_back(rows.next_sentence(row) != 0 ? 1.0F : 0.0F);
    }
}

}  // namespace hpml::corpus
