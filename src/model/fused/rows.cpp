#include "model/fused/rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace hpml::model {

BatchRows::BatchRows(const corpus::Batch& batch)
    : tokens(batch.tokens),
      segments(batch.segments),
      cu_seqlens(batch.cu_seqlens),
      samples(batch.samples),
      sequence_of(batch.tokens.size()) {
    expects(!samples.empty(), "a batch with sequences");
    for (std::size_t sequence = 0; sequence < samples.size(); ++sequence) {
        expects(cu_seqlens[sequence] < cu_seqlens[sequence + 1], "sequences of at least one token");
        std::fill(sequence_of.begin() + cu_seqlens[sequence],
                  sequence_of.begin() + cu_seqlens[sequence + 1],
                  static_cast<std::int32_t>(sequence));
    }
}

RowChoice::RowChoice(const BatchRows& batch)
    : rows(batch.tokens.size()), cu_chosen(batch.cu_seqlens) {
    std::iota(rows.begin(), rows.end(), 0);
}

RowChoice::RowChoice(const BatchRows& batch, std::vector<std::int32_t> chosen)
    : rows(std::move(chosen)) {
    expects(std::is_sorted(rows.begin(), rows.end()), "rising rows");
    for (const std::int32_t begin : batch.cu_seqlens) {
        const auto place = std::lower_bound(rows.begin(), rows.end(), begin);
        cu_chosen.push_back(static_cast<std::int32_t>(place - rows.begin()));
    }
}

}  // namespace hpml::model
