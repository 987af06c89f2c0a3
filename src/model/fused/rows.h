#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "corpus/batch.h"
#include "model/dropout.h"

namespace hpml::model {

/// What a forward pass is about: the rows of a batch, copied, because the backward pass comes when
/// the batch may be another.
struct BatchRows {
    std::vector<std::int32_t> tokens;       ///< [rows]
    std::vector<std::int32_t> segments;     ///< [rows]
    std::vector<std::int32_t> cu_seqlens;   ///< [sequences + 1]
    std::vector<std::int64_t> samples;      ///< [sequences]
    std::vector<std::int32_t> sequence_of;  ///< [rows]

    explicit BatchRows(const corpus::Batch& batch);

    [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(tokens.size()); }
    [[nodiscard]] std::int64_t sequences() const {
        return static_cast<std::int64_t>(samples.size());
    }
    /// Within its sequence.
    [[nodiscard]] std::int32_t position(std::int32_t row) const {
        return row -
               cu_seqlens[static_cast<std::size_t>(sequence_of[static_cast<std::size_t>(row)])];
    }
};

/// Some rows of a batch, rising; where a sequence's begin.
struct RowChoice {
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> cu_chosen;  ///< [sequences + 1] indices into `rows`

    RowChoice() = default;
    /// All of them.
    explicit RowChoice(const BatchRows& batch);
    RowChoice(const BatchRows& batch, std::vector<std::int32_t> chosen);
    [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(rows.size()); }
};

/// Dropout of one pass.
struct RowDropout {
    double probability = 0;
    std::uint64_t seed = 0;
    std::int64_t step = 0;

    [[nodiscard]] bool active() const { return probability > 0; }
    [[nodiscard]] DropoutStream stream(std::int64_t sample, std::int64_t layer,
                                       DropoutSite site) const {
        return {seed, step, sample, layer, site};
    }
};

}  // namespace hpml::model
