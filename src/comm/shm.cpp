#include "comm/shm.h"

#include <utility>

#include "comm/shm_node.h"

namespace hpml::comm {

struct ShmAllReduce::State {
    explicit State(ShmNode the_node) : node(std::move(the_node)) {}

    ShmNode node;
    ShmRuns<ShmBrief> brief{node};
    ShmRuns<ShmShared> shared_out{node};
    ShmRuns<ShmDirect> direct{node};
    ShmRuns<ShmStaged> staged{node};
};

ShmAllReduce::ShmAllReduce(ShmNode node) : state_(std::make_unique<State>(std::move(node))) {}

ShmAllReduce::~ShmAllReduce() = default;

std::unique_ptr<ShmAllReduce> ShmAllReduce::for_node(const mpi::Communicator& node,
                                                     ShmOptions options,
                                                     const NodeMemoryOptions& memory) {
    return std::make_unique<ShmAllReduce>(ShmNode(node, options, memory));
}

OperationHandle ShmAllReduce::start(const Buffer& buffer) {
    const std::size_t bytes = buffer.size().value;
    const auto place = state_->node.find(buffer);
    if (bytes <= (place ? ShmTeam::kBriefSizeInWindow : ShmTeam::kBriefSize)) {
        return state_->brief.start(buffer);
    }
    if (!place) {
        return state_->staged.start(buffer);
    }
    return bytes <= ShmTeam::kSharedOutSize
               ? state_->shared_out.start(buffer, place->window, place->offset)
               : state_->direct.start(buffer, place->window, place->offset);
}

std::shared_ptr<std::byte> ShmAllReduce::allocate(Bytes size) {
    auto memory = state_->node.allocate(size);
    return memory ? memory : Algorithm::allocate(size);
}

}  // namespace hpml::comm
