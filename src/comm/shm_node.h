#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "comm/all_reduce.h"
#include "comm/node_memory.h"
#include "comm/operation_pool.h"
#include "comm/shm_run.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct ShmOptions {
    /// What a rank reduces at a time of buffers in shared memory.
    Bytes chunk = kib(256);
};

/// The ranks of a node and the memory that they share, as one of them sees them.
class ShmNode {
  public:
    /// Collective over the node.
    /// @throw ResourceError on every rank if they cannot share memory, saying why
    ShmNode(const mpi::Communicator& node, const ShmOptions& options,
            const NodeMemoryOptions& memory);
    /// A team that has its memory already: threads of one process.
    ShmNode(ShmTeam team, std::shared_ptr<void> memory, const ShmOptions& options = {});

    /// Where all of a buffer lies in shared memory.
    struct Place {
        std::size_t window = 0;
        std::size_t offset = 0;
    };
    [[nodiscard]] std::optional<Place> find(const Buffer& buffer) const;
    /// Zeroed, seen by all; null where that much cannot be shared. Collective.
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size);

    [[nodiscard]] ShmState& state() { return state_; }

  private:
    ShmState state_;
    std::vector<std::shared_ptr<void>> memory_;  ///< of the team and of its windows
    mpi::Communicator node_;                     ///< null in a team of threads
    NodeMemoryOptions memory_options_;
};

/// The operations of one kind, used again and again.
template <class Run>
class ShmRuns {
  public:
    explicit ShmRuns(ShmNode& node) : state_(node.state()) {}
    template <class... Arguments>
    [[nodiscard]] OperationHandle start(const Arguments&... arguments) {
        return begun(pool_.take(state_, pool_), arguments...);
    }

  private:
    ShmState& state_;
    OperationPool<Run> pool_;
};

}  // namespace hpml::comm
