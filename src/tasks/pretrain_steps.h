#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "model/work.h"
#include "tasks/pretrain.h"
#include "tasks/pretrain_votes.h"
#include "train/pace.h"
#include "train/replica.h"
#include "train/step.h"

namespace hpml::tasks {

/// What a loader of these options reads, for training and validation alike.
/// @throw InputError, MissingInputError about the tokenizer
[[nodiscard]] corpus::LoaderOptions loader_options(const PretrainOptions& options,
                                                   const corpus::Manifest& manifest);

/// One taken step.
struct TakenStep {
    train::StepResult result;
    double learning_rate = 0;
    Seconds seconds;
    Seconds data_wait;  ///< this rank
    Seconds comm_wait;  ///< this rank
    std::optional<train::PaceReport> pace;
};

/// The optimizer steps of a pretraining on this rank: data, forward, backward, update.
class PretrainSteps {
  public:
    /// Opens the training split. Everything must outlive this. Collective.
    /// @param before_update  called before weights and optimizer state change
    PretrainSteps(const PretrainOptions& options, const corpus::Manifest& manifest,
                  const PretrainContext& context, train::Replica& replica,
                  std::function<void()> before_update);

    /// The next step is `step`, on the data of step + `data_shift`.
    void seek(Step step, Step data_shift);
    /// Take the next step. An update from what is not finite is left out. Collective.
    /// @param time  of the run until now, the same on every rank
    TakenStep take(Seconds time, Votes& votes);
    /// Compute the step before the next one again, without an update, and say what is not finite
    /// in it: "rank 2 (gradient of bert...weight)". Collective.
    [[nodiscard]] std::string find_non_finite();

  private:
    /// This rank's of a step.
    [[nodiscard]] std::int64_t micro_batches(Step step) const;
    /// Of the next micro-batch.
    model::LossSum forward(Votes& votes);
    void poison_if_asked();
    [[nodiscard]] std::string first_non_finite_here();

    const PretrainOptions& options_;
    const PretrainContext& context_;
    train::Replica& replica_;
    train::StepRunner runner_;
    model::BatchWork work_;
    train::Pace pace_;
    std::unique_ptr<corpus::Loader> loader_;
    Step step_;
    Step data_shift_;
};

}  // namespace hpml::tasks
