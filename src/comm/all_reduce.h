#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace hpml::comm {

/// One all-reduce under way. Made by an Algorithm, driven by `advance()`, finished when that
/// returns true. The memory belongs to the caller and must stay until then.
class Operation {
  public:
    virtual ~Operation() = default;
    /// Do what can be done without waiting. Local. @return whether the sum stands in the buffer
    /// @throw BackendError if the transport fails; the values are then unspecified
    virtual bool advance() = 0;
};

/// A way to replace buffers by their sum over all ranks, bit-identical on every rank. Knows no
/// tensors.
class Algorithm {
  public:
    virtual ~Algorithm() = default;
    /// "ring", "mpi", "nccl", ...
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Begin. Collective: every rank starts the same operations in the same order, equally long.
    /// @param values  contiguous; host memory, or device memory for an algorithm of the GPU module
    [[nodiscard]] virtual std::unique_ptr<Operation> start(std::span<float> values) = 0;
    /// How many operations an engine should have under way. Two, so that the first messages of the
    /// next buffer travel while the last ones of this one are added; on a CPU more would only
    /// spread the same bandwidth.
    [[nodiscard]] virtual std::size_t most_under_way() const { return 2; }
};

}  // namespace hpml::comm
