#include "comm/shm_node.h"

#include <cstdint>
#include <utility>

#include "base/error.h"

namespace hpml::comm {

ShmNode::ShmNode(const mpi::Communicator& node, const ShmOptions& options,
                 const NodeMemoryOptions& memory)
    : node_(node.duplicate()), memory_options_(memory) {
    const auto attempt = NodeMemory::share(node, Bytes(ShmTeam::part_size()), memory);
    if (!attempt.memory) {
        throw ResourceError("the ranks of a node cannot share memory (" + attempt.obstacle +
                            "); use --allreduce ring");
    }
    std::vector<std::byte*> parts;
    for (int rank = 0; rank < node.size(); ++rank) {
        parts.push_back(attempt.memory->part(rank));
    }
    state_.team.place(node.rank().value, parts);
    state_.chunk = options.chunk.value;
    memory_.push_back(attempt.memory);
}

ShmNode::ShmNode(ShmTeam team, std::shared_ptr<void> memory, const ShmOptions& options) {
    expects(team.size() > 0, "a team of at least one rank");
    state_.team = std::move(team);
    state_.chunk = options.chunk.value;
    memory_.push_back(std::move(memory));
}

std::optional<ShmNode::Place> ShmNode::find(const Buffer& buffer) const {
    const auto& windows = state_.team.windows;
    const auto at = reinterpret_cast<std::uintptr_t>(buffer.data);
    for (std::size_t i = 0; i < windows.size(); ++i) {
        const auto begin = reinterpret_cast<std::uintptr_t>(
            windows[i].parts[static_cast<std::size_t>(state_.team.rank)]);
        if (at >= begin && at + buffer.size().value <= begin + windows[i].size) {
            return Place{i, at - begin};
        }
    }
    return std::nullopt;
}

std::shared_ptr<std::byte> ShmNode::allocate(Bytes size) {
    const auto attempt = NodeMemory::share(node_, size, memory_options_);
    if (!attempt.memory) {
        return nullptr;
    }
    ShmTeam::Window window;
    window.size = attempt.memory->size().value;
    for (int rank = 0; rank < node_.size(); ++rank) {
        window.parts.push_back(attempt.memory->part(rank));
    }
    std::byte* own = window.parts[static_cast<std::size_t>(node_.rank().value)];
    state_.team.windows.push_back(std::move(window));
    // Kept: another buffer at the same address must not be taken for this one.
    memory_.push_back(attempt.memory);
    return {attempt.memory, own};
}

}  // namespace hpml::comm
