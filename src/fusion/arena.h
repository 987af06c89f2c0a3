#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "comm/all_reduce.h"
#include "fusion/plan.h"
#include "model/parameters.h"

namespace hpml::fusion {

/// Where flat buffers come from.
class Memory {
  public:
    virtual ~Memory() = default;
    /// `elements` zeroed fp32 numbers, 64-byte aligned.
    [[nodiscard]] virtual at::Tensor allocate(std::int64_t elements) = 0;
};

class DeviceMemory : public Memory {
  public:
    explicit DeviceMemory(at::Device device) : device_(device) {}
    [[nodiscard]] at::Tensor allocate(std::int64_t elements) override;

  private:
    at::Device device_;
};

/// Memory that an all-reduce works on fastest: for `shm` a window that all ranks of a node see, so
/// that gradients are summed where autograd puts them.
class AllReduceMemory : public Memory {
  public:
    explicit AllReduceMemory(comm::Algorithm& algorithm) : algorithm_(algorithm) {}
    /// Collective.
    [[nodiscard]] at::Tensor allocate(std::int64_t elements) override;

  private:
    comm::Algorithm& algorithm_;
};

/// All parameters and all gradients of a model as two flat buffers; the leaf tensors are views, and
/// autograd accumulates every gradient into its place, so nothing is packed or copied for the
/// all-reduce.
class Arena {
  public:
    Arena(std::vector<model::LeafSpec> specs, Plan plan, Memory& parameters, Memory& gradients);
    Arena(std::vector<model::LeafSpec> specs, Plan plan, Memory& memory)
        : Arena(std::move(specs), std::move(plan), memory, memory) {}

    /// Leaf views with requires_grad, in the order of the specs.
    [[nodiscard]] const std::vector<at::Tensor>& leaves() const { return leaves_; }
    [[nodiscard]] const at::Tensor& parameters() const { return parameters_; }  ///< flat [total]
    [[nodiscard]] const at::Tensor& gradients() const { return gradients_; }    ///< flat [total]
    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] const std::vector<model::LeafSpec>& specs() const { return specs_; }
    /// Every parameter under its own name and shape, as a view without gradient.
    [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> named_parameters() const;
    /// Set all gradients to zero and (re)attach the views, before the first micro-batch of a step.
    void zero_gradients();

  private:
    std::vector<model::LeafSpec> specs_;
    Plan plan_;
    at::Tensor parameters_;
    at::Tensor gradients_;
    std::vector<at::Tensor> leaves_;
};

}  // namespace hpml::fusion
