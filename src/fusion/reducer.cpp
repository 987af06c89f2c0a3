#include "fusion/reducer.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "comm/trace/trace.h"
#include "model/named_operator.h"

namespace hpml::fusion {

/// Shared with the hooks, which LibTorch may keep alive longer than the reducer.
class Reducer::State {
  public:
    State(Arena& arena, comm::Engine& engine, comm::Examine examine, comm::Trace* trace)
        : arena_(&arena),
          engine_(&engine),
          examine_(engine.algorithm().is_on_host() ? examine : comm::Examine::No),
          trace_(trace) {
        const auto& plan = arena.plan();
        bucket_of_.resize(plan.leaves.size());
        for (std::size_t b = 0; b < plan.buckets.size(); ++b) {
            for (std::size_t leaf = plan.buckets[b].first_leaf; leaf <= plan.buckets[b].last_leaf;
                 ++leaf) {
                bucket_of_[leaf] = b;
            }
            names_.push_back(name_of_bucket(plan, b, arena.specs()));
        }
        digest_ = plan.digest().low;
    }

    void arm() {
        const std::lock_guard lock(mutex_);
        const auto& buckets = arena_->plan().buckets;
        missing_.resize(buckets.size());
        for (std::size_t b = 0; b < buckets.size(); ++b) {
            missing_[b] = buckets[b].last_leaf - buckets[b].first_leaf + 1;
        }
        next_ = 0;
        armed_ = true;
    }

    void leaf_ready(std::size_t leaf) {
        const std::lock_guard lock(mutex_);
        if (!armed_) {
            return;
        }
        (void)fault_point("hook", Step(steps_), Rank(-1));
        const std::size_t bucket = bucket_of_[leaf];
        expects(missing_[bucket] > 0, "one gradient per leaf in the last backward pass of a step");
        --missing_[bucket];
        if (missing_[bucket] == 0 && trace_ != nullptr) {
            trace_->note(comm::TracePoint::Ready, bucket, Bytes(0));
        }
        const model::NamedOperator record("hpml::all_reduce");
        while (next_ < missing_.size() && missing_[next_] == 0) {
            launch_next();
        }
        engine_->progress();
    }

    std::optional<comm::Found> finish() {
        const std::lock_guard lock(mutex_);
        expects(armed_, "arm() before finish()");
        const model::NamedOperator record("hpml::all_reduce_wait");
        while (next_ < missing_.size()) {
            launch_next();
        }
        armed_ = false;
        ++steps_;
        const comm::Found found = engine_->wait_all();
        return examine_ == comm::Examine::Yes ? std::optional(found) : std::nullopt;
    }

    void retire() {
        const std::lock_guard lock(mutex_);
        armed_ = false;
    }

  private:
    void launch_next() {
        const std::size_t index = next_++;
        const Bucket& bucket = arena_->plan().buckets[index];
        comm::Buffer sums(std::span(arena_->gradients().data_ptr<float>() + bucket.begin,
                                    static_cast<std::size_t>(bucket.end - bucket.begin)));
        sums.examine = examine_;
        sums.name = names_[index];
        sums.plan = digest_;
        engine_->submit(sums);
    }

    Arena* arena_;
    comm::Engine* engine_;
    comm::Examine examine_;
    comm::Trace* trace_;
    std::mutex mutex_;
    std::vector<std::size_t> bucket_of_;
    std::vector<std::string> names_;  ///< of the buckets
    std::uint64_t digest_ = 0;        ///< of the plan
    std::vector<std::size_t> missing_;
    std::size_t next_ = 0;
    bool armed_ = false;
    std::int64_t steps_ = 0;  ///< reduced since construction
};

namespace {

/// Called by autograd right after it has accumulated into a leaf's gradient.
template <class State>
class LeafHook : public torch::autograd::PostAccumulateGradHook {
  public:
    LeafHook(std::shared_ptr<State> state, std::size_t leaf)
        : state_(std::move(state)), leaf_(leaf) {}
    void operator()(const torch::autograd::Variable&) override { state_->leaf_ready(leaf_); }

  private:
    std::shared_ptr<State> state_;
    std::size_t leaf_;
};

}  // namespace

Reducer::Reducer(Arena& arena, comm::Engine& engine, comm::Examine examine, comm::Trace* trace)
    : state_(std::make_shared<State>(arena, engine, examine, trace)) {
    for (std::size_t leaf = 0; leaf < arena.leaves().size(); ++leaf) {
        torch::autograd::impl::set_post_acc_grad_hooks(
            arena.leaves()[leaf], std::make_unique<LeafHook<State>>(state_, leaf));
    }
}

Reducer::~Reducer() { state_->retire(); }

void Reducer::arm() { state_->arm(); }
std::optional<comm::Found> Reducer::finish() { return state_->finish(); }

}  // namespace hpml::fusion
