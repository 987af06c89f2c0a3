#pragma once

#include <cstddef>
#include <memory>

#include "base/units.h"
#include "comm/all_reduce.h"
#include "comm/messages.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct RingOptions {
    /// Longest message. Short segments start the additions early, long ones cost fewer messages.
    Bytes segment = Bytes(256 * 1024);
    /// Messages under way at the same time, in each direction; 2 at least, so that one travels
    /// while another is added.
    std::size_t depth = 4;

    /// For ranks on several nodes: as many bytes under way, in shorter messages.
    [[nodiscard]] static RingOptions between_nodes() {
        return {.segment = kMessageBetweenNodes, .depth = 16};
    }
};

/// Our own ring all-reduce: reduce-scatter and all-gather over non-blocking point-to-point MPI.
/// The sum of each element is made by one chain of additions in a fixed order and then handed on,
/// so that all ranks get the same bits, in every run. One rank is the same path without transport.
class Ring final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    /// @throw UsageError for a segment below 8 bytes or above 1 GiB, or a depth below 2
    explicit Ring(const mpi::Communicator& ranks, RingOptions options = {});
    /// Operations must have finished, unless the process is about to be aborted.
    ~Ring() override;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    Ring(Ring&&) = delete;
    Ring& operator=(Ring&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "ring"; }
    /// Several operations may be under way; each has messages with a tag of its own.
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;

  private:
    class Run;
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

}  // namespace hpml::comm
