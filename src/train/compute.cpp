#include "train/compute.h"

#include <ATen/Parallel.h>

namespace hpml::train {

Compute choose_compute(const ComputeOptions& options, const mpi::Communicator& ranks,
                       const Log& log) {
    Compute compute;
    compute.threads = choose_threads(ranks, options.threads);
    at::set_num_threads(compute.threads.threads);
    at::init_num_threads();
    auto facts = progress_facts(ranks, compute.threads, options.multiple_threads);
    facts.wish = options.progress;
    compute.progress = comm::choose_progress(facts);
    compute.communication = comm::explain(facts);
    compute.accelerator = choose_accelerator(options.device, ranks, log);
    if (compute.threads.idle_cores > 0 && !compute.accelerator.cuda) {
        log.warn("{} of {} cores on this node stay idle; use more --threads or more ranks",
                 compute.threads.idle_cores, compute.threads.cores_on_node);
    }
    return compute;
}

}  // namespace hpml::train
