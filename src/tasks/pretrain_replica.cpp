#include "tasks/pretrain_replica.h"

#include <span>

#include "model/computation.h"
#include "model/gemm_rate.h"
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

double measure_gemm_rate(const PretrainOptions& options, train::Replica& replica,
                         const mpi::Communicator& ranks) {
    const at::TensorOptions place = replica.arena().parameters().options();
    const auto precision = model::choose_precision(options.precision, !place.device().is_cpu());
    ranks.barrier();
    double rate = model::measure_gemm_rate(place, precision);
    ranks.sum(std::span(&rate, 1));
    return rate;
}

}  // namespace hpml::tasks
