#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct NodeMemoryOptions {
    /// Anonymous memory, handed from process to process through /proc: it knows no limit of
    /// /dev/shm (64 MB in many containers) and can leave nothing behind. Off only in tests.
    bool anonymous = true;
    /// Where files are made if anonymous memory cannot be handed over; they lose their names as
    /// soon as all ranks have opened them.
    std::filesystem::path folder = "/dev/shm";
};

/// Memory of each rank of a node that all of them read and write. Rank r's part is allocated by
/// rank r, so that it lies on r's memory controller.
class NodeMemory {
  public:
    /// One or the other.
    struct Attempt {
        std::shared_ptr<NodeMemory> memory;
        std::string obstacle;  ///< why there is none, the same on every rank
    };
    /// Collective over the ranks of one node, which ask for the same size. All of it is there when
    /// this returns: a machine or a control group that has not enough is an obstacle here, no bus
    /// error later.
    [[nodiscard]] static Attempt share(const mpi::Communicator& node, Bytes size,
                                       const NodeMemoryOptions& options = {});

    NodeMemory() = default;
    ~NodeMemory();
    NodeMemory(const NodeMemory&) = delete;
    NodeMemory& operator=(const NodeMemory&) = delete;
    NodeMemory(NodeMemory&&) = delete;
    NodeMemory& operator=(NodeMemory&&) = delete;

    /// The part of a rank of the node, zeroed at first, page-aligned.
    [[nodiscard]] std::byte* part(int rank) const { return parts_[static_cast<std::size_t>(rank)]; }
    [[nodiscard]] Bytes size() const { return size_; }  ///< of each part

  private:
    void share_by(const mpi::Communicator& node, const std::filesystem::path& folder);
    void map(const std::string& path, const std::string& token);
    void unmap() noexcept;

    std::vector<std::byte*> parts_;
    Bytes size_;
};

}  // namespace hpml::comm
