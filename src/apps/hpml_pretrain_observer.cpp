#include "apps/hpml_pretrain_observer.h"

#include <cmath>

#include "base/error.h"

namespace hpml {

namespace {

// status.json is for people and scripts that poll; more often than this it would only load the file
// system.
constexpr Seconds kStatusInterval{2.0};

}  // namespace

PretrainObserver::PretrainObserver(const PretrainProgramOptions& options, const Log& log, int ranks,
                                   std::int64_t generation)
    : options_(options),
      log_(log),
      policy_(options.log_every.value > 0 ? options.log_every : default_log_interval()) {
    status_.program = "hpml_pretrain";
    status_.steps = options.run.steps;
    status_.started = utc_timestamp();
    status_.process = this_process();
    status_.ranks = ranks;
    status_.generation = generation;
    try {
        if (const auto before = read_status(options.run.run)) {
            seconds_before_ = before->seconds;
            status_.checkpoint = before->checkpoint;
            status_.step = before->step;
        }
    } catch (const Error& error) {
        log_.warn("{}; its figures of earlier starts are lost", error.what());
    }
    write();
}

void PretrainObserver::on_start(Step done) {
    metrics_ = std::make_unique<MetricsLog>(
        options_.run.run / "metrics.jsonl", done, [this](const std::string& reason) {
            log_.warn("metrics.jsonl cannot be written ({}); the run goes on without it", reason);
        });
    metrics_->append({{"kind", "start"},
                      {"step", done.value},
                      {"generation", status_.generation},
                      {"ranks", status_.ranks},
                      {"time", utc_timestamp()}});
    status_.step = done.value;
    write();
}

void PretrainObserver::on_step(const train::StepRecord& record) {
    metrics_->append({{"kind", "train"},
                      {"step", record.step.value},
                      {"loss", record.loss},
                      {"learning_rate", record.learning_rate},
                      {"grad_norm", record.gradient_norm},
                      {"tokens", record.tokens.value},
                      {"masked_tokens", record.weight},
                      {"seconds", record.seconds.value},
                      {"data_wait_seconds", record.data_wait.value},
                      {"comm_wait_seconds", record.comm_wait.value}});
    ++steps_;
    step_time_ += record.seconds;
    data_wait_ += record.data_wait;
    comm_wait_ += record.comm_wait;
    tokens_ += static_cast<double>(record.tokens.value);
    status_.step = record.step.value;
    status_.loss = record.loss;
    status_.learning_rate = record.learning_rate;
    if (policy_.shows(now(), record.step == record.steps)) {
        show(record);
    }
    if (now() - last_written_ > kStatusInterval) {
        write();
    }
}

void PretrainObserver::show(const train::StepRecord& record) {
    const double time = step_time_.value;
    StepLine line;
    line.step = record.step.value;
    line.steps = record.steps.value;
    line.loss = record.loss;
    line.learning_rate = record.learning_rate;
    line.grad_norm = record.gradient_norm;
    line.step_time = Seconds(time / steps_);
    line.tokens_per_second = tokens_ / time;
    line.ranks = status_.ranks;
    line.data_share = data_wait_.value / time;
    line.communication_share = comm_wait_.value / time;
    line.remaining =
        Seconds(line.step_time.value * static_cast<double>(record.steps.value - record.step.value));
    if (last_checkpoint_) {
        line.checkpoint_age = now() - *last_checkpoint_;
    }
    status_.tokens_per_second = line.tokens_per_second;
    log_.info("{}", step_text(line));
    steps_ = 0;
    step_time_ = data_wait_ = comm_wait_ = Seconds(0);
    tokens_ = 0;
}

void PretrainObserver::on_validation(const train::ValidationRecord& record) {
    metrics_->append({{"kind", "validation"},
                      {"step", record.step.value},
                      {"validation_loss", record.loss},
                      {"masked_tokens", record.weight},
                      {"seconds", record.seconds.value}});
    status_.validation_loss = record.loss;
    log_.info(
        "validation after step {}: loss {:.4f} nats per masked token (perplexity {:.1f}), {:.1f} s",
        record.step.value, record.loss, std::exp(record.loss), record.seconds.value);
    write();
}

void PretrainObserver::on_checkpoint(const train::CheckpointRecord& record) {
    metrics_->append({{"kind", "checkpoint"},
                      {"step", record.step.value},
                      {"bytes", record.bytes.value},
                      {"seconds", record.seconds.value}});
    last_checkpoint_ = now();
    status_.checkpoint = record.folder.filename().string();
    log_.info("checkpoint {}: {:.1f} MB in {:.2f} s", status_.checkpoint,
              static_cast<double>(record.bytes.value) / 1e6, record.seconds.value);
    write();
}

void PretrainObserver::on_end(RunState state, int exit_code, const std::string& message) {
    status_.state = state;
    status_.exit_code = exit_code;
    status_.message = message;
    write();
}

void PretrainObserver::write() {
    status_.seconds = seconds_before_ + watch_.elapsed().value;
    last_written_ = now();
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
