#include "tasks/glue_training.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/clock.h"
#include "base/divide_up.h"
#include "base/fault.h"
#include "corpus/order.h"
#include "optim/schedule.h"
#include "train/step.h"

namespace hpml::tasks {
namespace {

/// The batches of the run, as one rank needs them.
class Batches {
  public:
    Batches(const LabelledExamples& data, const FineTuneOptions& options)
        : data_(data), order_(data.examples.size(), options.seed) {}

    /// The rows order[range], with their targets.
    [[nodiscard]] const corpus::Batch& take(StepRange range) {
        batch_.clear();
        for (std::int64_t position = range.begin; position < range.end; ++position) {
            const std::int64_t row = order_.at(position).sample;
            data_.examples.append_to(batch_, row);
            batch_.targets.push_back(data_.targets[static_cast<std::size_t>(row)]);
        }
        return batch_;
    }

    [[nodiscard]] Tokens tokens(StepRange range) const {
        Tokens total;
        for (std::int64_t position = range.begin; position < range.end; ++position) {
            total += Tokens(data_.examples.length(order_.at(position).sample));
        }
        return total;
    }

  private:
    const LabelledExamples& data_;
    corpus::Order order_;
    corpus::Batch batch_;
};

/// The training loop, one step at a time.
class Loop {
  public:
    Loop(const FineTuneParts& parts, const LabelledExamples& data, const FineTuneOptions& options)
        : parts_(parts),
          options_(options),
          rows_(data.examples.size()),
          schedule_{.name = "linear",
                    .peak = options.learning_rate,
                    .warmup_steps = options.warmup_steps,
                    .total_steps = options.epochs * divide_up(rows_, options.batch)},
          runner_({parts.replica.arena(), parts.replica.reducer(), parts.replica.optimizer(),
                   parts.ranks, parts.watchdog, parts.replica.trace()},
                  options.clip_norm),
          batches_(data, options) {}

    [[nodiscard]] Step steps() const { return Step(schedule_.total_steps); }

    /// Why to stop after the last step; empty: go on. The same on every rank.
    [[nodiscard]] std::string stop_reason() const {
        return votes_[0] > 0   ? "a signal asked to stop"
               : votes_[1] > 0 ? "time limit " + parts_.limit.explain()
                               : "";
    }

    /// @return the loss, the same on every rank
    double run_step(Step step) {
        parts_.replica.begin_step(step);
        fault_point("step", step, parts_.ranks.rank());
        const Stopwatch watch;
        const Seconds exposed = parts_.replica.engine().exposed();
        const StepRange global = rows_of_step(step.value, rows_, options_.batch);
        const StepRange mine = part_of_rank(global, parts_.ranks.rank().value, parts_.ranks.size());
        const model::DropoutPlan dropout{options_.dropout, options_.seed, step.value};
        const auto forward = [&](std::int64_t micro) {
            const std::int64_t begin = mine.begin + micro * options_.micro_batch;
            const StepRange range{begin, std::min(begin + options_.micro_batch, mine.end)};
            return parts_.replica.bert().class_loss(batches_.take(range), dropout);
        };
        const double learning_rate = optim::learning_rate(schedule_, step.value);
        // Rank 0 alone looks at the clock; a signal may reach any rank. The sums decide on every
        // rank alike.
        votes_ = {parts_.signals.requested() ? 1.0 : 0.0,
                  parts_.ranks.is_root() && parts_.limit.reached() ? 1.0 : 0.0};
        const train::StepResult taken = runner_.run(
            divide_up(mine.end - mine.begin, options_.micro_batch), forward, learning_rate, votes_);
        require_finite(taken);
        parts_.limit.saw_step(watch.elapsed());
        if (parts_.ranks.is_root()) {
            parts_.observer.on_step({.step = step + Step(1),
                                     .steps = steps(),
                                     .loss = taken.loss,
                                     .learning_rate = learning_rate,
                                     .gradient_norm = taken.gradient_norm,
                                     .seconds = watch.elapsed(),
                                     .weight = taken.weight,
                                     .tokens = batches_.tokens(global),
                                     .data_wait = Seconds(0),  // all rows are in memory
                                     .comm_wait = parts_.replica.engine().exposed() - exposed});
        }
        return taken.loss;
    }

  private:
    const FineTuneParts& parts_;
    const FineTuneOptions& options_;
    std::int64_t rows_;
    optim::ScheduleOptions schedule_;
    train::StepRunner runner_;
    Batches batches_;
    std::array<double, 2> votes_{};  ///< ranks that want to stop for a signal, for the time
};

/// Rows by falling length, so that a group of neighbours is nearly a rectangle.
std::vector<std::int64_t> by_length(const EncodedExamples& examples) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(examples.size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    std::stable_sort(rows.begin(), rows.end(), [&](std::int64_t a, std::int64_t b) {
        return examples.length(a) > examples.length(b);
    });
    return rows;
}

}  // namespace

StepRange rows_of_step(std::int64_t step, std::int64_t rows, std::int64_t batch) {
    const std::int64_t steps_per_epoch = divide_up(rows, batch);
    const std::int64_t epoch_begin = step / steps_per_epoch * rows;
    const std::int64_t begin = epoch_begin + step % steps_per_epoch * batch;
    return {begin, std::min(begin + batch, epoch_begin + rows)};
}

StepRange part_of_rank(StepRange range, int rank, int size) {
    const std::int64_t count = range.end - range.begin;
    return {range.begin + count * rank / size, range.begin + count * (rank + 1) / size};
}

FineTuneResult fine_tune(const FineTuneParts& parts, const LabelledExamples& train,
                         const FineTuneOptions& options, const FineTuneProgress& from) {
    Loop loop(parts, train, options);
    if (parts.ranks.is_root()) {
        parts.observer.on_start(from.done);
    }
    FineTuneResult result;
    result.steps = loop.steps();
    result.progress = from;
    const Stopwatch watch;
    Step& done = result.progress.done;
    while (done < result.steps && result.stop_reason.empty()) {
        const double loss = loop.run_step(done);
        done += Step(1);
        result.progress.mean_loss += loss / static_cast<double>(result.steps.value);
        result.stop_reason = loop.stop_reason();
    }
    result.taken = done - from.done;
    result.seconds = watch.elapsed();
    return result;
}

std::vector<double> predict(const model::Bert& bert, const mpi::Communicator& ranks,
                            const EncodedExamples& examples, std::int64_t batch) {
    const at::NoGradGuard no_grad;
    const std::int64_t labels = bert.config().labels;
    const std::vector<std::int64_t> rows = by_length(examples);
    std::vector<double> outputs(rows.size() * static_cast<std::size_t>(labels), 0.0);
    corpus::Batch group;
    for (std::int64_t index = 0; index * batch < examples.size(); ++index) {
        if (index % ranks.size() != ranks.rank().value) {
            continue;
        }
        group.clear();
        const std::int64_t end = std::min((index + 1) * batch, examples.size());
        for (std::int64_t i = index * batch; i < end; ++i) {
            examples.append_to(group, rows[static_cast<std::size_t>(i)]);
        }
        const at::Tensor logits =
            bert.class_logits(group, {}).to(at::kCPU, at::kDouble).contiguous();
        const auto* values = logits.const_data_ptr<double>();
        for (std::size_t i = 0; i < group.sequences(); ++i) {
            std::copy_n(values + static_cast<std::int64_t>(i) * labels, labels,
                        outputs.begin() + group.samples[i] * labels);
        }
    }
    // Every row was computed by one rank; the others add zeros, which changes no bit.
    ranks.sum(outputs);
    return outputs;
}

}  // namespace hpml::tasks
