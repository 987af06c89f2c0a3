#include "tasks/pretrain.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "corpus/data_folder.h"
#include "corpus/loader.h"
#include "corpus/presence.h"
#include "tasks/memory_estimate.h"
#include "tasks/pretrain_checkpoint.h"
#include "tasks/sums_record.h"
#include "text/tokenizer.h"
#include "train/pace.h"
#include "train/replica.h"
#include "train/step.h"
#include "train/stop.h"

namespace hpml::tasks {

namespace {

corpus::MaskingOptions masking_of(const PretrainOptions& options,
                                  const text::Tokenizer& tokenizer) {
    auto masking =
        corpus::masking_for(tokenizer, options.whole_word_masking ? corpus::MaskWhole::Words
                                                                  : corpus::MaskWhole::Tokens);
    masking.rate = options.masking_rate;
    masking.max_predictions = options.max_predictions;
    return masking;
}

train::ReplicaOptions replica_options(const PretrainOptions& options,
                                      const corpus::Manifest& manifest,
                                      const PretrainContext& context) {
    train::ReplicaOptions replica;
    replica.model = model_of(options, manifest);
    replica.optimizer = options.optimizer;
    replica.communication =
        context.resume_from.empty()
            ? options.communication
            : continue_sums(options.communication, context.resume_from, context.ranks, context.log);
    replica.progress = context.progress;
    replica.accelerator = context.accelerator;
    replica.seed = options.seed;
    replica.watchdog = context.watchdog;
    return replica;
}

/// Bytes a second that a save is expected to reach until the first one has been timed: a slow
/// shared file system.
constexpr double kExpectedDiskRate = 1e8;

constexpr Seconds kLongestRetryWait{3600};

/// One pretraining run on one rank: the state that its steps share.
class Pretraining {
  public:
    Pretraining(const PretrainOptions& options, const corpus::Manifest& manifest,
                PretrainContext& context)
        : options_(options),
          manifest_(manifest),
          context_(context),
          replica_(replica_options(options, manifest, context), context.ranks, context.log),
          runner_({replica_.arena(), replica_.reducer(), replica_.optimizer(), context.ranks,
                   context.watchdog, replica_.trace()},
                  options.clip_norm),
          limit_(context.limit),
          pace_(context.ranks) {
        limit_.expect_checkpoint(Seconds(
            static_cast<double>(estimate_checkpoint(options, model_of(options, manifest)).value) /
            kExpectedDiskRate));
        open_data();
    }

    PretrainOutcome run() {
        resume();
        const bool was_done = saved_ == done_ && done_ >= Step(options_.steps);
        make_up_for_validation();
        while (done_ < Step(options_.steps) && stop_reason_.empty()) {
            train_step();
            if (done_ == Step(options_.steps) || !stop_reason_.empty()) {
                break;
            }
            // The save first: a validation may be long, and then nothing is lost with it.
            if (due(options_.checkpoint_every)) {
                save(Attempt::Due);
            } else if (retry_is_due_) {
                save(Attempt::Retry);
            }
            if (due(options_.validate_every)) {
                validate();
            }
        }
        if (!was_done) {
            save_at_end();
        }
        if (done_ == Step(options_.steps) && !was_done && stop_reason_.empty()) {
            validate();
        }
        replica_.finish_trace(context_.log);
        PretrainOutcome outcome;
        outcome.step = done_;
        outcome.validation_loss = validation_loss_;
        if (stop_reason_.empty()) {
            outcome.reason =
                fmt::format("all {} steps done{}", options_.steps, was_done ? " already" : "");
        } else {
            outcome.verdict = Verdict::Interrupted;
            outcome.reason = stop_reason_;
        }
        return outcome;
    }

  private:
    void open_data() {
        corpus::check_shards_on_nodes(options_.data, manifest_, context_.ranks);
        mpi::agree(context_.ranks, [&] {
            const auto tokenizer = corpus::read_tokenizer(tokenizer_place(options_), manifest_);
            corpus::LoaderOptions loader;
            loader.presence = corpus::Presence::Known;
            loader.global_batch = options_.global_batch;
            loader.micro_batch = options_.micro_batch;
            loader.seed = options_.seed;
            loader.masking = masking_of(options_, *tokenizer);
            loader.prefetch = options_.prefetch;
            loader_ = std::make_unique<corpus::Loader>(options_.data, manifest_, loader);
            if (manifest_.validation_rows() > 0) {
                validation_ =
                    std::make_unique<corpus::ValidationSet>(options_.data, manifest_, loader);
            }
        });
        const std::int64_t micro_batches = options_.global_batch / options_.micro_batch;
        const std::int64_t rank = context_.ranks.rank().value;
        const std::int64_t ranks = context_.ranks.size();
        first_ = micro_batches * rank / ranks;
        last_ = micro_batches * (rank + 1) / ranks;
    }

    void resume() {
        const auto& folder = context_.resume_from;
        if (!folder.empty()) {
            done_ = restore(replica_, folder, context_.ranks);
            saved_ = done_;
            context_.log.info("resuming after step {} from {}", done_.value, folder.string());
        }
        if (context_.ranks.is_root()) {
            context_.observer.on_start(done_);
        }
        if (done_ < Step(options_.steps)) {
            loader_->seek(done_, first_, last_);
        }
    }

    [[nodiscard]] bool due(std::int64_t every) const {
        return every > 0 && done_.value % every == 0;
    }

    /// A start that goes on from a step whose validation was cut off does that first.
    void make_up_for_validation() {
        if (saved_ != done_ || (done_ < Step(options_.steps) && !due(options_.validate_every)) ||
            done_ == Step(0)) {
            return;
        }
        std::int64_t missing = 0;
        mpi::on_root(context_.ranks, [&] { missing = context_.is_validated(done_) ? 0 : 1; });
        context_.ranks.sum(std::span(&missing, 1));
        if (missing > 0) {
            validate();
        }
    }

    /// What this rank knows: a signal asks to stop, the time is over, a save is to be tried again.
    /// Rank 0 alone looks at the clock; a signal may reach any rank. The sums of all ranks decide
    /// on every rank alike.
    [[nodiscard]] std::vector<double> votes_of_this_rank() const {
        return {context_.signals.requested() ? 1.0 : 0.0,
                context_.ranks.is_root() && limit_.reached() ? 1.0 : 0.0,
                context_.ranks.is_root() && retry_at_ && now() >= *retry_at_ ? 1.0 : 0.0};
    }

    void heed(const std::vector<double>& votes) {
        retry_is_due_ = votes[2] > 0;
        if (votes[0] > 0) {
            stop_reason_ = "a signal asked to stop";
        } else if (votes[1] > 0) {
            context_.log.info("{}", limit_.stopping_line());
            stop_reason_ = "time limit " + limit_.explain();
        }
    }

    /// Sets the reason to stop after this step, the same on every rank; empty: go on.
    void train_step() {
        replica_.begin_step(done_);
        const Stopwatch watch;
        fault_point("step", done_, context_.ranks.rank());
        const Seconds stalled = loader_->stalled();
        const Seconds exposed = replica_.engine().exposed();
        const model::DropoutPlan dropout{options_.dropout, options_.seed, done_.value};
        double tokens = 0;
        const train::Forward forward = [&](std::int64_t) {
            const corpus::Batch& batch = [&]() -> const corpus::Batch& {
                const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Data);
                return loader_->next();
            }();
            tokens += static_cast<double>(batch.token_count());
            return replica_.bert().mlm_loss(batch, dropout);
        };
        const double rate = optim::learning_rate(options_.schedule, done_.value);
        std::vector<double> votes = votes_of_this_rank();
        const train::StepResult result = runner_.run(last_ - first_, forward, rate, votes);
        done_ += Step(1);
        limit_.saw_step(watch.elapsed());
        const Seconds comm_wait = replica_.engine().exposed() - exposed;
        const auto pace = pace_.add(watch.elapsed() - comm_wait);
        {
            const comm::Watchdog::Wait wait(context_.watchdog, "the number of tokens");
            context_.ranks.sum(std::span(&tokens, 1));
        }
        if (context_.ranks.is_root()) {
            context_.observer.on_step({.step = done_,
                                       .steps = Step(options_.steps),
                                       .loss = result.loss,
                                       .learning_rate = rate,
                                       .gradient_norm = result.gradient_norm,
                                       .seconds = watch.elapsed(),
                                       .weight = result.weight,
                                       .tokens = Tokens(static_cast<std::int64_t>(tokens)),
                                       .data_wait = loader_->stalled() - stalled,
                                       .comm_wait = comm_wait});
            if (pace) {
                context_.observer.on_pace(done_, *pace);
            }
        }
        heed(votes);
    }

    /// Mean loss in nats per masked token of the whole validation split, weighted by tokens over
    /// all ranks. A reason to stop cuts it off; the next start makes up for it.
    void validate() {
        if (!validation_) {
            return;
        }
        const at::NoGradGuard no_grad;
        const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Validate);
        const comm::Watchdog::Phase phase(context_.watchdog, "the validation");
        const Stopwatch watch;
        double sums[2] = {0, 0};
        fault_point("validate", done_, context_.ranks.rank());
        const std::int64_t ranks = context_.ranks.size();
        for (std::int64_t first = 0; first < validation_->micro_batches(); first += ranks) {
            const std::int64_t mine = first + context_.ranks.rank().value;
            if (mine < validation_->micro_batches()) {
                const model::LossSum loss =
                    replica_.bert().mlm_loss(validation_->micro_batch(mine), {});
                sums[0] += loss.sum.item<double>();
                sums[1] += static_cast<double>(loss.weight);
            }
            std::vector<double> votes = votes_of_this_rank();
            context_.ranks.sum(votes);
            heed(votes);
            if (!stop_reason_.empty()) {
                return;
            }
        }
        context_.ranks.sum(sums);
        validation_loss_ = sums[1] > 0 ? sums[0] / sums[1] : 0;
        limit_.saw_validation(watch.elapsed());
        if (context_.ranks.is_root()) {
            context_.observer.on_validation({done_, validation_loss_, sums[1], watch.elapsed()});
        }
    }

    enum class Attempt { Due, Retry };

    /// @return whether the checkpoint stands; a failure is said, and training goes on
    bool save(Attempt attempt) {
        if (saved_ == done_) {
            return true;
        }
        const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Save);
        std::int64_t failed = 0;
        const comm::Watchdog::Phase phase(context_.watchdog, "the checkpoint");
        const Stopwatch watch;
        mpi::on_root(context_.ranks, [&] { failed = write_checkpoint() ? 0 : 1; });
        context_.ranks.max(std::span(&failed, 1));
        limit_.saw_checkpoint(watch.elapsed());
        if (failed == 0) {
            saved_ = done_;
            failures_ = 0;
            retry_at_.reset();
            retry_wait_ = Seconds(0);
            return true;
        }
        // An attempt between the due ones costs no patience.
        failures_ += attempt == Attempt::Due ? 1 : 0;
        if (failures_ >= options_.max_failed_checkpoints) {
            throw IoError(fmt::format(
                "{} checkpoints in a row could not be written (nothing newer than step {} is "
                "safe); free some space and start the same command again",
                failures_, saved_.value));
        }
        retry_wait_ = retry_wait_ > Seconds(0)
                          ? std::min(retry_wait_ + retry_wait_, kLongestRetryWait)
                          : options_.checkpoint_retry;
        retry_at_ = now() + retry_wait_;
        return false;
    }

    /// On rank 0. @throw MismatchError if a later start owns the run: then this one has to end
    bool write_checkpoint() {
        const Stopwatch watch;
        try {
            const auto written = checkpoint::write_checkpoint(
                options_.run, context_.generation,
                checkpoint_contents(replica_, done_, options_, manifest_),
                [this] { require_ownership(); });
            context_.observer.on_checkpoint(
                {done_, written.folder, written.bytes, watch.elapsed()});
        } catch (const MismatchError&) {
            throw;
        } catch (const Error& error) {
            context_.log.warn("{}\n  older checkpoints stay valid; training goes on", error.what());
            return false;
        }
        try {
            checkpoint::retain(options_.run, options_.keep_checkpoints);
        } catch (const Error& error) {
            context_.log.warn("{}; older checkpoints than --keep-checkpoints asks for stay",
                              error.what());
        }
        return true;
    }

    void require_ownership() const {
        if (!context_.may_publish()) {
            throw MismatchError("a later start has taken over " + options_.run.string() +
                                " (this job's checkpoint would overwrite newer ones); this job "
                                "ends here");
        }
    }

    void save_at_end() {
        if (!save(Attempt::Due)) {
            throw IoError(fmt::format(
                "the last checkpoint (step {}) could not be written; free some space in "
                "{} and start the same command again: it goes on after step {}",
                done_.value, options_.run.string(), saved_.value < 0 ? 0 : saved_.value));
        }
        context_.log.info(
            "for a batch script: --signal=B:USR1@{:.0f} leaves time for a step and a save",
            limit_.warning_lead().value);
    }

    const PretrainOptions& options_;
    const corpus::Manifest& manifest_;
    const PretrainContext& context_;
    train::Replica replica_;
    train::StepRunner runner_;
    train::TimeLimit& limit_;
    std::unique_ptr<corpus::Loader> loader_;
    std::unique_ptr<corpus::ValidationSet> validation_;
    train::Pace pace_;
    std::int64_t first_ = 0;  ///< this rank's micro-batches of every global batch
    std::int64_t last_ = 0;
    Step done_{0};
    Step saved_{-1};
    std::int64_t failures_ = 0;  ///< of due saves in a row
    Seconds retry_wait_;
    std::optional<Seconds> retry_at_;  ///< rank 0's counts
    bool retry_is_due_ = false;        ///< the same on every rank
    std::string stop_reason_;          ///< the same on every rank
    double validation_loss_ = 0;
};

}  // namespace

PretrainOutcome pretrain(const PretrainOptions& options, const corpus::Manifest& manifest,
                         PretrainContext& context) {
    return Pretraining(options, manifest, context).run();
}

}  // namespace hpml::tasks
