#include "comm/hierarchical.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "comm/kernels/convert.h"
#include "comm/widened.h"

namespace hpml::comm {

namespace {

/// One buffer in the node's shared memory.
class LaneRun final : public ShmRun {
  public:
    LaneRun(ShmState& state, OperationPool<LaneRun>& pool) : ShmRun(state), pool_(pool) {}

    /// @param lane  sums over the ranks that hold the same share on other nodes
    void begin(const Buffer& buffer, const ShmNode::Place& place, Algorithm* lane,
               std::size_t ranks) {
        lane_ = lane;
        ranks_ = ranks;
        enqueue(buffer, place.window + 1, place.offset);
    }
    void release() noexcept override {
        if (on_lane_) {
            // Given up while an error ends the process: MPI may still write to the window.
            static_cast<void>(on_lane_.release());
            return;
        }
        pool_.put_back(this);
    }

  private:
    void begin_work() override {
        take_turn();
        share_ = share();
        phase_ = Phase::Lane;
        Buffer mine = part();
        mine.op = without_mean(mine.op);
        mine.scale = 1;
        mine.examine = Examine::No;
        reduce_in_own_window(share_.begin, share_.count);
        on_lane_ = lane_->start(mine);
    }

    bool work() override {
        if (phase_ == Phase::Lane && on_lane_->advance()) {
            on_lane_.reset();
            finish_in_place(part(), divisor_of(buffer().op, ranks_));
            if (buffer().examine == Examine::Yes) {
                own_found() = look_at(part());
            }
            hand_out();
            phase_ = Phase::Settling;
        }
        if (phase_ == Phase::Settling && has_turn()) {
            settle();
            phase_ = Phase::Others;
        }
        if (phase_ != Phase::Others || !all_have_settled()) {
            return false;
        }
        set_found(found_in_shares());
        return true;
    }

    [[nodiscard]] Buffer part() const { return buffer().part(share_.begin, share_.count); }

    /// This share's result into the windows of the node's other ranks, which read it no more.
    void hand_out() {
        const Buffer mine = part();
        const std::size_t at = offset() + share_.begin * size_of(mine.type);
        const ShmTeam::Window& window = team().windows[this->window() - 1];
        for (std::size_t rank = 0; rank < team().size(); ++rank) {
            if (rank != static_cast<std::size_t>(team().rank)) {
                std::copy_n(mine.data, mine.size().value, window.parts[rank] + at);
            }
        }
    }

    enum class Phase { Lane, Settling, Others };
    OperationPool<LaneRun>& pool_;
    Algorithm* lane_ = nullptr;
    std::size_t ranks_ = 1;
    Extent share_;
    Phase phase_ = Phase::Others;
    OperationHandle on_lane_;
};

void require_equal_nodes(const mpi::Communicator& ranks, const mpi::Communicator& node) {
    std::int64_t sizes[] = {node.size(), -node.size()};
    ranks.max(std::span(sizes));
    if (sizes[0] != -sizes[1]) {
        throw ResourceError("the nodes have " + std::to_string(-sizes[1]) + " to " +
                            std::to_string(sizes[0]) +
                            " ranks (hierarchical all-reduce needs as many on each); use "
                            "--allreduce ring, or start as many ranks on each node");
    }
}

}  // namespace

struct Hierarchical::State {
    State(const mpi::Communicator& all, const mpi::Communicator& on_node,
          const HierarchicalOptions& options)
        : ranks(static_cast<std::size_t>(all.size())), node(on_node, options.shm, options.memory) {}

    std::size_t ranks;
    ShmNode node;
    ShmRuns<LaneRun> lanes{node};
    std::optional<Ring> lane;
    std::optional<Widened> around;  ///< a ring of all ranks
};

Hierarchical::Hierarchical(const mpi::Communicator& ranks, const mpi::Communicator& node,
                           const HierarchicalOptions& options) {
    require_equal_nodes(ranks, node);
    // A node's obstacle is every node's: all ranks must decide alike.
    std::string obstacle;
    try {
        state_ = std::make_unique<State>(ranks, node, options);
    } catch (const Error& error) {
        if (error.code() != ExitCode::Resource) {
            throw;
        }
        obstacle = error.what();
    }
    mpi::agree(ranks, [&] {
        if (!obstacle.empty()) {
            throw ResourceError(obstacle);
        }
    });
    state_->lane.emplace(ranks.split(node.rank().value), options.ring);
    state_->around.emplace(std::make_unique<Ring>(ranks, options.ring));
}

Hierarchical::~Hierarchical() = default;

OperationHandle Hierarchical::start(const Buffer& buffer) {
    const auto place = state_->node.find(buffer);
    if (!place || travel_type(buffer.type, buffer.op) != buffer.type) {
        return state_->around->start(buffer);
    }
    Algorithm* lane = &*state_->lane;
    return state_->lanes.start(buffer, *place, lane, state_->ranks);
}

std::shared_ptr<std::byte> Hierarchical::allocate(Bytes size) {
    auto memory = state_->node.allocate(size);
    return memory ? memory : Algorithm::allocate(size);
}

}  // namespace hpml::comm
