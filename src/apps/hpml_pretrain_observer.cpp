#include "apps/hpml_pretrain_observer.h"

#include <cmath>

#include "base/error.h"

namespace hpml {

namespace {

// status.json is for people and scripts that poll; more often than this it would only load the file
// system.
constexpr Seconds kStatusInterval{2.0};

}  // namespace

PretrainObserver::PretrainObserver(const PretrainProgramOptions& options, const Log& log,
                                   const RunStart& start)
    : options_(options),
      log_(log),
      fence_(options.run.run, start.is_current, log),
      console_(log, options.log_every, start.ranks) {
    status_.program = "hpml_pretrain";
    status_.steps = options.run.steps;
    status_.started = utc_timestamp();
    status_.process = this_process();
    status_.ranks = start.ranks;
    status_.generation = start.generation;
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
    append({{"kind", "start"},
            {"step", done.value},
            {"generation", status_.generation},
            {"ranks", status_.ranks},
            {"time", utc_timestamp()}});
    status_.step = done.value;
    write();
}

void PretrainObserver::on_step(const train::StepRecord& record) {
    append({{"kind", "train"},
            {"step", record.step.value},
            {"loss", record.loss},
            {"learning_rate", record.learning_rate},
            {"grad_norm", record.gradient_norm},
            {"tokens", record.tokens.value},
            {"masked_tokens", record.weight},
            {"seconds", record.seconds.value},
            {"data_wait_seconds", record.data_wait.value},
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
    status_.loss = record.loss;
    status_.learning_rate = record.learning_rate;
    status_.tokens_per_second = console_.tokens_per_second();
    if (now() - last_written_ > kStatusInterval) {
        write();
    }
}

void PretrainObserver::on_validation(const train::ValidationRecord& record) {
    append({{"kind", "validation"},
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
    append({{"kind", "checkpoint"},
            {"step", record.step.value},
            {"bytes", record.bytes.value},
            {"seconds", record.seconds.value}});
    console_.saw_checkpoint(now());
    status_.checkpoint = record.folder.filename().string();
    log_.info("checkpoint {}: {:.1f} MB in {:.2f} s", status_.checkpoint,
              static_cast<double>(record.bytes.value) / 1e6, record.seconds.value);
    write();
}

void PretrainObserver::on_end(RunState state, int exit_code, const std::string& message) {
    console_.end();
    status_.state = state;
    status_.exit_code = exit_code;
    status_.message = message;
    write();
}

void PretrainObserver::append(const Json& line) {
    if (fence_.is_open()) {
        metrics_->append(line);
    }
}

void PretrainObserver::write() {
    status_.seconds = seconds_before_ + watch_.elapsed().value;
    last_written_ = now();
    if (!fence_.is_open()) {
        return;
    }
    try {
        write_status(options_.run.run, status_);
    } catch (const Error& error) {
        if (!has_warned_) {
            has_warned_ = true;
            log_.warn("{}; the run goes on, hpml_status will show old figures", error.what());
        }
    }
}

}  // namespace hpml
