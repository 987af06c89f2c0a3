#pragma once

#include <memory>

#include "comm/all_reduce.h"
#include "comm/node_memory.h"
#include "comm/shm_node.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// All-reduce of ranks that share memory. Buffers of `allocate` lie where every rank sees them and
/// are reduced in place, chunk by chunk, by whichever rank has time; short buffers are copied once
/// for all to read; others go through a small staging window. Each element is combined over the
/// ranks 0, 1, 2, ... in this order and rounded once, so that its bits depend neither on the way
/// nor on chunks or timing.
class ShmAllReduce final : public Algorithm {
  public:
    explicit ShmAllReduce(ShmNode node);
    ~ShmAllReduce() override;
    ShmAllReduce(const ShmAllReduce&) = delete;
    ShmAllReduce& operator=(const ShmAllReduce&) = delete;
    ShmAllReduce(ShmAllReduce&&) = delete;
    ShmAllReduce& operator=(ShmAllReduce&&) = delete;

    /// For the ranks of one node. Collective.
    /// @throw ResourceError on every rank if they cannot share memory, saying why
    [[nodiscard]] static std::unique_ptr<ShmAllReduce> for_node(
        const mpi::Communicator& node, ShmOptions options = {},
        const NodeMemoryOptions& memory = {});

    [[nodiscard]] std::string_view name() const override { return "shm"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;
    /// Shared memory; ordinary memory, which is staged, where that much cannot be had.
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::comm
