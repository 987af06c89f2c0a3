#include "tasks/pretrain.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "tasks/attempts.h"
#include "tasks/memory_estimate.h"
#include "tasks/pretrain_checkpoint.h"
#include "tasks/pretrain_init.h"
#include "tasks/pretrain_replica.h"
#include "tasks/pretrain_saver.h"
#include "tasks/pretrain_steps.h"
#include "tasks/pretrain_validator.h"
#include "tasks/pretrain_votes.h"
#include "tasks/shared_checkpoint.h"
#include "tasks/space_estimate.h"
#include "train/operator_profile.h"
#include "train/replica.h"
#include "train/stop.h"

namespace hpml::tasks {

namespace {

/// Bytes a second that a save is expected to reach until the first one has been timed: a slow
/// shared file system.
constexpr double kExpectedDiskRate = 1e8;

/// One pretraining run on one rank: the state that its steps share.
class Pretraining {
  public:
    Pretraining(const PretrainOptions& options, const corpus::Manifest& manifest,
                PretrainContext& context)
        : options_(options),
          context_(context),
          replica_(replica_options(options, manifest, context), context.ranks, context.log),
          steps_(options, manifest, context, replica_, [this] { saver_.before_update(); }),
          limit_(context.limit),
          saver_(options, manifest, context, replica_),
          profile_(context.ranks.is_root() ? options.profile_steps : 0, context.log) {
        limit_.expect_checkpoint(Seconds(
            static_cast<double>(estimate_checkpoint(options, model_of(options, manifest)).value) /
            kExpectedDiskRate));
        mpi::agree(context.ranks, [&] {
            if (manifest.validation_rows() > 0) {
                validator_.emplace(options.data, manifest, loader_options(options, manifest));
            }
        });
    }

    PretrainOutcome run() {
        try {
            return run_to_the_end();
        } catch (const Error& error) {
            // What was good when the steps went wrong is still worth its name. All ranks are here.
            if (error.code() == ExitCode::Diverged) {
                saver_.finish();
            }
            throw;
        }
    }

  private:
    PretrainOutcome run_to_the_end() {
        resume();
        make_up_for_validation();
        const bool was_done = saver_.saved() == progress_.step && is_at_end();
        while (!is_at_end() && stop_reason_.empty()) {
            train_step();
            if (is_at_end() || !stop_reason_.empty()) {
                break;
            }
            // The save first: a validation may be long, and then nothing is lost with it.
            save_if_due();
            if (validation_is_due()) {
                validate();
            }
        }
        if (!was_done) {
            pass_milestone();
            saver_.save_at_end(counters());
        }
        if (is_at_end() && !was_done && stop_reason_.empty() && validated_ != progress_.step) {
            validate();
        }
        forget_attempts(options_.run, context_.ranks);
        replica_.finish_trace(context_.log);
        PretrainOutcome outcome;
        outcome.step = progress_.step;
        outcome.validation_loss = progress_.validation_loss.value_or(0);
        if (stop_reason_.empty()) {
            outcome.reason =
                reason_to_end(options_.budget, progress_) + (was_done ? " already" : "");
        } else {
            outcome.verdict = Verdict::Interrupted;
            outcome.reason = stop_reason_;
        }
        return outcome;
    }

    void resume() {
        if (context_.signals.take_back()) {  // by now all libraries have started
            context_.log.info("a library had caught a signal of --stop-signals; taken back");
        }
        const auto& folder = context_.resume_from;
        if (!folder.empty()) {
            count_attempt(options_.run, folder, context_.ranks);
            const RunCounters restored = restore(replica_, folder, context_.ranks);
            take_over(restored);
            progress_.time = restored.time.value_or(Seconds(0));
            context_.log.info("resuming after step {} from {}", progress_.step.value,
                              folder.string());
        } else if (!options_.init_from.empty()) {
            const std::string from = initialize_from(options_, replica_, context_);
            context_.log.info("step 0 has the weights{} of {}",
                              options_.init_moments ? " and the optimizer state" : "", from);
        }
        time_before_ = progress_.time;
        if (context_.ranks.is_root()) {
            context_.observer.on_start(progress_.step);
        }
        if (!is_at_end()) {
            const double gemm_rate = measure_gemm_rate(options_, replica_, context_.ranks);
            if (context_.ranks.is_root()) {
                context_.observer.on_gemm_rate(gemm_rate);
            }
            const bool forgets_it =
                fault_point("restore.data", progress_.step, context_.ranks.rank());
            steps_.seek(progress_.step, forgets_it ? Step(-progress_.step.value) : data_shift_);
        }
    }

    void take_over(const RunCounters& restored) {
        progress_.step = restored.step;
        skipped_ = restored.skipped;
        data_shift_ = restored.data_shift;
        saver_.restored(restored.step);
        seen_ =
            share_used(options_.budget, {restored.step, restored.time.value_or(Seconds(0)), {}});
    }

    [[nodiscard]] bool is_at_end() const {
        return !reason_to_end(options_.budget, progress_).empty();
    }

    [[nodiscard]] RunCounters counters() const {
        RunCounters counters{
            .step = progress_.step, .skipped = skipped_, .data_shift = data_shift_};
        if (options_.budget.uses_clock()) {
            counters.time = progress_.time;
        }
        return counters;
    }

    [[nodiscard]] bool validation_is_due() const {
        return options_.validation.is_due(progress_.step, share_used(options_.budget, progress_));
    }

    void save_if_due() {
        const bool is_due = pass_milestone() || saver_.is_due(progress_.step);
        if (is_due || retry_is_due_) {
            saver_.save(counters(), is_due ? Saver::Attempt::Due : Saver::Attempt::Retry);
        }
    }

    /// Whether the run has come to a share of --milestones since this was asked last (a validation
    /// takes time as well), which the saver then knows. The end is none.
    bool pass_milestone() {
        const double before = std::exchange(seen_, share_used(options_.budget, progress_));
        const auto passed = train::milestone_between(options_.milestones, before, seen_);
        if (!passed || is_at_end()) {
            return false;
        }
        saver_.keep_next(milestone_label(*passed));
        return true;
    }

    /// A start that goes on from a step whose validation was cut off does that first; one that is
    /// on record counts as if it had been made now.
    void make_up_for_validation() {
        const Step done = progress_.step;
        if (saver_.saved() != done || (!is_at_end() && !validation_is_due()) || done == Step(0)) {
            return;
        }
        struct {
            std::int64_t is_there = 0;
            double loss = 0;
        } record;
        mpi::on_root(context_.ranks, [&] {
            if (const auto loss = context_.validated(done)) {
                record = {1, *loss};
            }
        });
        context_.ranks.broadcast(std::as_writable_bytes(std::span(&record, 1)));
        if (record.is_there == 0) {
            validate();
        } else {
            validated_ = done;
            progress_.validation_loss = record.loss;
        }
    }

    /// What this rank knows: a signal asks to stop, the time is over, a save is to be tried again.
    /// Rank 0 alone looks at the clock; a signal may reach any rank. The sums of all ranks decide
    /// on every rank alike.
    [[nodiscard]] Votes votes_of_this_rank() const {
        Votes votes;
        saver_.vote(votes);
        votes[Vote::Signal] = context_.signals.requested() ? 1 : 0;
        if (context_.ranks.is_root()) {
            votes[Vote::TimeOver] = limit_.reached() ? 1 : 0;
            votes[Vote::RunSeconds] = (time_before_ + watch_.elapsed()).value;
        }
        return votes;
    }

    void heed(const Votes& votes) {
        saver_.heed(votes);
        retry_is_due_ = votes.any(Vote::RetrySave);
        progress_.time = Seconds(votes[Vote::RunSeconds]);
        if (votes.any(Vote::Signal)) {
            forget_attempts(options_.run, context_.ranks);
            stop_reason_ = "a signal asked to stop";
        } else if (votes.any(Vote::TimeOver)) {
            context_.log.info("{}", limit_.stopping_line());
            stop_reason_ = "time limit " + limit_.explain();
        }
    }

    /// 0: nobody knows.
    [[nodiscard]] std::int64_t planned_steps() const {
        const std::int64_t steps = options_.budget.steps;
        return steps < kUnlimitedSteps ? steps : 0;
    }

    [[nodiscard]] std::optional<Seconds> time_left() const {
        const Seconds budget = options_.budget.time;
        return budget > Seconds(0) ? std::optional(budget - progress_.time) : std::nullopt;
    }

    /// Sets the reason to stop after this step, the same on every rank; empty: go on.
    void train_step() {
        replica_.begin_step(progress_.step);
        fault_point("step", progress_.step, context_.ranks.rank());
        Votes votes = votes_of_this_rank();
        profile_.before_step();
        const TakenStep taken = steps_.take(progress_.time, votes);
        profile_.after_step(taken.seconds);
        progress_.step += Step(1);
        limit_.saw_step(taken.seconds);
        heed(votes);
        if (context_.ranks.is_root()) {
            tell(taken, votes);
        }
        if (taken.result.is_finite()) {
            skipped_ = 0;
        } else {
            answer_non_finite(taken);
        }
        if (train::is_multiple(progress_.step, options_.safety.check_replicas_every)) {
            check_replicas();
        }
    }

    void tell(const TakenStep& taken, const Votes& votes) {
        context_.observer.on_step({.step = progress_.step,
                                   .steps = Step(planned_steps()),
                                   .time_left = time_left(),
                                   .loss = taken.result.loss,
                                   .learning_rate = taken.learning_rate,
                                   .gradient_norm = taken.result.gradient_norm,
                                   .seconds = taken.seconds,
                                   .weight = taken.result.weight,
                                   .tokens = Tokens(static_cast<std::int64_t>(votes[Vote::Tokens])),
                                   .data_wait = taken.data_wait,
                                   .comm_wait = taken.comm_wait,
                                   .flops = votes[Vote::Flops],
                                   .is_skipped = !taken.result.has_update()});
        if (taken.pace) {
            context_.observer.on_pace(progress_.step, *taken.pace);
        }
    }

    /// A step that is not finite had no update. @throw DivergedError if that is one too many
    void answer_non_finite(const TakenStep& taken) {
        const train::SafetyOptions& safety = options_.safety;
        const std::string what = fmt::format("step {}: loss {}, gradient norm {}, not finite on {}",
                                             progress_.step.value, taken.result.loss,
                                             taken.result.gradient_norm, steps_.find_non_finite());
        ++skipped_;
        const bool may_skip =
            safety.on_non_finite == train::NonFinitePolicy::Skip && skipped_ <= safety.max_skipped;
        const bool may_roll_back = safety.on_non_finite == train::NonFinitePolicy::RollBack &&
                                   rollbacks_ < safety.max_rollbacks;
        if (!may_skip && !(may_roll_back && roll_back(what))) {
            throw DivergedError(what +
                                " (the weights were not touched); lower the learning rate, "
                                "lengthen the warm-up or clip harder, and start the same command "
                                "again to resume");
        }
        if (may_skip) {
            context_.log.warn("{}; the update is left out, {} of at most {} in a row", what,
                              skipped_, safety.max_skipped);
        }
    }

    /// @return whether there was a checkpoint to go back to
    bool roll_back(const std::string& what) {
        saver_.finish();  // it may be the newest, and reads the weights
        const auto newest = newest_together(options_.run, context_.ranks, context_.log);
        if (!newest) {
            return false;
        }
        ++rollbacks_;
        const Step bad = progress_.step;
        const Step shift = data_shift_;
        take_over(restore(replica_, newest->folder, context_.ranks));
        // The first data after the bad step's comes next.
        data_shift_ = shift + (bad - progress_.step);
        steps_.seek(progress_.step, data_shift_);
        context_.log.warn(
            "{}; back to step {}, and on with the data behind it ({} of at most {} times)", what,
            progress_.step.value, rollbacks_, options_.safety.max_rollbacks);
        if (context_.ranks.is_root()) {
            context_.observer.on_rollback(progress_.step);
        }
        return true;
    }

    void check_replicas() {
        const comm::Watchdog::Wait wait(context_.watchdog, "the hashes of the parameters");
        const at::Tensor& parameters = replica_.arena().parameters();
        if (fault_point("replica", progress_.step, context_.ranks.rank())) {
            const at::NoGradGuard no_grad;
            parameters.narrow(0, 0, 1).view(at::kInt).bitwise_xor_(1);
        }
        train::require_equal_replicas(parameters, context_.ranks, progress_.step);
    }

    /// A reason to stop cuts it off; the next start makes up for it.
    void validate() {
        if (!validator_) {
            return;
        }
        const auto is_stopped = [this] {
            Votes votes = votes_of_this_rank();
            context_.ranks.sum(votes.values());
            heed(votes);
            return !stop_reason_.empty();
        };
        const auto record = validator_->run(progress_.step, replica_, context_, is_stopped);
        if (!record) {
            return;
        }
        validated_ = record->step;
        progress_.validation_loss = record->loss;
        limit_.saw_validation(record->seconds);
        if (context_.ranks.is_root()) {
            context_.observer.on_validation(*record);
        }
    }

    const PretrainOptions& options_;
    PretrainContext& context_;
    train::Replica replica_;
    PretrainSteps steps_;
    train::TimeLimit& limit_;
    std::optional<Validator> validator_;
    Saver saver_;
    train::ProfileWindow profile_;
    train::RunProgress progress_;
    Stopwatch watch_;           ///< of this start; rank 0's counts
    Seconds time_before_;       ///< of training in the starts before
    Step validated_{-1};        ///< the last step that was validated
    std::int64_t skipped_ = 0;  ///< updates in a row
    std::int64_t rollbacks_ = 0;
    double seen_ = 0;            ///< share of the budget, by pass_milestone()
    Step data_shift_;            ///< see RunCounters
    bool retry_is_due_ = false;  ///< the same on every rank
    std::string stop_reason_;    ///< the same on every rank
};

}  // namespace

PretrainOutcome pretrain(const PretrainOptions& options, const corpus::Manifest& manifest,
                         PretrainContext& context) {
    return Pretraining(options, manifest, context).run();
}

}  // namespace hpml::tasks
