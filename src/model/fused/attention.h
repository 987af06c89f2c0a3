#pragma once

#include <cstdint>

#include "model/fused/machine.h"
#include "model/fused/rows.h"

namespace hpml::model {

/// Matrices of one layer's attention. Query, key and value of a head lie side by side; a key's row
/// is the batch's, a query's row stands in `queries`.
struct AttentionRows {
    const BatchRows& batch;
    const RowChoice& queries;
    std::int64_t heads = 0;
    std::int64_t width = 0;  ///< of a head
    float* query = nullptr;
    std::int64_t query_stride = 0;
    float* key = nullptr;
    float* value = nullptr;
    std::int64_t key_stride = 0;
    float* context = nullptr;   ///< [queries, heads * width]
    float* log_sums = nullptr;  ///< [queries, heads]
    RowDropout dropout{};
    std::int64_t layer = 0;
};

/// Queries whose scores exist at a time.
constexpr std::int64_t kQueryBlock = 128;

/// Scaled dot-product attention of every sequence with itself (Vaswani et al. 2017): fills
/// `context` and `log_sums`. Scores exist for one block of queries of one head at a time, as in
/// FlashAttention (Dao et al. 2022), and sequences have no padding.
void attend(const Machine& machine, const AttentionRows& attention);

/// From the gradient of the context to those of query, key and value, which take their places. The
/// scores and the dropout are computed once more, block by block.
void attend_backward(const Machine& machine, const AttentionRows& attention,
                     const float* context_gradient);

}  // namespace hpml::model
