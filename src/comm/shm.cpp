#include "comm/shm.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "comm/shm_run.h"

namespace hpml::comm {

namespace {

/// The operations of one kind, used again and again.
template <class Run>
class ShmRuns {
  public:
    explicit ShmRuns(ShmState& state) : state_(state) {}
    template <class... Arguments>
    [[nodiscard]] OperationHandle start(const Arguments&... arguments) {
        Run* run = pool_.take(state_, pool_);
        OperationHandle handle(run);
        run->begin(arguments...);
        return handle;
    }

  private:
    ShmState& state_;
    OperationPool<Run> pool_;
};

}  // namespace

struct ShmAllReduce::State {
    ShmState shared;
    std::vector<std::shared_ptr<void>> memory;  ///< of the team and of its windows
    mpi::Communicator node;                     ///< null in a team of threads
    NodeMemoryOptions memory_options;
    Patience::Cores cores = Patience::Cores::Shared;
    ShmRuns<ShmBrief> brief{shared};
    ShmRuns<ShmShared> shared_out{shared};
    ShmRuns<ShmDirect> direct{shared};
    ShmRuns<ShmStaged> staged{shared};

    /// The window in which all of a buffer lies; nothing if there is none.
    [[nodiscard]] std::optional<std::size_t> window_of(const Buffer& buffer) const {
        const auto& windows = shared.team.windows;
        const auto at = reinterpret_cast<std::uintptr_t>(buffer.data);
        for (std::size_t i = 0; i < windows.size(); ++i) {
            const auto begin = reinterpret_cast<std::uintptr_t>(
                windows[i].parts[static_cast<std::size_t>(shared.team.rank)]);
            if (at >= begin && at + buffer.size().value <= begin + windows[i].size) {
                return i;
            }
        }
        return std::nullopt;
    }
};

ShmAllReduce::ShmAllReduce(ShmTeam team, std::shared_ptr<void> memory, ShmOptions options)
    : state_(std::make_unique<State>()) {
    expects(team.size() > 0, "a team of at least one rank");
    expects(options.chunk.value >= 64, "a chunk of at least a cache line");
    state_->shared.team = std::move(team);
    state_->shared.chunk = options.chunk.value;
    state_->memory.push_back(std::move(memory));
}

ShmAllReduce::~ShmAllReduce() = default;

std::unique_ptr<ShmAllReduce> ShmAllReduce::for_node(const mpi::Communicator& node,
                                                     ShmOptions options,
                                                     const NodeMemoryOptions& memory) {
    const auto attempt = NodeMemory::share(node, Bytes(ShmTeam::part_size()), memory);
    if (!attempt.memory) {
        throw ResourceError("the ranks of a node cannot share memory (" + attempt.obstacle +
                            "); use --allreduce ring");
    }
    std::vector<std::byte*> parts;
    for (int rank = 0; rank < node.size(); ++rank) {
        parts.push_back(attempt.memory->part(rank));
    }
    ShmTeam team;
    team.place(node.rank().value, parts);
    auto made = std::make_unique<ShmAllReduce>(std::move(team), attempt.memory, options);
    made->state_->node = node.duplicate();
    made->state_->memory_options = memory;
    made->state_->cores = cores_of(node);
    return made;
}

OperationHandle ShmAllReduce::start(const Buffer& buffer) {
    State& state = *state_;
    const std::size_t bytes = buffer.size().value;
    const auto window = state.window_of(buffer);
    if (bytes <= (window ? ShmTeam::kBriefSizeInWindow : ShmTeam::kBriefSize)) {
        return state.brief.start(buffer);
    }
    if (!window) {
        return state.staged.start(buffer);
    }
    const auto& parts = state.shared.team.windows[*window].parts;
    const auto* begin = parts[static_cast<std::size_t>(state.shared.team.rank)];
    const auto offset = static_cast<std::size_t>(buffer.data - begin);
    return bytes <= ShmTeam::kSharedOutSize ? state.shared_out.start(buffer, *window, offset)
                                            : state.direct.start(buffer, *window, offset);
}

Patience::Cores ShmAllReduce::cores() const { return state_->cores; }

std::shared_ptr<std::byte> ShmAllReduce::allocate(Bytes size) {
    const auto attempt = NodeMemory::share(state_->node, size, state_->memory_options);
    if (!attempt.memory) {
        return Algorithm::allocate(size);
    }
    ShmTeam::Window window;
    window.size = attempt.memory->size().value;
    for (int rank = 0; rank < state_->node.size(); ++rank) {
        window.parts.push_back(attempt.memory->part(rank));
    }
    std::byte* own = window.parts[static_cast<std::size_t>(state_->node.rank().value)];
    state_->shared.team.windows.push_back(std::move(window));
    // Kept: another buffer at the same address must not be taken for this one.
    state_->memory.push_back(attempt.memory);
    return {attempt.memory, own};
}

}  // namespace hpml::comm
