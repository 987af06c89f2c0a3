#include "corpus/row_source.h"

#include <algorithm>

namespace hpml::corpus {

RowSource::RowSource(const std::filesystem::path& data, const Manifest& manifest, Split split,
                     const LoaderOptions& options)
    : reader_(data, manifest, split, options.presence),
      masker_(options.masking, options.seed),
      pairs_(manifest.pairs),
      has_types_(manifest.tokenizer == text::TokenizerKind::WordPiece) {}

void RowSource::append(Batch& batch, MaskingKey key) {
    const RowPair pair = reader_.read_row(key.sample, tokens_);
    segments_.assign(tokens_.size(), 0);
    if (has_types_ && pair.first_part > 0) {
        std::fill(segments_.begin() + pair.first_part, segments_.end(), 1);
    }
    masker_.append(batch, tokens_, segments_, key);
    if (pairs_) {
        batch.targets.push_back(pair.is_random ? 1.0F : 0.0F);
    }
}

}  // namespace hpml::corpus
