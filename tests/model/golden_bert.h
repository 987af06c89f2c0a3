#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "corpus/batch.h"
#include "model/bert.h"
#include "model/config.h"
#include "model/parameters.h"
#include "model/safetensors.h"

namespace hpml::test {

/// One file of tests/golden/make_bert.py: a Hugging Face model, a batch and what comes out.
class GoldenBert {
  public:
    /// @param prefix  path without ".safetensors" and ".json"
    explicit GoldenBert(const std::string& prefix);

    [[nodiscard]] const model::ModelConfig& config() const { return config_; }
    [[nodiscard]] model::Head head() const { return head_; }
    [[nodiscard]] const std::vector<model::LeafSpec>& specs() const { return specs_; }
    /// The weights as leaves that want gradients.
    [[nodiscard]] std::vector<at::Tensor> leaves() const;
    [[nodiscard]] corpus::Batch batch() const;
    /// A stored tensor, fp32. @param name e.g. "output.logits", "gradient.classifier.bias"
    [[nodiscard]] at::Tensor tensor(const std::string& name) const;

  private:
    [[nodiscard]] std::vector<std::int32_t> integers(const std::string& name) const;

    model::SafetensorsFile file_;
    model::ModelConfig config_;
    model::Head head_;
    std::vector<model::LeafSpec> specs_;
};

/// An encoder of 2 layers x 24 for 50 ids and 16 positions; its weights are large enough that a
/// wrong one shows.
[[nodiscard]] model::ModelConfig small_config(model::EncoderNorm norm);

/// Leaves of a new model, as `initialize_leaf` fills them, wanting gradients.
[[nodiscard]] std::vector<at::Tensor> fresh_leaves(const model::ModelConfig& config,
                                                   model::Head head, std::uint64_t seed);

/// The sequences of `batch` with these indices, in this order, as a batch of their own.
[[nodiscard]] corpus::Batch pick(const corpus::Batch& batch,
                                 const std::vector<std::size_t>& sequences);

/// Largest absolute difference of two tensors of one shape.
[[nodiscard]] double largest_difference(const at::Tensor& a, const at::Tensor& b);

}  // namespace hpml::test
