#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "mpi/communicator.h"
#include "tasks/glue_encoding.h"
#include "train/observer.h"
#include "train/replica.h"
#include "train/stop.h"

namespace hpml::tasks {

/// The recipe of one fine-tuning run; the defaults are those of Hugging Face's run_glue.
struct FineTuneOptions {
    std::int64_t epochs = 3;  ///< 0: evaluate only
    double learning_rate = 5e-5;
    std::int64_t batch = 32;        ///< sequences of one optimizer step, over all ranks
    std::int64_t micro_batch = 32;  ///< sequences of one forward pass at most; decides memory only
    std::int64_t warmup_steps = 0;
    double clip_norm = 1.0;  ///< 0: no clipping
    double dropout = 0.1;    ///< of hidden states, attention and the classifier
    std::uint64_t seed = 42;
};

/// Rows to learn from.
struct LabelledExamples {
    const EncodedExamples& examples;
    std::span<const float> targets;  ///< [rows] class index or score
};

/// What a step of the loop works on; everything outlives the loop.
struct FineTuneParts {
    train::Replica& replica;
    const mpi::Communicator& ranks;
    train::Observer& observer;
    const train::StopSignals& signals;
    train::TimeLimit& limit;             ///< asked on rank 0
    comm::Watchdog* watchdog = nullptr;  ///< told of the steps; null: nobody watches
};

/// Where a fine-tuning stands between two steps, beside weights and optimizer.
struct FineTuneProgress {
    Step done;
    double mean_loss = 0;  ///< what the steps done contribute to the mean over all steps
};

struct FineTuneResult {
    FineTuneProgress progress;
    Step steps;               ///< planned
    Step taken;               ///< by this start
    Seconds seconds;          ///< of this start
    std::string stop_reason;  ///< why it shall end here; empty: all steps are done
};

/// The rows [begin, end) of the training order that one optimizer step takes. Batches do not cross
/// an epoch's end; the last one of an epoch may be smaller.
struct StepRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};
[[nodiscard]] StepRange rows_of_step(std::int64_t step, std::int64_t rows, std::int64_t batch);
/// The contiguous part of a range that one of `size` ranks computes; may be empty.
[[nodiscard]] StepRange part_of_rank(StepRange range, int rank, int size);

/// Train from where `from` says, with a linear decay of the learning rate to 0. Collective. Which
/// rows a step sees and what dropout falls on them depends on the step alone, not on the number of
/// ranks, the micro-batch or the start. SIGUSR1 or SIGTERM to any rank, or the time limit, ends it
/// after the step.
/// @throw DivergedError on every rank
[[nodiscard]] FineTuneResult fine_tune(const FineTuneParts& parts, const LabelledExamples& train,
                                       const FineTuneOptions& options,
                                       const FineTuneProgress& from);

/// The model's outputs for all rows, [rows, labels], on every rank. Collective: the rows are dealt
/// out in groups of similar length.
[[nodiscard]] std::vector<double> predict(const model::Bert& bert, const mpi::Communicator& ranks,
                                          const EncodedExamples& examples, std::int64_t batch);

}  // namespace hpml::tasks
