#include "apps/hpml_finetune_observer.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace hpml {

namespace {

// status.json is for people and scripts that poll; more often than this it would only load the file
// system.
constexpr Seconds kStatusInterval{2.0};

}  // namespace

FinetuneObserver::FinetuneObserver(const FinetuneProgramOptions& options, Log& log, int ranks)
    : options_(options), log_(log), console_(log, options.log_every, ranks) {
    status_.program = "hpml_finetune";
    status_.started = utc_timestamp();
    status_.process = this_process();
    status_.ranks = ranks;
}

std::int64_t FinetuneObserver::take_run() {
    lock_ = std::make_unique<RunLock>(options_.run.run,
                                      options_.break_lock ? BreakLock::Yes : BreakLock::No);
    if (!lock_->notice().empty()) {
        log_.info("{}", lock_->notice());
    }
    return lock_->generation();
}

void FinetuneObserver::begin(const std::string& effective_config) {
    const auto& run = options_.run.run;
    fence_ = std::make_unique<RunFence>(
        run, [this] { return is_current(); }, log_);
    log_.also_to_file((run / "log.txt").string());
    write_text_atomically(run / "config.cfg", effective_config);
    status_.generation = lock_->generation();
    try {
        if (const auto before = read_status(run)) {
            seconds_before_ = before->seconds;
            status_.checkpoint = before->checkpoint;
        }
    } catch (const Error& error) {
        log_.warn("{}; its figures of earlier starts are lost", error.what());
    }
    write();
}

void FinetuneObserver::on_start(Step done) {
    if (!fence_->is_open_now()) {
        return;
    }
    const auto path = options_.run.run / "metrics.jsonl";
    if (done == Step(0)) {
        // A run that starts over has new metrics.
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
        seconds_before_ = 0;
        status_.checkpoint.clear();
    }
    metrics_ = std::make_unique<MetricsLog>(path, done, [this](const std::string& reason) {
        log_.warn("metrics.jsonl cannot be written ({}); the run goes on without it", reason);
    });
    status_.step = done.value;
    write();
}

void FinetuneObserver::on_step(const train::StepRecord& record) {
    append({{"kind", "train"},
            {"step", record.step.value},
            {"loss", record.loss},
            {"learning_rate", record.learning_rate},
            {"grad_norm", record.gradient_norm},
            {"tokens", record.tokens.value},
            {"seconds", record.seconds.value},
            {"comm_wait_seconds", record.comm_wait.value}});
    console_.add({.step = record.step.value,
                  .steps = record.steps.value,
                  .loss = record.loss,
                  .learning_rate = record.learning_rate,
                  .grad_norm = record.gradient_norm,
                  .seconds = record.seconds,
                  .data_wait = record.data_wait,
                  .comm_wait = record.comm_wait,
                  .tokens = static_cast<double>(record.tokens.value)},
                 now());
    status_.step = record.step.value;
    status_.steps = record.steps.value;
    status_.loss = record.loss;
    status_.learning_rate = record.learning_rate;
    status_.tokens_per_second = console_.tokens_per_second();
    if (now() - last_written_ > kStatusInterval) {
        write();
    }
}

void FinetuneObserver::on_checkpoint(const train::CheckpointRecord& record) {
    append({{"kind", "checkpoint"},
            {"step", record.step.value},
            {"bytes", record.bytes.value},
            {"seconds", record.seconds.value}});
    console_.saw_checkpoint(now());
    status_.checkpoint = record.folder.filename().string();
    console_.end();
    log_.info("checkpoint {}: {:.1f} MB in {:.2f} s", status_.checkpoint,
              static_cast<double>(record.bytes.value) / 1e6, record.seconds.value);
    write();
}

void FinetuneObserver::on_end(RunState state, int exit_code, const std::string& message) {
    console_.end();
    if (fence_ && fence_->is_open_now()) {
        status_.state = state;
        status_.exit_code = exit_code;
        status_.message = message;
        if (state == RunState::Finished) {
            status_.checkpoint.clear();  // removed: the results stand
        }
        write();
    }
}

void FinetuneObserver::append(const Json& line) {
    if (metrics_ && fence_->is_open()) {
        metrics_->append(line);
    }
}

void FinetuneObserver::write() {
    status_.seconds = seconds_before_ + watch_.elapsed().value;
    last_written_ = now();
    if (!fence_->is_open()) {
        return;
    }
    try {
        write_status(options_.run.run, status_);
    } catch (const Error& error) {
        if (!has_warned_) {
            log_.warn("{}; the run goes on, hpml_status will show old figures", error.what());
            has_warned_ = true;
        }
    }
}

}  // namespace hpml
