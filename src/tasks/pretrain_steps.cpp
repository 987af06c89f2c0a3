#include "tasks/pretrain_steps.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "corpus/data_folder.h"
#include "corpus/presence.h"
#include "text/tokenizer.h"

namespace hpml::tasks {

namespace {

corpus::MaskingOptions masking_of(const PretrainOptions& options,
                                  const text::Tokenizer& tokenizer) {
    auto masking =
        corpus::masking_for(tokenizer, options.whole_word_masking ? corpus::MaskWhole::Words
                                                                  : corpus::MaskWhole::Tokens);
    masking.rate = options.masking_rate;
    masking.max_predictions = options.max_predictions;
    return masking;
}

}  // namespace

corpus::LoaderOptions loader_options(const PretrainOptions& options,
                                     const corpus::Manifest& manifest) {
    const auto tokenizer = corpus::read_tokenizer(tokenizer_place(options), manifest);
    corpus::LoaderOptions loader;
    loader.presence = corpus::Presence::Known;
    loader.global_batch = options.global_batch;
    loader.micro_batch = options.micro_batch;
    loader.ramp = options.ramp;
    loader.seed = options.seed;
    loader.masking = masking_of(options, *tokenizer);
    loader.prefetch = options.prefetch;
    return loader;
}

PretrainSteps::PretrainSteps(const PretrainOptions& options, const corpus::Manifest& manifest,
                             const PretrainContext& context, train::Replica& replica,
                             std::function<void()> before_update)
    : options_(options),
      context_(context),
      replica_(replica),
      runner_({replica.arena(), replica.reducer(), replica.optimizer(), context.ranks,
               context.watchdog, replica.trace(), replica.loss_scaler(), replica.elastic(),
               std::move(before_update), replica.shards()},
              options.clip_norm),
      work_(model_of(options, manifest), model::Head::MaskedLm),
      pace_(context.ranks) {
    corpus::check_shards_on_nodes(options.data, manifest, context.ranks);
    mpi::agree(context.ranks, [&] {
        loader_ = std::make_unique<corpus::Loader>(options.data, manifest,
                                                   loader_options(options, manifest));
    });
}

std::int64_t PretrainSteps::micro_batches(Step step) const {
    return loader_->share(step + data_shift_, context_.ranks.rank().value, context_.ranks.size());
}

void PretrainSteps::seek(Step step, Step data_shift) {
    step_ = step;
    data_shift_ = data_shift;
    loader_->seek_share(step + data_shift, context_.ranks.rank().value, context_.ranks.size());
}

model::LossSum PretrainSteps::forward(Votes& votes) {
    const model::DropoutPlan dropout{options_.dropout, options_.seed, step_.value};
    const corpus::Batch& batch = [&]() -> const corpus::Batch& {
        const comm::Trace::Span span(replica_.trace(), comm::TracePoint::Data);
        return loader_->next();
    }();
    votes[Vote::Tokens] += static_cast<double>(batch.token_count());
    votes[Vote::Flops] += work_.training_flops(batch);
    return replica_.bert().mlm_loss(batch, dropout);
}

TakenStep PretrainSteps::take(Seconds time, Votes& votes) {
    const Stopwatch watch;
    const Seconds stalled = loader_->stalled();
    const Seconds exposed = replica_.engine().exposed();
    TakenStep taken;
    const optim::Rates rates =
        optim::rates(options_.schedule, {step_.value, time.value / kSecondsOfHour});
    taken.learning_rate = rates.learning_rate;
    const Votes before = votes;
    bool is_again = false;
    const train::Forward one = [&](std::int64_t micro) {
        if (micro == 0) {
            if (is_again) {
                votes = before;
                seek(step_, data_shift_);
            }
            is_again = true;
            poison_if_asked();
        }
        return forward(votes);
    };
    taken.result = runner_.run(micro_batches(step_), one, rates, votes.values());
    step_ += Step(1);
    taken.seconds = watch.elapsed();
    taken.comm_wait = replica_.engine().exposed() - exposed;
    taken.data_wait = loader_->stalled() - stalled;
    taken.pace = pace_.add(taken.seconds - taken.comm_wait);
    if (taken.result.overflowed) {
        context_.log.info(
            "step {}: the gradients overflow fp16; the update is left out, the loss scale is "
            "now {:g}",
            step_.value, replica_.loss_scaler()->scale());
    }
    return taken;
}

void PretrainSteps::poison_if_asked() {
    // By the number of the data, as if it were the data that did it.
    if (fault_point("gradient", step_ + data_shift_, context_.ranks.rank())) {
        const at::NoGradGuard no_grad;
        const auto& leaves = replica_.arena().leaves();
        leaves[leaves.size() / 2].grad().fill_(std::numeric_limits<float>::quiet_NaN());
    }
}

std::string PretrainSteps::find_non_finite() {
    const Step next = step_;
    seek(Step(step_.value - 1), data_shift_);
    const std::string here = first_non_finite_here();
    seek(next, data_shift_);
    const std::vector<std::string> all = context_.ranks.all_gather(here);
    std::string found;
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
        if (!all[rank].empty()) {
            found += fmt::format("{}rank {} ({})", found.empty() ? "" : ", ", rank, all[rank]);
        }
    }
    return found.empty() ? "no rank by itself, only their sum" : found;
}

std::string PretrainSteps::first_non_finite_here() {
    replica_.arena().zero_gradients();
    Votes unheard;
    const std::int64_t count = micro_batches(step_);
    for (std::int64_t micro = 0; micro < count; ++micro) {
        if (micro == 0) {
            poison_if_asked();
        }
        const model::LossSum loss = forward(unheard);
        if (!std::isfinite(loss.sum.item<double>())) {
            return "the loss";
        }
        loss.sum.backward();
    }
    const at::NoGradGuard no_grad;
    const auto& leaves = replica_.arena().leaves();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (!at::isfinite(leaves[i].grad()).all().item<bool>()) {
            return "gradient of " + replica_.arena().specs()[i].parts.front().name;
        }
    }
    return "";
}

}  // namespace hpml::tasks
