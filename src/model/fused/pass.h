#pragma once

#include <cstdint>

#include "model/computation.h"
#include "model/fused/leaves.h"
#include "model/fused/machine.h"
#include "model/fused/rows.h"

namespace hpml::model {

/// What the parts of one forward and backward pass share.
struct PassContext {
    const ModelConfig& config;
    const LeafMap& map;
    const Machine& machine;
    const BatchRows& batch;
    const RowDropout& dropout;
};

/// A norm's leaves as kernels take them.
[[nodiscard]] NormRows norm_of(const PassContext& pass, const Leaves& leaves, LeafPair pair,
                               std::int64_t rows);

/// Rows that a dropout site works on: where each stands in the batch.
struct DroppedRows {
    const RowChoice& rows;
    std::int64_t layer = 0;
    DropoutSite site = DropoutSite::Embeddings;
};

/// Multiply rows [first, last) of `values` by their factors of the dropout.
void drop_rows(const PassContext& pass, const DroppedRows& which, std::int64_t first,
               std::int64_t last, float* values);

/// values (+ residual) -> dropout of the values -> norm, in one pass over the rows.
/// @param kept  its rows hold the values, and then what the backward pass needs
void drop_add_norm(const PassContext& pass, const NormRows& norm, const DroppedRows& which,
                   const float* residual, const Normalized& kept, float* output);
/// sum += dropout of the values, which are lost.
void drop_add(const PassContext& pass, const DroppedRows& which, float* values, float* sum);
/// A norm without anything before it.
void norm_rows(const PassContext& pass, const NormRows& norm, const float* input,
               const Normalized& kept, float* output);
/// Its output once more.
void norm_rows_again(const PassContext& pass, const NormRows& norm, const float* kept,
                     float* output);
/// Add to the gradients of its leaves; `gradient` of the output becomes that of the input.
void norm_rows_backward(const PassContext& pass, const NormRows& norm, const Normalized& kept,
                        const Leaves& leaves, LeafPair pair, float* gradient);
/// The gradient of what was dropped: `gradient` itself where nothing was, else a copy in `buffer`.
[[nodiscard]] const float* drop_backward(const PassContext& pass, const DroppedRows& which,
                                         const float* gradient, Buffer& buffer);

/// chosen[i] = all[rows[i]].
void gather(const PassContext& pass, const RowChoice& rows, const float* all, float* chosen);
/// all[rows[i]] += chosen[i].
void scatter_add(const PassContext& pass, const RowChoice& rows, const float* chosen, float* all);
/// values += terms, `count` numbers.
void add(const PassContext& pass, std::int64_t count, const float* terms, float* values);

}  // namespace hpml::model
