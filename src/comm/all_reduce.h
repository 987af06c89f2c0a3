#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/units.h"
#include "comm/buffer.h"
#include "comm/patience.h"

namespace hpml::comm {

/// One all-reduce under way. Made by an Algorithm, driven by `advance()`, finished when that
/// returns true. The memory belongs to the caller and must stay until then.
class Operation {
  public:
    Operation() = default;
    virtual ~Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    Operation(Operation&&) = delete;
    Operation& operator=(Operation&&) = delete;
    /// Do what can be done without waiting. Local. @return whether the result stands in the buffer
    /// @throw MismatchError on every rank if they do not agree on it, where that is found out:
    ///        nothing was added, and the operations behind it go on
    /// @throw BackendError if the transport fails; the values are then unspecified
    virtual bool advance() = 0;
    /// Of a finished operation whose buffer asked: what is in the results, the same bits on every
    /// rank; nothing if the algorithm cannot look while it reduces.
    [[nodiscard]] virtual std::optional<Found> found() const { return std::nullopt; }
    /// The owner needs it no longer: back to its algorithm, which uses it again.
    virtual void release() noexcept { delete this; }
};

struct ReleaseOperation {
    void operator()(Operation* operation) const noexcept { operation->release(); }
};
/// Owns an operation; must go before the algorithm that made it.
using OperationHandle = std::unique_ptr<Operation, ReleaseOperation>;

/// A way to replace buffers by their sum (or another ReduceOp) over all ranks, bit-identical on
/// every rank. Knows no tensors.
class Algorithm {
  public:
    virtual ~Algorithm() = default;
    /// "ring", "mpi", "nccl", ...
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Begin. Collective: every rank starts the same operations in the same order, on buffers of
    /// the same count, type and op. A steady stream of equal operations allocates nothing.
    /// @param buffer  host memory, or device memory for an algorithm of the GPU module
    [[nodiscard]] virtual OperationHandle start(const Buffer& buffer) = 0;
    /// How many operations an engine should have under way. Two, so that the first messages of the
    /// next buffer travel while the last ones of this one are added; on a CPU more would only
    /// spread the same bandwidth.
    [[nodiscard]] virtual std::size_t most_under_way() const { return 2; }
    /// Whether the processor can read the buffers: not those of a GPU.
    [[nodiscard]] virtual bool is_on_host() const { return true; }
    /// How to wait for the other ranks.
    [[nodiscard]] Patience patience() const { return patience_; }
    void set_patience(const Patience& patience) { patience_ = patience; }
    /// Zeroed memory for buffers that this algorithm reduces fastest, 64-byte aligned. Collective,
    /// the same size on every rank. It may outlive the algorithm.
    [[nodiscard]] virtual std::shared_ptr<std::byte> allocate(Bytes size);

  private:
    Patience patience_{Patience::Cores::Shared};
};

/// Start one and wait until it is done: for who has nothing else to do. Collective.
/// @throw BackendError if the transport fails; the values are then unspecified
void all_reduce(Algorithm& algorithm, const Buffer& buffer);

}  // namespace hpml::comm
