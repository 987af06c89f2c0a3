// Which of hpml_pretrain's options may change when a run goes on: one row each.

#include "tasks/resume_classes.h"

#include <array>

#include "comm/reproducible.h"

namespace hpml::tasks {

namespace {

using From = const SettingSource&;

constexpr const char* kShape = "the weights have this shape";
constexpr const char* kIds = "the embeddings belong to the other tokenizer's ids";
constexpr const char* kState = "the optimizer's state has another form";
constexpr const char* kPlace = "the place in the data is counted in batches";
constexpr const char* kRows = "it decides which rows come next";
constexpr const char* kTask = "losses before and after would not compare";
constexpr const char* kRule = "the state was gathered by the other rule";
constexpr const char* kRate = "";

constexpr OnResume kFixed = OnResume::Fixed;
constexpr OnResume kOverride = OnResume::Override;
constexpr OnResume kSaid = OnResume::Said;
constexpr OnResume kFree = OnResume::Free;

Json or_auto(const std::optional<double>& value) { return value ? Json(*value) : Json("auto"); }

Json elastic_micro_batch(From from) {
    const bool is_elastic =
        from.options.communication.all_reduce.reproducible == comm::Reproducible::Elastic;
    return is_elastic ? Json(from.options.micro_batch) : Json();
}

/// The other model types follow from the place of the norms.
Json roberta(From from) {
    return from.model.family == model::Family::Roberta ? Json(model::model_type(from.model))
                                                       : Json();
}

Json batch_ramp(From from) {
    const corpus::BatchRamp& ramp = from.options.ramp;
    return ramp.is_on() ? Json{ramp.start, ramp.increment, ramp.sequences} : Json();
}

Json nesterov(From from) {
    const auto& wish = from.options.optimizer.nesterov;
    return wish ? Json(*wish) : Json("auto");
}

Json first_moment(From from) {
    return from.options.optimizer.first_moment == optim::FirstMoment::BF16 ? "bf16" : "fp32";
}

/// 0: the run ends otherwise.
Json steps(From from) {
    const std::int64_t steps = from.options.budget.steps;
    return steps < kUnlimitedSteps ? steps : 0;
}

Json anneal(From from) {
    switch (from.options.schedule.anneal) {
        case optim::Anneal::Cosine:
            return "cosine";
        case optim::Anneal::Linear:
            return "linear";
        case optim::Anneal::OneMinusSqrt:
            return "1-sqrt";
    }
    return {};
}

// clang-format off: one row a line
constexpr std::array kSettings = {
    Setting{"layers", "model", kFixed, kShape, [](From f) { return Json(f.model.layers); }},
    Setting{"hidden_size", "model", kFixed, kShape, [](From f) { return Json(f.model.hidden_size); }},
    Setting{"heads", "model", kFixed, kShape, [](From f) { return Json(f.model.heads); }},
    Setting{"intermediate_size", "model", kFixed, kShape, [](From f) { return Json(f.model.intermediate_size); }},
    Setting{"max_positions", "model", kFixed, kShape, [](From f) { return Json(f.model.max_positions); }},
    Setting{"encoder_norm", "encoder-norm", kFixed, "the weights were trained for the other order",
            [](From f) { return Json(f.model.norm == model::EncoderNorm::Pre ? "pre" : "post"); }},
    Setting{"model_type", "model", kFixed, kShape, roberta, Absent::Off},
    Setting{"vocabulary_size", "vocab", kFixed, kShape, [](From f) { return Json(f.manifest.vocabulary_size); }},
    Setting{"vocabulary_hash", "vocab", kFixed, kIds, [](From f) { return Json(f.manifest.vocabulary_hash.hex()); }},
    Setting{"dataset", kDataOption, kOverride, kRows, [](From f) { return Json(f.manifest.digest().hex()); }},
    Setting{"sequence_length", kDataOption, kOverride, kTask, [](From f) { return Json(f.manifest.sequence_length); }},
    Setting{"optimizer", "optimizer", kFixed, kState, [](From f) { return Json(f.options.optimizer.name); }},
    Setting{"global_batch", "global-batch", kFixed, kPlace, [](From f) { return Json(f.options.global_batch); }},
    Setting{"masking_rate", "masking-rate", kOverride, kTask, [](From f) { return Json(f.options.masking_rate); }},
    Setting{"max_predictions", "max-predictions", kOverride, kTask, [](From f) { return Json(f.options.max_predictions); }},
    Setting{"whole_word_masking", "whole-word-masking", kOverride, kTask, [](From f) { return Json(f.options.whole_word_masking); }},
    Setting{"dropout", "dropout", kOverride, kTask, [](From f) { return Json(f.options.dropout); }},
    Setting{"seed", "seed", kOverride, kRows, [](From f) { return Json(f.options.seed); }},
    Setting{"elastic_micro_batch", "micro-batch", kOverride, "the bits of elastic sums depend on it", elastic_micro_batch, Absent::Off},
    Setting{"batch_ramp", "batch-ramp", kFixed, kPlace, batch_ramp, Absent::Off},
    Setting{"first_moment", "first-moment", kFixed, kState, first_moment},
    Setting{"adafactor_momentum", "adafactor-momentum", kFixed, kState, [](From f) { return Json(f.options.optimizer.adafactor_momentum); }},
    Setting{"momentum", "momentum", kFixed, kState, [](From f) { return or_auto(f.options.optimizer.momentum); }},
    Setting{"nesterov", "nesterov", kOverride, kRule, nesterov},
    Setting{"beta1", "beta1", kOverride, kRule, [](From f) { return Json(f.options.optimizer.beta1); }},
    Setting{"beta2", "beta2", kOverride, kRule, [](From f) { return Json(f.options.optimizer.beta2); }},
    Setting{"epsilon", "epsilon", kOverride, kRule, [](From f) { return Json(f.options.optimizer.epsilon); }},
    Setting{"bias_correction", "bias-correction", kOverride, kRule, [](From f) { return Json(f.options.optimizer.bias_correction); }},
    Setting{"max_grad_norm", "max-grad-norm", kOverride, kRule, [](From f) { return Json(f.options.optimizer.max_grad_norm); }},
    Setting{"grad_averaging", "grad-averaging", kOverride, kRule, [](From f) { return Json(f.options.optimizer.grad_averaging); }},
    Setting{"trust_ratio_min", "trust-ratio-min", kOverride, kRule, [](From f) { return Json(f.options.optimizer.trust_ratio_min); }},
    Setting{"trust_ratio_max", "trust-ratio-max", kOverride, kRule, [](From f) { return Json(f.options.optimizer.trust_ratio_max); }},
    Setting{"use_nvlamb", "use-nvlamb", kOverride, kRule, [](From f) { return Json(f.options.optimizer.adapt_without_decay); }},
    Setting{"relative_step", "relative-step", kOverride, kRule, [](From f) { return Json(f.options.optimizer.relative_step); }},
    Setting{"scale_parameter", "scale-parameter", kOverride, kRule, [](From f) { return Json(f.options.optimizer.scale_parameter); }},
    Setting{"warmup_init", "warmup-init", kOverride, kRule, [](From f) { return Json(f.options.optimizer.warmup_init); }},
    Setting{"adafactor_decay_rate", "adafactor-decay-rate", kOverride, kRule, [](From f) { return Json(f.options.optimizer.decay_rate); }},
    Setting{"clip_threshold", "clip-threshold", kOverride, kRule, [](From f) { return Json(f.options.optimizer.clip_threshold); }},
    Setting{"adjust_lr", "adjust-lr", kOverride, kRule, [](From f) { return Json(f.options.optimizer.adjust_lr); }},
    Setting{"ns_steps", "ns-steps", kOverride, kRule, [](From f) { return Json(f.options.optimizer.ns_steps); }},
    Setting{"weight_decay", "weight-decay", kSaid, kRate, [](From f) { return Json(f.options.optimizer.weight_decay); }},
    Setting{"clip_norm", "clip-norm", kSaid, kRate, [](From f) { return Json(f.options.clip_norm); }},
    Setting{"learning_rate", "learning-rate", kSaid, kRate, [](From f) { return Json(f.options.schedule.peak); }},
    Setting{"schedule", "schedule", kSaid, kRate, [](From f) { return Json(f.options.schedule.name); }},
    Setting{"schedule_clock", "schedule-clock", kSaid, kRate,
            [](From f) { return Json(f.options.schedule.clock == optim::ScheduleClock::Hours ? "hours" : "steps"); }},
    Setting{"warmup", "warmup", kSaid, kRate, [](From f) { return Json(f.options.schedule.warmup_steps); }},
    Setting{"warmup_proportion", "warmup-proportion", kSaid, kRate, [](From f) { return Json(f.options.schedule.warmup_proportion); }},
    Setting{"warmup_power", "warmup-curve", kSaid, kRate, [](From f) { return Json(f.options.schedule.warmup_power); }},
    Setting{"learning_rate_end", "learning-rate-end", kSaid, kRate, [](From f) { return Json(f.options.schedule.end); }},
    Setting{"decay_power", "decay-power", kSaid, kRate, [](From f) { return Json(f.options.schedule.power); }},
    Setting{"cycles", "cycles", kSaid, kRate, [](From f) { return Json(f.options.schedule.cycles); }},
    Setting{"decay_rate", "decay-rate", kSaid, kRate, [](From f) { return Json(f.options.schedule.decay_rate); }},
    Setting{"decay_step", "decay-step", kSaid, kRate, [](From f) { return Json(f.options.schedule.decay_step); }},
    Setting{"decay_proportion", "decay-proportion", kSaid, kRate, [](From f) { return Json(f.options.schedule.decay_proportion); }},
    Setting{"anneal", "anneal", kSaid, kRate, anneal},
    Setting{"pct_start", "pct-start", kSaid, kRate, [](From f) { return Json(f.options.schedule.pct_start); }},
    Setting{"div_factor", "div-factor", kSaid, kRate, [](From f) { return Json(f.options.schedule.div_factor); }},
    Setting{"final_div_factor", "final-div-factor", kSaid, kRate, [](From f) { return Json(f.options.schedule.final_div_factor); }},
    Setting{"three_phase", "three-phase", kSaid, kRate, [](From f) { return Json(f.options.schedule.three_phase); }},
    Setting{"base_momentum", "base-momentum", kSaid, kRate, [](From f) { return Json(f.options.schedule.base_momentum); }},
    Setting{"max_momentum", "max-momentum", kSaid, kRate, [](From f) { return Json(f.options.schedule.max_momentum); }},
    Setting{"loss_scale_window", "loss-scale-window", kSaid, kRate, [](From f) { return Json(f.options.loss_scale.growth_interval); }},
    Setting{"loss_scale_hysteresis", "loss-scale-hysteresis", kSaid, kRate, [](From f) { return Json(f.options.loss_scale.hysteresis); }},
    Setting{"loss_scale_min", "loss-scale-min", kSaid, kRate, [](From f) { return Json(f.options.loss_scale.floor); }},
    Setting{"steps", "steps", kSaid, kRate, steps},
    Setting{"budget_hours", "budget-hours", kSaid, kRate, [](From f) { return Json(f.options.budget.time.value / kSecondsOfHour); }},
};
// clang-format on

constexpr std::array kOthers = {
    // Through the number of steps.
    UnrecordedOption{"epochs", kSaid},
    UnrecordedOption{"budget-tokens", kSaid},
    UnrecordedOption{"batch-ramp-increment", kFixed},
    UnrecordedOption{"batch-ramp-sequences", kFixed},
    // Of the bits alone: note_other_platform, continue_sums.
    UnrecordedOption{"device", kSaid},
    UnrecordedOption{"precision", kSaid},
    UnrecordedOption{"threads", kSaid},
    UnrecordedOption{"allreduce", kSaid},
    UnrecordedOption{"reproducible", kSaid},
    UnrecordedOption{"wire", kSaid},
    UnrecordedOption{"chunk-kib", kSaid},
    UnrecordedOption{"bucket-mib", kSaid},
    UnrecordedOption{"first-bucket-mib", kSaid},
    // How a start begins.
    UnrecordedOption{"run", kFree},
    UnrecordedOption{"resume", kFree},
    UnrecordedOption{"init-from", kFree},
    UnrecordedOption{"init-moments", kFree},
    UnrecordedOption{"override", kFree},
    UnrecordedOption{"allow-dataset-change", kFree},
    UnrecordedOption{"restart-from-scratch", kFree},
    UnrecordedOption{"loss-scale-init", kFree},  // a running scale is the checkpoint's
    UnrecordedOption{"break-lock", kFree},
    // When it ends, and what it leaves.
    UnrecordedOption{"max-hours", kFree},
    UnrecordedOption{"stop-signals", kFree},
    UnrecordedOption{"target-loss", kFree},
    UnrecordedOption{"early-stop-hours", kFree},
    UnrecordedOption{"early-stop-loss", kFree},
    UnrecordedOption{"validate-every", kFree},
    UnrecordedOption{"validate-every-begin", kFree},
    UnrecordedOption{"validate-every-end", kFree},
    UnrecordedOption{"validation-begin-proportion", kFree},
    UnrecordedOption{"validation-end-proportion", kFree},
    UnrecordedOption{"checkpoint-every", kFree},
    UnrecordedOption{"milestones", kFree},
    UnrecordedOption{"keep-checkpoints", kFree},
    UnrecordedOption{"keep-every", kFree},
    UnrecordedOption{"checkpoint-in-background", kFree},
    UnrecordedOption{"max-failed-checkpoints", kFree},
    UnrecordedOption{"checkpoint-retry", kFree},
    UnrecordedOption{"little-space", kFree},
    UnrecordedOption{"on-non-finite", kFree},
    UnrecordedOption{"max-skipped", kFree},
    UnrecordedOption{"max-rollbacks", kFree},
    UnrecordedOption{"check-replicas-every", kFree},
    UnrecordedOption{"log-every", kFree},
    UnrecordedOption{"color", kFree},
    // Speed and memory with the same bits.
    UnrecordedOption{"zero1", kFree},
    UnrecordedOption{"activation-checkpointing", kFree},
    UnrecordedOption{"profile", kFree},
    UnrecordedOption{"prefetch", kFree},
    UnrecordedOption{"segment-kib", kFree},
    UnrecordedOption{"spin-us", kFree},
    UnrecordedOption{"check", kFree},
    UnrecordedOption{"progress", kFree},
    UnrecordedOption{"warn-seconds", kFree},
    UnrecordedOption{"timeout-seconds", kFree},
    UnrecordedOption{"trace", kFree},
};

}  // namespace

std::span<const Setting> all_settings() { return kSettings; }
std::span<const UnrecordedOption> unrecorded_options() { return kOthers; }

}  // namespace hpml::tasks
