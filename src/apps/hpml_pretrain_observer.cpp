#include "apps/hpml_pretrain_observer.h"

#include <cmath>

namespace hpml {

PretrainObserver::PretrainObserver(const PretrainProgramOptions& options, const Log& log,
                                   const RunStart& start)
    : TrainingObserver("hpml_pretrain", options.run.run, log, options.log_every, start.ranks) {
    status().steps =
        options.run.budget.steps < tasks::kUnlimitedSteps ? options.run.budget.steps : 0;
    begin_writing(start.generation, start.is_current);
}

void PretrainObserver::on_start(Step done) {
    open_metrics(done);
    append({{"kind", "start"},
            {"step", done.value},
            {"generation", status().generation},
            {"ranks", status().ranks},
            {"time", utc_timestamp()}});
    write();
}

void PretrainObserver::on_validation(const train::ValidationRecord& record) {
    append({{"kind", "validation"},
            {"step", record.step.value},
            {"validation_loss", record.loss},
            {"masked_tokens", record.weight},
            {"seconds", record.seconds.value}});
    show(record.step, {{"validation/loss", record.loss}});
    status().validation_loss = record.loss;
    log().info(
        "validation after step {}: loss {:.4f} nats per masked token (perplexity {:.1f}), {:.1f} s",
        record.step.value, record.loss, std::exp(record.loss), record.seconds.value);
    write();
}

Json PretrainObserver::details(const train::StepRecord& record) const {
    return {{"masked_tokens", record.weight}};
}

}  // namespace hpml
