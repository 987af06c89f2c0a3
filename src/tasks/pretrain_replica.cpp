#include "tasks/pretrain_replica.h"

#include "base/instruction_set.h"
#include "model/computation.h"
#include "tasks/resume_settings.h"
#include "tasks/sums_record.h"

namespace hpml::tasks {

train::ReplicaOptions replica_options(const PretrainOptions& options,
                                      const corpus::Manifest& manifest,
                                      const PretrainContext& context) {
    if (!context.resume_from.empty()) {
        note_other_platform(options, context);
    }
    train::ReplicaOptions replica;
    replica.model = model_of(options, manifest);
    replica.computation.precision =
        model::choose_precision(options.precision, context.accelerator.cuda != nullptr);
    replica.computation.checkpointing = options.activation_checkpointing;
    replica.optimizer = options.optimizer;
    replica.loss_scale = options.loss_scale;
    replica.zero1 = options.zero1;
    replica.communication =
        context.resume_from.empty()
            ? options.communication
            : continue_sums(options.communication, context.resume_from, context.ranks, context.log);
    replica.progress = context.progress;
    replica.accelerator = context.accelerator;
    replica.seed = options.seed;
    replica.draw_weights = context.resume_from.empty();
    replica.elastic_terms = options.global_batch / options.micro_batch;
    replica.watchdog = context.watchdog;
    return replica;
}

at::TensorOptions factor_options(const PretrainOptions& options, const at::Tensor& parameters) {
    const bool on_gpu = !parameters.is_cpu();
    switch (model::choose_precision(options.precision, on_gpu)) {
        case model::Precision::BFloat16:
            return on_gpu || has_native_bfloat16() ? parameters.options().dtype(at::kBFloat16)
                                                   : parameters.options();
        case model::Precision::Half:
            return on_gpu ? parameters.options().dtype(at::kHalf) : parameters.options();
        case model::Precision::Float32:
            break;
    }
    return parameters.options();
}

}  // namespace hpml::tasks
