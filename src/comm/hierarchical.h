#pragma once

#include <memory>

#include "comm/all_reduce.h"
#include "comm/node_memory.h"
#include "comm/ring.h"
#include "comm/shm_node.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct HierarchicalOptions {
    ShmOptions shm;              ///< in a node
    RingOptions ring;            ///< between nodes
    NodeMemoryOptions memory{};  ///< of a node
};

/// Several nodes with as many ranks each: the ranks of a node sum their shares in shared memory,
/// as many rings as a node has ranks sum the shares over the nodes at the same time, and each rank
/// puts its share where the others of its node see it. Every link between nodes carries what the
/// fewest bytes demand, 2(M-1)/M of the buffer for M nodes, whatever the ranks of a node.
///
/// Buffers that are not in memory of `allocate`, and types whose sums travel in a wider one, go
/// around a ring of all ranks. Each element is combined over the ranks of a node in their order,
/// then over the nodes as in Ring: the same bits on every rank, in every run.
class Hierarchical final : public Algorithm {
  public:
    /// Collective: talks on communicators of its own.
    /// @param node  the ranks of `ranks` on this rank's node
    /// @throw ResourceError on every rank if a node's ranks cannot share memory, or nodes have
    ///        different numbers of ranks
    Hierarchical(const mpi::Communicator& ranks, const mpi::Communicator& node,
                 const HierarchicalOptions& options = {});
    ~Hierarchical() override;
    Hierarchical(const Hierarchical&) = delete;
    Hierarchical& operator=(const Hierarchical&) = delete;
    Hierarchical(Hierarchical&&) = delete;
    Hierarchical& operator=(Hierarchical&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "hierarchical"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::comm
