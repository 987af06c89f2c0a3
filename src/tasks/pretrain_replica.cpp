#include "tasks/pretrain_replica.h"

#include "tasks/sums_record.h"

namespace hpml::tasks {

train::ReplicaOptions replica_options(const PretrainOptions& options,
                                      const corpus::Manifest& manifest,
                                      const PretrainContext& context) {
    train::ReplicaOptions replica;
    replica.model = model_of(options, manifest);
    replica.computation.precision =
        model::choose_precision(options.precision, context.accelerator.cuda != nullptr);
    replica.computation.checkpointing = options.activation_checkpointing;
    replica.optimizer = options.optimizer;
    replica.zero1 = options.zero1;
    replica.communication =
        context.resume_from.empty()
            ? options.communication
            : continue_sums(options.communication, context.resume_from, context.ranks, context.log);
    replica.progress = context.progress;
    replica.accelerator = context.accelerator;
    replica.seed = options.seed;
    replica.elastic_terms = options.global_batch / options.micro_batch;
    replica.watchdog = context.watchdog;
    return replica;
}

}  // namespace hpml::tasks
