#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/units.h"
#include "comm/elastic_sum.h"
#include "comm/engine.h"
#include "comm/trace/trace.h"
#include "comm/watchdog.h"
#include "fusion/arena.h"
#include "fusion/reducer.h"
#include "model/bert.h"
#include "mpi/communicator.h"
#include "optim/loss_scaler.h"
#include "optim/optimizer.h"
#include "train/accelerator.h"
#include "train/communication.h"

namespace hpml::train {

struct ReplicaOptions {
    model::ModelConfig model;
    model::Head head = model::Head::MaskedLm;
    model::BertOptions computation{};
    optim::OptimizerOptions optimizer;
    optim::LossScaleOptions loss_scale{};  ///< where the precision needs one
    CommunicationOptions communication;
    comm::Progress progress = comm::Progress::Inline;
    Accelerator accelerator;
    comm::Watchdog* watchdog = nullptr;  ///< keeps the record of the all-reduces; outlives this
    std::uint64_t seed = 42;             ///< of the first weights
    bool draw_weights = true;            ///< false: they are zero until somebody reads them
    /// ZeRO-1 (Rajbhandari et al. 2020): each rank keeps the optimizer state of its shard and
    /// updates that; on the CPU. The ranks' communicator must then outlive the replica.
    bool zero1 = false;
    /// For sums that do not depend on the number of ranks: micro-batches of a global batch, which
    /// do not depend on it either; 0: these have none.
    std::int64_t elastic_terms = 0;
};

/// This rank's copy of model, gradients, optimizer and the machinery that keeps the copies equal.
class Replica {
  public:
    /// Collective: the fusion plan's digest is compared over the ranks. The weights are those of
    /// step 0.
    /// @throw MismatchError naming the ranks whose plan differs; UsageError for elastic sums or
    /// shards where there are none
    Replica(const ReplicaOptions& options, const mpi::Communicator& ranks, const Log& log);

    /// As it was decided: nothing is left open.
    [[nodiscard]] const CommunicationOptions& communication() const { return communication_; }
    [[nodiscard]] int ranks() const { return ranks_; }
    [[nodiscard]] const model::Bert& bert() const { return *bert_; }
    [[nodiscard]] fusion::Arena& arena() { return *arena_; }
    [[nodiscard]] fusion::Reducer& reducer() { return *reducer_; }
    [[nodiscard]] comm::Engine& engine() { return *engine_; }
    /// Sums the gradients in place of the reducer; null: the reducer does.
    [[nodiscard]] comm::ElasticSum* elastic() { return elastic_.get(); }
    [[nodiscard]] comm::Trace* trace() { return trace_.get(); }  ///< null: none is wanted
    /// The step that this rank works on from now on, for the watchdog and the timeline.
    void begin_step(Step step) noexcept;
    /// End the timeline, if there is one, and say where it is. A failure is told, and ends nothing.
    /// Collective.
    void finish_trace(const Log& log);
    [[nodiscard]] optim::Optimizer& optimizer() { return *optimizer_; }
    /// Parameters that each rank updates and the others receive, in rank order; empty: every rank
    /// updates all.
    [[nodiscard]] const std::vector<optim::Shard>& shards() const { return shards_; }
    /// Null: the precision needs none.
    [[nodiscard]] optim::LossScaler* loss_scaler() { return scaler_.get(); }
    [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> named_parameters() const {
        return arena_->named_parameters();
    }

  private:
    void make_optimizer(const ReplicaOptions& options, const mpi::Communicator& ranks);

    CommunicationOptions communication_;
    int ranks_;
    comm::Watchdog* watchdog_;
    std::unique_ptr<comm::Trace> trace_;
    std::unique_ptr<fusion::Arena> arena_;
    std::unique_ptr<comm::Engine> engine_;
    std::unique_ptr<fusion::Reducer> reducer_;
    std::unique_ptr<comm::ElasticSum> elastic_;
    std::vector<optim::Shard> shards_;
    std::unique_ptr<optim::Optimizer> optimizer_;
    std::unique_ptr<optim::LossScaler> scaler_;
    std::unique_ptr<model::Bert> bert_;
};

/// The segments of an arena as optimizers take them.
[[nodiscard]] std::vector<optim::Segment> segments_of(const fusion::Arena& arena);

}  // namespace hpml::train
