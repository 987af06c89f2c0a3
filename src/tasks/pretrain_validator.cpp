#include "tasks/pretrain_validator.h"

#include <ATen/core/grad_mode.h>

#include "base/clock.h"
#include "base/fault.h"

namespace hpml::tasks {

namespace {

corpus::LoaderOptions with_fixed_masks(corpus::LoaderOptions loader) {
    loader.seed = kValidationSeed;
    return loader;
}

}  // namespace

Validator::Validator(const std::filesystem::path& data, const corpus::Manifest& manifest,
                     const corpus::LoaderOptions& loader)
    : set_(data, manifest, with_fixed_masks(loader)) {}

std::optional<train::ValidationRecord> Validator::run(
    Step done, train::Replica& replica, const PretrainContext& context,
    const std::function<bool()>& is_stopped) const {
    const at::NoGradGuard no_grad;
    const comm::Trace::Span span(replica.trace(), comm::TracePoint::Validate);
    const comm::Watchdog::Phase phase(context.watchdog, "the validation");
    const Stopwatch watch;
    double sums[2] = {0, 0};
    fault_point("validate", done, context.ranks.rank());
    const std::int64_t ranks = context.ranks.size();
    for (std::int64_t first = 0; first < set_.micro_batches(); first += ranks) {
        const std::int64_t mine = first + context.ranks.rank().value;
        if (mine < set_.micro_batches()) {
            const model::LossSum loss = replica.bert().mlm_loss(set_.micro_batch(mine), {});
            sums[0] += loss.sum.item<double>();
            sums[1] += static_cast<double>(loss.weight);
        }
        if (is_stopped()) {
            return std::nullopt;
        }
    }
    context.ranks.sum(sums);
    return train::ValidationRecord{done, sums[1] > 0 ? sums[0] / sums[1] : 0, sums[1],
                                   watch.elapsed()};
}

}  // namespace hpml::tasks
