#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "comm/reproducible.h"
#include "comm/trace/trace.h"
#include "tasks/pretrain.h"

namespace hpml::tasks {

namespace {

std::string divisors_up_to(std::int64_t number, std::int64_t most) {
    std::string text;
    for (std::int64_t i = 1; i <= std::min(number, most); ++i) {
        if (number % i == 0) {
            text += (text.empty() ? "" : ", ") + std::to_string(i);
        }
    }
    return text;
}

/// The largest size up to 32 that splits every rank's share of the global batch evenly.
std::int64_t choose_micro_batch(std::int64_t global_batch, int ranks) {
    const std::int64_t share = global_batch / ranks;
    for (std::int64_t size = std::min<std::int64_t>(share, 32); size > 1; --size) {
        if (share % size == 0) {
            return size;
        }
    }
    return 1;
}

bool is_elastic(const PretrainOptions& options) {
    return options.communication.all_reduce.reproducible == comm::Reproducible::Elastic;
}

/// A rank may have one micro-batch more than another.
void check_elastic_batches(const PretrainOptions& options, int ranks) {
    if (options.micro_batch == 0) {
        throw UsageError(
            "--reproducible elastic needs --micro-batch (the bits depend on it, and a default "
            "would depend on the number of ranks)");
    }
    if (options.global_batch % options.micro_batch != 0 ||
        options.global_batch / options.micro_batch < ranks) {
        throw UsageError(fmt::format(
            "--global-batch {} with --micro-batch {} on {} ranks (elastic sums need whole "
            "micro-batches, and one for each rank at least); take a micro-batch of {}",
            options.global_batch, options.micro_batch, ranks,
            divisors_up_to(options.global_batch,
                           std::clamp<std::int64_t>(options.global_batch / ranks, 1, 1024))));
    }
}

void check_batches(PretrainOptions& options, int ranks) {
    if (is_elastic(options)) {
        check_elastic_batches(options, ranks);
        return;
    }
    if (options.global_batch % ranks != 0) {
        throw UsageError(fmt::format(
            "--global-batch {} cannot be shared out evenly over {} ranks (every rank must do the "
            "same work); use {} ranks, or a multiple of {} sequences",
            options.global_batch, ranks, divisors_up_to(options.global_batch, 1024), ranks));
    }
    if (options.micro_batch == 0) {
        options.micro_batch = choose_micro_batch(options.global_batch, ranks);
    }
    // Not by the product, which a large micro-batch lets overflow.
    if (options.global_batch / ranks % options.micro_batch != 0) {
        throw UsageError(fmt::format(
            "--global-batch {} is not divisible by --micro-batch {} x {} ranks (gradient "
            "accumulation needs whole micro-batches); with this global batch and {} ranks the "
            "micro-batch can be {}",
            options.global_batch, options.micro_batch, ranks, ranks,
            divisors_up_to(options.global_batch / ranks, 1024)));
    }
}

/// The ramp with its end. @throw UsageError for one that the ranks cannot share out
corpus::BatchRamp ramp_of(const PretrainOptions& options, int ranks) {
    corpus::BatchRamp ramp = options.ramp;
    ramp.full = options.global_batch;
    if (ramp.start == 0) {
        return ramp;
    }
    if (ramp.increment == 0) {
        ramp.increment = ramp.start;
    }
    const std::int64_t unit = options.micro_batch * ranks;
    if (ramp.start % unit != 0 || ramp.increment % unit != 0 || ramp.start > ramp.full ||
        (ramp.full - ramp.start) % ramp.increment != 0) {
        throw UsageError(fmt::format(
            "--batch-ramp from {} by {} to {} sequences is not one of whole steps up (each size "
            "must be a multiple of --micro-batch {} x {} ranks, and the last step up end at "
            "--global-batch); choose multiples of {}",
            ramp.start, ramp.increment, ramp.full, options.micro_batch, ranks, unit));
    }
    return ramp;
}

/// Steps or sequences that an option asks for, as a whole number.
/// @throw UsageError for more than the doubles of JSON documents and schedules count exactly
std::int64_t whole(double count, const std::string& unit, const std::string& option) {
    if (!(count < static_cast<double>(kUnlimitedSteps))) {
        throw UsageError(
            fmt::format("{} asks for {:g} {} (they are counted exactly up to 2^53); give less",
                        option, count, unit));
    }
    return static_cast<std::int64_t>(std::ceil(count));
}

/// The fewest that any of the budgets allows.
std::int64_t steps_of(const PretrainOptions& options, const corpus::Manifest& manifest) {
    constexpr std::int64_t kDefaultSteps = 1000;
    const auto rows = static_cast<double>(manifest.train_rows());
    const auto in_rows = [&](double count, const std::string& option) {
        return options.ramp.steps_for(whole(count, "sequences", option));
    };
    std::int64_t steps = kUnlimitedSteps;
    if (options.wanted_steps) {
        steps = whole(static_cast<double>(*options.wanted_steps), "steps", "--steps");
    }
    if (options.epochs > 0) {
        steps = std::min(steps, in_rows(options.epochs * rows, "--epochs"));
    }
    if (options.budget_tokens > 0) {
        if (manifest.train_tokens == 0) {
            throw UsageError("--budget-tokens, but " + options.data.string() +
                             " does not say how many tokens its rows have (masked files do not); "
                             "give --steps or --epochs");
        }
        const double a_row = static_cast<double>(manifest.train_tokens) / rows;
        const double count = static_cast<double>(options.budget_tokens) / a_row;
        steps = std::min(steps, in_rows(count, "--budget-tokens"));
    }
    const bool has_budget = steps < kUnlimitedSteps || options.budget.time > Seconds(0) ||
                            options.budget.target_loss > 0;
    return has_budget ? steps : kDefaultSteps;
}

/// The schedule with the end that the budget gives it.
/// @throw UsageError for a decay towards an end that nobody knows
optim::ScheduleOptions schedule_of(const PretrainOptions& options) {
    optim::ScheduleOptions schedule = options.schedule;
    const bool by_hours = schedule.clock == optim::ScheduleClock::Hours;
    schedule.total_steps = options.budget.steps;
    schedule.total_hours = options.budget.time.value / kSecondsOfHour;
    if (!by_hours && optim::needs_end(schedule) && options.budget.steps == kUnlimitedSteps) {
        throw UsageError("--schedule " + schedule.name +
                         " needs to know when the run ends in steps (its decay ends there); give "
                         "--steps, --epochs or --budget-tokens, --schedule-clock hours with "
                         "--budget-hours, or another schedule");
    }
    if (by_hours && optim::needs_end(schedule) && schedule.total_hours <= 0) {
        throw UsageError(
            "--schedule-clock hours needs to know when the run ends in hours (the "
            "decay ends there); give --budget-hours");
    }
    if (!by_hours && schedule.warmup_steps > options.budget.steps && options.budget.steps > 0) {
        throw UsageError(
            fmt::format("--warmup {} is longer than --steps {} (the learning rate would never "
                        "reach its peak); shorten the warm-up",
                        schedule.warmup_steps, options.budget.steps));
    }
    optim::check_schedule(schedule);
    return schedule;
}

}  // namespace

model::ModelConfig model_of(const PretrainOptions& options, const corpus::Manifest& manifest) {
    model::ModelConfig config = model::named_model(options.model);
    if (!options.model.ends_with(".json")) {
        if (config.family == model::Family::Roberta && options.norm != config.norm) {
            throw UsageError("--model " + options.model +
                             " with --encoder-norm pre (RoBERTa's norms stand behind each "
                             "sub-layer); leave --encoder-norm out, or take --model base");
        }
        config.norm = options.norm;
    }
    config.vocabulary_size = manifest.vocabulary_size;
    model::set_padding(config, manifest.padding_id);
    return config;
}

PretrainOptions resolve(PretrainOptions options, const corpus::Manifest& manifest, int ranks) {
    check_batches(options, ranks);
    options.ramp = ramp_of(options, ranks);
    options.budget.steps = steps_of(options, manifest);
    optim::check_optimizer(options.optimizer);
    optim::check_loss_scale(options.loss_scale);
    options.schedule = schedule_of(options);
    // Whether the default was asked for cannot be told, and a recipe that names it need not go.
    if (options.optimizer.relative_step && options.schedule.peak != optim::ScheduleOptions().peak) {
        throw UsageError(
            fmt::format("--learning-rate {:g} with --relative-step on (Adafactor's own step sizes "
                        "take its place, so it would be ignored); leave one of them out",
                        options.schedule.peak));
    }
    const model::ModelConfig config = model_of(options, manifest);
    if (manifest.sequence_length > config.max_positions) {
        throw InputError(
            fmt::format("the corpus in {} has rows of {} tokens, the model has positions for {} "
                        "(its position table ends there); prepare the corpus with "
                        "--sequence-length {} or use a model with more positions",
                        options.data.string(), manifest.sequence_length, config.max_positions,
                        config.max_positions));
    }
    if (manifest.train_rows() == 0) {
        throw InputError("the corpus in " + options.data.string() +
                         " has no training rows; prepare it from more text");
    }
    // The run directory itself is made later.
    if (const auto& trace = options.communication.trace;
        !trace.empty() && trace.parent_path() != options.run) {
        comm::require_trace_folder(trace);
    }
    options.precision =
        model::to_text(model::choose_precision(options.precision, options.device == "cuda"));
    return options;
}

}  // namespace hpml::tasks
