#include "tasks/pretrain_saver.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace hpml::tasks {

namespace {

constexpr Seconds kLongestRetryWait{3600};

/// Of a wait for the save before.
constexpr Seconds kWorthSaying{1};

/// Adds the time of a scope to a sum.
class AddTime {
  public:
    explicit AddTime(Seconds& sum) : sum_(sum) {}
    ~AddTime() { sum_ += watch_.elapsed(); }
    AddTime(const AddTime&) = delete;
    AddTime& operator=(const AddTime&) = delete;
    AddTime(AddTime&&) = delete;
    AddTime& operator=(AddTime&&) = delete;

  private:
    Seconds& sum_;
    Stopwatch watch_;
};

/// Going on would not help.
bool is_fatal(ExitCode code) { return code == ExitCode::Diverged || code == ExitCode::Mismatch; }

/// Of the exception in flight, whatever it is: memory that runs out costs a checkpoint as a full
/// disk does. @throw the exception itself, if it is fatal
std::string message_unless_fatal() {
    Described failure = describe_current_exception();
    if (is_fatal(failure.code)) {
        throw;
    }
    return std::move(failure.message);
}

/// What became of one rank's part, for the others.
struct PartReport {
    ExitCode code = ExitCode::Finished;
    std::string text;  ///< Save::report(), or the failure's message
};

std::string to_text(const PartReport& report) {
    return fmt::format("{} {}", static_cast<int>(report.code), report.text);
}

PartReport part_report(const std::string& text) {
    const auto space = text.find(' ');
    return {static_cast<ExitCode>(std::stoi(text.substr(0, space))), text.substr(space + 1)};
}

}  // namespace

Saver::Saver(const PretrainOptions& options, const corpus::Manifest& manifest,
             PretrainContext& context, train::Replica& replica)
    : options_(options),
      common_(common_contents(options, manifest, context.ranks)),
      context_(context),
      replica_(replica) {}

bool Saver::is_kept(Step step) const { return train::is_multiple(step, options_.keep_every); }

bool Saver::is_due(Step step) const {
    return is_kept(step) || train::is_multiple(step, options_.checkpoint_every);
}

std::string Saver::take_milestone(Step step) {
    std::string taken = std::exchange(milestone_due_, "");
    return taken.empty() && is_kept(step) ? fmt::format("every {} steps", options_.keep_every)
                                          : taken;
}

void Saver::save(const RunCounters& counters, Attempt attempt) {
    if (saved_ == counters.step || (is_running() && save_->step() == counters.step)) {
        return;
    }
    wait_for_the_one_before(counters.step);
    const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Save);
    const comm::Watchdog::Phase phase(context_.watchdog, "the checkpoint");
    attempt_ = attempt;
    milestone_ = take_milestone(counters.step);
    writing_ = Seconds(0);
    stopped_ = Seconds(0);
    {
        const AddTime time(stopped_);
        auto contents = checkpoint_contents(replica_, counters, options_, common_, context_.ranks);
        contents.milestone = milestone_;
        if (!context_.overrides.empty()) {
            contents.state["overrides"] = context_.overrides;
        }
        save_ = std::make_unique<checkpoint::Save>(
            options_.run, context_.generation, std::move(contents),
            checkpoint::Share{context_.ranks.rank().value, context_.ranks.size()});
        if (!prepare()) {
            end();
            return;
        }
        stage_ = Stage::Writing;
        task_.start([this] { save_->write_part(); });
    }
    if (!options_.checkpoint_in_background) {
        finish();
    }
}

bool Saver::prepare() {
    std::string failure;
    mpi::on_root(context_.ranks, [&] {
        try {
            save_->prepare();
        } catch (...) {
            failure = message_unless_fatal();
        }
    });
    failure = context_.ranks.broadcast(std::move(failure));
    if (!failure.empty()) {
        fail(failure);
    }
    return failure.empty();
}

void Saver::wait_for_the_one_before(Step next) {
    if (!is_running()) {
        return;
    }
    const Step before = save_->step();
    const Stopwatch watch;
    finish();
    if (!has_waited_ && watch.elapsed() > kWorthSaying) {
        context_.log.info(
            "training waited {:.1f} s for the checkpoint of step {}, which was still being written "
            "when that of step {} was due (the disk is slower than --checkpoint-every asks for; "
            "this is said once)",
            watch.elapsed().value, before.value, next.value);
        has_waited_ = true;
    }
}

void Saver::before_update() {
    if (stage_ == Stage::Writing) {
        const AddTime time(stopped_);
        save_->hold();
    }
}

void Saver::vote(Votes& votes) const {
    votes[Vote::PartWritten] = stage_ == Stage::Writing && task_.is_over() ? 1 : 0;
    if (context_.ranks.is_root()) {
        votes[Vote::Published] = stage_ == Stage::Publishing && task_.is_over() ? 1 : 0;
        votes[Vote::RetrySave] = retry_at_ && now() >= *retry_at_ ? 1 : 0;
    }
}

void Saver::heed(const Votes& votes) {
    // A vote that was given before a step counts only for what ran then and still runs.
    if (stage_ == Stage::Writing && votes[Vote::PartWritten] >= context_.ranks.size()) {
        settle_parts();
    } else if (stage_ == Stage::Publishing && votes.any(Vote::Published)) {
        settle_publication();
    }
}

void Saver::finish() {
    if (!is_running()) {
        return;
    }
    const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Save);
    const comm::Watchdog::Phase phase(context_.watchdog, "the checkpoint");
    if (stage_ == Stage::Writing) {
        settle_parts();
    }
    if (stage_ == Stage::Publishing) {
        settle_publication();
    }
}

void Saver::settle_parts() {
    const AddTime time(stopped_);
    PartReport own;
    try {
        writing_ = task_.wait();
        own.text = save_->report();
    } catch (...) {
        const Described failure = describe_current_exception();
        own = {failure.code, failure.message};
    }
    std::vector<std::string> reports;
    PartReport failed;
    for (const std::string& text : context_.ranks.all_gather(to_text(own))) {
        PartReport report = part_report(text);
        if (report.code != ExitCode::Finished && failed.code == ExitCode::Finished) {
            failed = report;
        }
        reports.push_back(std::move(report.text));
    }
    if (failed.code == ExitCode::Finished) {
        stage_ = Stage::Publishing;
        if (context_.ranks.is_root()) {
            task_.start([this, reports] { publish(reports); });
        }
        return;
    }
    if (context_.ranks.is_root()) {
        save_->discard();
    }
    end();
    if (is_fatal(failed.code)) {
        throw Error(failed.code, failed.text);
    }
    fail(failed.text);
}

/// In rank 0's thread.
void Saver::publish(const std::vector<std::string>& reports) {
    published_.reset();
    warning_.clear();
    published_ = save_->publish(reports, [this] { require_ownership(); });
    try {
        checkpoint::retain(options_.run, options_.keep_checkpoints, save_->step());
    } catch (...) {
        warning_ = fmt::format("{}; older checkpoints than --keep-checkpoints asks for stay",
                               describe_current_exception().message);
    }
}

void Saver::settle_publication() {
    const Step step = save_->step();
    std::string failure;
    {
        const AddTime time(stopped_);
        mpi::on_root(context_.ranks, [&] {
            try {
                writing_ += task_.wait();
            } catch (...) {
                failure = message_unless_fatal();
            }
        });
        failure = context_.ranks.broadcast(std::move(failure));
        end();
    }
    context_.limit.saw_checkpoint(writing_);
    if (!failure.empty()) {
        fail(failure);
        return;
    }
    saved_ = step;
    failures_ = 0;
    retry_at_.reset();
    retry_wait_ = Seconds(0);
    if (context_.ranks.is_root()) {
        context_.observer.on_checkpoint(
            {saved_, published_->folder, published_->bytes, writing_, stopped_});
        if (!warning_.empty()) {
            context_.log.warn("{}", warning_);
        }
    }
}

void Saver::end() {
    stage_ = Stage::None;
    save_.reset();
}

void Saver::fail(const std::string& message) {
    context_.log.warn("{}\n  older checkpoints stay valid; training goes on", message);
    if (milestone_due_.empty()) {  // else a later one has come, for which one checkpoint is enough
        milestone_due_ = milestone_;
    }
    // An attempt between the due ones costs no patience.
    failures_ += attempt_ == Attempt::Due ? 1 : 0;
    if (failures_ >= options_.max_failed_checkpoints) {
        throw IoError(
            fmt::format("{} checkpoints in a row could not be written (nothing newer than step {} "
                        "is safe); free some space and start the same command again",
                        failures_, saved_.value));
    }
    retry_wait_ = retry_wait_ > Seconds(0) ? std::min(retry_wait_ + retry_wait_, kLongestRetryWait)
                                           : options_.checkpoint_retry;
    retry_at_ = now() + retry_wait_;
}

void Saver::require_ownership() const {
    if (!context_.may_publish()) {
        throw MismatchError("a later start has taken over " + options_.run.string() +
                            " (this job's checkpoint would overwrite newer ones); this job "
                            "ends here");
    }
}

void Saver::save_at_end(const RunCounters& counters) {
    finish();
    save(counters, Attempt::Due);
    finish();
    if (saved_ != counters.step) {
        throw IoError(fmt::format(
            "the last checkpoint (step {}) could not be written; free some space in "
            "{} and start the same command again: it goes on after step {}",
            counters.step.value, options_.run.string(), saved_.value < 0 ? 0 : saved_.value));
    }
    context_.log.info(
        "for a batch script: --signal=B:USR1@{:.0f} leaves time for a step and a save",
        context_.limit.warning_lead().value);
}

}  // namespace hpml::tasks
