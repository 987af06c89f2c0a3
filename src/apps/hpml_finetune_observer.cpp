#include "apps/hpml_finetune_observer.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace hpml {

FinetuneObserver::FinetuneObserver(const FinetuneProgramOptions& options, Log& log, int ranks)
    : options_(options),
      log_(log),
      policy_(options.log_every.value > 0 ? options.log_every : default_log_interval()) {
    status_.program = "hpml_finetune";
    status_.started = utc_timestamp();
    status_.process = this_process();
    status_.ranks = ranks;
}

void FinetuneObserver::take_run(const std::string& effective_config) {
    const auto& run = options_.run.run;
    lock_ = std::make_unique<RunLock>(run, options_.break_lock ? BreakLock::Yes : BreakLock::No);
    if (!lock_->notice().empty()) {
        log_.info("{}", lock_->notice());
    }
    log_.also_to_file((run / "log.txt").string());
    write_text_atomically(run / "config.cfg", effective_config);
    status_.generation = lock_->generation();
    write();
}

void FinetuneObserver::on_start(Step) {
    // An unfinished run starts over, and so do its metrics.
    const auto path = options_.run.run / "metrics.jsonl";
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    metrics_ = std::make_unique<MetricsLog>(path, Step(0), [this](const std::string& reason) {
        log_.warn("metrics.jsonl cannot be written ({}); the run goes on without it", reason);
    });
}

void FinetuneObserver::on_step(const train::StepRecord& record) {
    metrics_->append({{"kind", "train"},
                      {"step", record.step.value},
                      {"loss", record.loss},
                      {"learning_rate", record.learning_rate},
                      {"grad_norm", record.gradient_norm},
                      {"tokens", record.tokens.value},
                      {"seconds", record.seconds.value},
                      {"comm_wait_seconds", record.comm_wait.value}});
    ++steps_;
    step_time_ += record.seconds;
    comm_wait_ += record.comm_wait;
    tokens_ += record.tokens;
    if (policy_.shows(now(), record.step == record.steps)) {
        show(record);
        write();
    }
}

void FinetuneObserver::show(const train::StepRecord& record) {
    StepLine line;
    line.step = record.step.value;
    line.steps = record.steps.value;
    line.loss = record.loss;
    line.learning_rate = record.learning_rate;
    line.grad_norm = record.gradient_norm;
    line.step_time = Seconds(step_time_.value / steps_);
    line.tokens_per_second = static_cast<double>(tokens_.value) / step_time_.value;
    line.ranks = status_.ranks;
    line.communication_share = comm_wait_.value / step_time_.value;
    line.remaining =
        Seconds(line.step_time.value * static_cast<double>(record.steps.value - record.step.value));
    log_.info("{}", step_text(line));
    status_.step = record.step.value;
    status_.steps = record.steps.value;
    status_.loss = record.loss;
    status_.learning_rate = record.learning_rate;
    status_.tokens_per_second = line.tokens_per_second;
    steps_ = 0;
    step_time_ = comm_wait_ = Seconds(0);
    tokens_ = Tokens(0);
}

void FinetuneObserver::on_end(RunState state, int exit_code, const std::string& message) {
    if (lock_) {
        status_.state = state;
        status_.exit_code = exit_code;
        status_.message = message;
        write();
    }
}

void FinetuneObserver::write() {
    status_.seconds = watch_.elapsed().value;
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
