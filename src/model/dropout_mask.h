#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "corpus/batch.h"
#include "model/bert.h"
#include "model/dropout.h"

namespace hpml::model {

/// Makes the factor tensors (0 or 1 / (1 - p)) of one forward pass. A tensor that `apply` returns
/// is the tensor times its factors; the factors themselves need no gradient.
class DropoutMasks {
  public:
    /// `batch` outlives this object. Tensors come out on `device`.
    DropoutMasks(const corpus::Batch& batch, const DropoutPlan& plan, c10::Device device)
        : batch_(batch), plan_(plan), device_(device) {}

    [[nodiscard]] bool active() const { return plan_.probability > 0.0; }
    /// Drop elements of `rows`, [tokens, columns], in place. Nothing happens when inactive.
    /// @param kept  int64: `rows` are these of the batch's tokens; undefined: all
    void apply(at::Tensor& rows, std::int64_t layer, DropoutSite site,
               const at::Tensor& kept = {}) const;
    /// Drop elements of `rows`, [sequences, columns]; a new tensor stands there then.
    void apply_to_head(at::Tensor& rows, DropoutSite site) const;
    /// Factors of attention probabilities, [sequences, heads, longest, longest]; 1 where padding
    /// stands. Undefined when inactive.
    [[nodiscard]] at::Tensor probabilities(std::int64_t layer, std::int64_t heads,
                                           std::int64_t longest) const;

  private:
    [[nodiscard]] DropoutStream stream(std::size_t sequence, std::int64_t layer,
                                       DropoutSite site) const;

    const corpus::Batch& batch_;
    DropoutPlan plan_;
    c10::Device device_;
};

}  // namespace hpml::model
