#include "apps/hpml_training_observer.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/megabytes.h"
#include "base/process_memory.h"
#include "report/rank_pace.h"

namespace hpml {

namespace {

// status.json is for people and scripts that poll; more often than this it would only load the file
// system.
constexpr Seconds kStatusInterval{2.0};

// A loss so many deviations above the last hundred is no chance.
constexpr double kSpike = 6;

}  // namespace

TrainingObserver::TrainingObserver(const std::string& program, std::filesystem::path run,
                                   const Log& log, Seconds log_every, int ranks)
    : run_(std::move(run)), log_(log), console_(log, log_every, ranks) {
    status_.program = program;
    status_.started = utc_timestamp();
    status_.process = this_process();
    status_.ranks = ranks;
}

void TrainingObserver::begin_writing(std::int64_t generation, std::function<bool()> is_current) {
    fence_.emplace(run_, std::move(is_current), log_);
    status_.generation = generation;
    try {
        if (const auto before = read_status(run_)) {
            seconds_before_ = before->seconds;
            status_.checkpoint = before->checkpoint;
            status_.step = before->step;
        }
    } catch (const Error& error) {
        log_.warn("{}; its figures of earlier starts are lost", error.what());
    }
    write();
}

void TrainingObserver::open_metrics(Step done) {
    metrics_ = std::make_unique<MetricsLog>(
        run_ / "metrics.jsonl", done, [this](const std::string& reason) {
            log_.warn("metrics.jsonl cannot be written ({}); the run goes on without it", reason);
        });
    status_.step = done.value;
    recall_scores();
    if (events_) {
        events_->restart(done);
    } else {
        events_ = std::make_unique<EventsLog>(run_, done, [this](const std::string& reason) {
            log_.warn("the TensorBoard events cannot be written ({}); the run goes on without them",
                      reason);
        });
    }
}

void TrainingObserver::recall_scores() {
    gradient_norms_ = RollingScore();
    losses_ = RollingScore();
    const auto take = [this](const Json& line) {
        if (line.contains("skipped")) {
            return;
        }
        const auto number = [&](const char* key) {
            return line.contains(key) && line[key].is_number() ? line[key].get<double>()
                                                               : std::nan("");
        };
        (void)gradient_norms_.add(number("grad_norm"));
        (void)losses_.add(number("loss"));
    };
    // Thousands of steps, where the scores look back on a hundred.
    for_each_metric(run_ / "metrics.jsonl", {"train"}, take, mib(1));
}

std::optional<double> TrainingObserver::rate(const train::StepRecord& record, Json& line) {
    const auto of_norm = gradient_norms_.add(record.gradient_norm);
    const auto of_loss = losses_.add(record.loss);
    if (of_norm) {
        line["grad_norm_z"] = *of_norm;
    }
    if (of_loss) {
        line["loss_z"] = *of_loss;
    }
    if (of_loss && *of_loss > kSpike) {
        log_.warn(
            "step {}: the loss jumps to {:.4g}, {:.1f} deviations above the last steps; if "
            "it stays there, lower the learning rate or clip harder",
            record.step.value, record.loss, *of_loss);
    }
    return of_norm;
}

void TrainingObserver::forget_earlier_starts() {
    std::error_code ignored;
    std::filesystem::remove(run_ / "metrics.jsonl", ignored);
    seconds_before_ = 0;
    status_.checkpoint.clear();
}

std::optional<double> TrainingObserver::append_step(const train::StepRecord& record) {
    Json line = {{"kind", "train"},
                 {"step", record.step.value},
                 {"loss", record.loss},
                 {"learning_rate", record.learning_rate},
                 {"grad_norm", record.gradient_norm},
                 {"tokens", record.tokens.value},
                 {"seconds", record.seconds.value},
                 {"data_wait_seconds", record.data_wait.value},
                 {"comm_wait_seconds", record.comm_wait.value}};
    if (gemm_rate_ > 0) {
        line["mfu"] = record.flops / record.seconds.value / gemm_rate_;
    }
    std::optional<double> score;
    if (record.is_skipped) {
        line["skipped"] = true;
    } else {
        score = rate(record, line);
    }
    line.update(details(record));
    append(line);
    return score;
}

void TrainingObserver::on_step(const train::StepRecord& record) {
    const std::optional<double> score = append_step(record);
    console_.add({.step = record.step.value,
                  .steps = record.steps.value,
                  .time_left = record.time_left,
                  .loss = record.loss,
                  .learning_rate = record.learning_rate,
                  .grad_norm = record.gradient_norm,
                  .grad_norm_score = score,
                  .is_skipped = record.is_skipped,
                  .seconds = record.seconds,
                  .data_wait = record.data_wait,
                  .comm_wait = record.comm_wait,
                  .tokens = static_cast<double>(record.tokens.value),
                  .flops = record.flops,
                  .gemm_rate = gemm_rate_},
                 now());
    show(record.step, {{"train/loss", record.loss},
                       {"train/learning_rate", record.learning_rate},
                       {"train/grad_norm", record.gradient_norm},
                       {"train/step_seconds", record.seconds.value},
                       {"train/tokens_per_second",
                        static_cast<double>(record.tokens.value) / record.seconds.value},
                       {"train/data_wait_share", record.data_wait.value / record.seconds.value},
                       {"train/comm_wait_share", record.comm_wait.value / record.seconds.value}});
    status_.step = record.step.value;
    status_.steps = record.steps.value;
    status_.loss = record.loss;
    status_.learning_rate = record.learning_rate;
    status_.tokens_per_second = console_.tokens_per_second();
    if (now() - last_written_ > kStatusInterval) {
        write();
    }
}

void TrainingObserver::on_gemm_rate(double flops_per_second) {
    gemm_rate_ = flops_per_second;
    log_.info(
        "matrix products reach {:.4g} GFLOP/s on all ranks together; MFU is a step's share "
        "of this",
        flops_per_second / 1e9);
}

void TrainingObserver::on_rollback(Step step) {
    open_metrics(step);
    append({{"kind", "rollback"}, {"step", step.value}, {"time", utc_timestamp()}});
    write();
}

void TrainingObserver::on_checkpoint(const train::CheckpointRecord& record) {
    append({{"kind", "checkpoint"},
            {"step", record.step.value},
            {"bytes", record.bytes.value},
            {"seconds", record.seconds.value},
            {"stopped_seconds", record.stopped.value}});
    console_.saw_checkpoint(now());
    status_.checkpoint = record.folder.filename().string();
    log_.info("checkpoint {}: {:.1f} MB in {:.2f} s, of which training waited {:.2f} s",
              status_.checkpoint, megabytes(record.bytes), record.seconds.value,
              record.stopped.value);
    write();
}

void TrainingObserver::on_pace(Step step, const train::PaceReport& report) {
    Json line = {{"kind", "pace"},
                 {"step", step.value},
                 {"slowest_rank", report.slowest.value},
                 {"host", report.host},
                 {"slowest_seconds", report.slowest_step().value},
                 {"typical_seconds", report.typical_step.value},
                 {"fastest_rank", report.fastest.value},
                 {"fastest_seconds", report.fastest_step().value}};
    if (report.steps.size() <= kMostRanksOfPace) {
        line["rank_seconds"] = rank_seconds(report.steps);
    }
    append(line);
    show(step, {{"ranks/slowest_step_seconds", report.slowest_step().value},
                {"ranks/typical_step_seconds", report.typical_step.value},
                {"ranks/fastest_step_seconds", report.fastest_step().value}});
    // Once may be chance: a save of somebody else's, a page that was read.
    const bool again = report.lags && slowest_before_ == report.slowest;
    slowest_before_ = report.lags ? std::optional(report.slowest) : std::nullopt;
    if (again && laggard_ != report.slowest) {
        laggard_ = report.slowest;
        log_.warn(
            "rank {} on {} takes {:.3g} s to compute a step, half of the ranks need at most {:.3g} "
            "s (all wait for the slowest); look for other work on that host, a hot or throttled "
            "CPU, a memory limit",
            report.slowest.value, report.host, report.slowest_step().value,
            report.typical_step.value);
    } else if (!report.lags && laggard_) {
        log_.info("rank {} keeps up again", laggard_->value);
        laggard_.reset();
    }
}

void TrainingObserver::on_end(RunState state, int exit_code, const std::string& message) {
    console_.end();
    if (!may_write_now()) {
        return;
    }
    status_.state = state;
    status_.exit_code = exit_code;
    status_.message = message;
    write();
}

void TrainingObserver::append(const Json& line) {
    if (metrics_ && may_write()) {
        metrics_->append(line);
    }
}

void TrainingObserver::show(Step step, const std::vector<Scalar>& scalars) {
    if (events_ && may_write()) {
        events_->append(step, scalars);
    }
}

void TrainingObserver::write() {
    status_.seconds = seconds_before_ + watch_.elapsed().value;
    last_written_ = now();
    if (!may_write()) {
        return;
    }
    const MemoryReport memory = memory_report();
    status_.memory = memory.resident;
    status_.memory_left = headroom(memory);
    try {
        write_status(run_, status_);
    } catch (const Error& error) {
        if (!has_warned_) {
            has_warned_ = true;
            log_.warn("{}; the run goes on, hpml_status will show old figures", error.what());
        }
    }
}

}  // namespace hpml
