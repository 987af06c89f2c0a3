#include "apps/hpml_finetune_observer.h"

#include "base/file.h"

namespace hpml {

FinetuneObserver::FinetuneObserver(const FinetuneProgramOptions& options, Log& log, int ranks)
    : TrainingObserver("hpml_finetune", options.run.run, log, options.log_every, ranks),
      options_(options),
      file_log_(log) {}

std::int64_t FinetuneObserver::take_run() {
    lock_ = std::make_unique<RunLock>(run(), options_.break_lock ? BreakLock::Yes : BreakLock::No);
    if (!lock_->notice().empty()) {
        log().info("{}", lock_->notice());
    }
    return lock_->generation();
}

void FinetuneObserver::begin(const std::string& effective_config) {
    file_log_.also_to_file((run() / "log.txt").string());
    write_text_atomically(run() / "config.cfg", effective_config);
    begin_writing(lock_->generation(), [this] { return is_current(); });
}

void FinetuneObserver::on_start(Step done) {
    if (!may_write_now()) {
        return;
    }
    if (done == Step(0)) {
        forget_earlier_starts();  // a run that starts over has new metrics
    }
    open_metrics(done);
    write();
}

void FinetuneObserver::on_checkpoint(const train::CheckpointRecord& record) {
    console().end();
    TrainingObserver::on_checkpoint(record);
}

void FinetuneObserver::conclude(RunState state, const std::string& message) {
    if (state == RunState::Finished) {
        status().checkpoint.clear();  // removed: the results stand
    }
    on_end(state, 0, message);
}

Json FinetuneObserver::details(const train::StepRecord& record) const {
    return {{"sequences", record.weight}};
}

}  // namespace hpml
