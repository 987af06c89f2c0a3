#include "corpus/shard_samples.h"

#include <algorithm>

namespace hpml::corpus {

ShardSamples::ShardSamples(const std::filesystem::path& data, const Manifest& manifest, Split split,
                           const LoaderOptions& options)
    : reader_(data, manifest, split, options.presence),
      masker_(options.masking, options.seed),
      pairs_(manifest.pairs),
      has_types_(manifest.tokenizer == text::TokenizerKind::WordPiece) {
    if (reader_.rows() > 0) {
        order_.emplace(reader_.rows(), options.seed);
    }
}

void ShardSamples::append_ordered(Batch& batch, std::int64_t position) {
    const OrderedSample next = order_->at(position);
    append(batch, {next.sample, next.epoch});
}

void ShardSamples::append(Batch& batch, MaskingKey key) {
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
