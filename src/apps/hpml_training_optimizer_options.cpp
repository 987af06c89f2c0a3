#include "apps/hpml_training_options.h"

namespace hpml {

namespace {

void add_update_options(OptionGroup& group, optim::OptimizerOptions& options) {
    group.add("optimizer", options.name, "Update rule; muon: AdamW for all but hidden matrices")
        .choices({"lamb", "adafactor", "adamw", "adam", "sgd", "muon"})
        .add("weight-decay", options.weight_decay, "Decay of weights (not of biases and norms)")
        .at_least(0)
        .add("beta1", options.beta1, "Decay of the first moment")
        .at_least(0)
        .below(1)
        .add("beta2", options.beta2, "Decay of the second moment")
        .at_least(0)
        .below(1)
        .add("epsilon", options.epsilon, "Term that keeps the update's denominator from zero")
        .above(0)
        .advanced()
        .add("bias-correction", options.bias_correction,
             "Adam, AdamW, LAMB: correct the moments of the first steps")
        .advanced()
        .add_words("first-moment", options.first_moment,
                   {{"fp32", optim::FirstMoment::F32}, {"bf16", optim::FirstMoment::BF16}},
                   "Adam, AdamW, LAMB: number format in which the first moment is kept")
        .advanced()
        .add("momentum", options.momentum, "SGD (unset: 0.9) and Muon (unset: 0.95)")
        .at_least(0)
        .below(1)
        .advanced()
        .add_words("nesterov", options.nesterov,
                   {{"auto", std::optional<bool>()},
                    {"on", std::optional<bool>(true)},
                    {"off", std::optional<bool>(false)}},
                   "SGD (auto: off) and Muon (auto: on): Nesterov's momentum")
        .advanced();
}

void add_lamb_options(OptionGroup& group, optim::OptimizerOptions& options) {
    group
        .add("max-grad-norm", options.max_grad_norm,
             "LAMB: divide gradients by norm / this where that is above 1; 0: no. apex: 1")
        .at_least(0)
        .advanced()
        .add("trust-ratio-min", options.trust_ratio_min, "LAMB: least trust ratio")
        .alias("min-coeff")
        .at_least(0)
        .advanced()
        .add("trust-ratio-max", options.trust_ratio_max,
             "LAMB: largest trust ratio; 0: no clamp. DeepSpeed: 10")
        .alias("max-coeff")
        .at_least(0)
        .advanced()
        .add("use-nvlamb", options.adapt_without_decay,
             "LAMB: trust ratio also for biases and norms; apex: off")
        .advanced()
        .add("grad-averaging", options.grad_averaging,
             "LAMB: the first moment takes (1 - beta1) times the gradient")
        .advanced();
}

void add_adafactor_and_muon_options(OptionGroup& group, optim::OptimizerOptions& options) {
    group
        .add("relative-step", options.relative_step,
             "Adafactor: its own step sizes, 1 / sqrt(step) at most 0.01, for the learning rate")
        .advanced()
        .add("scale-parameter", options.scale_parameter,
             "Adafactor: step sizes relative to the parameters")
        .advanced()
        .add("warmup-init", options.warmup_init, "Adafactor: relative steps begin at 1e-6")
        .advanced()
        .add("adafactor-momentum", options.adafactor_momentum,
             "Adafactor: keep a first moment with --beta1")
        .advanced()
        .add("adafactor-decay-rate", options.decay_rate,
             "Adafactor: exponent of the second moment's decay")
        .advanced()
        .add("clip-threshold", options.clip_threshold, "Adafactor: root mean square of an update")
        .above(0)
        .advanced()
        .add("adjust-lr", options.adjust_lr,
             "Muon: scale of an update, for AdamW's learning rates or as Jordan has it")
        .choices({"match_rms_adamw", "original"})
        .advanced()
        .add("ns-steps", options.ns_steps, "Muon: Newton-Schulz iterations")
        .range(0, 99)
        .advanced();
}

void add_decay_options(OptionGroup& group, optim::ScheduleOptions& options) {
    group.add("learning-rate-end", options.end, "Last rate: polynomial, cosine, wsd")
        .at_least(0)
        .advanced()
        .add("decay-power", options.power, "polynomial: its exponent")
        .above(0)
        .advanced()
        .add("cycles", options.cycles, "cosine_restarts: how many cosines")
        .at_least(1)
        .advanced()
        .add("decay-rate", options.decay_rate, "exponential, step: factor for every --decay-step")
        .above(0)
        .at_most(1)
        .advanced()
        .add("decay-step", options.decay_step, "exponential, step: steps, or hours by that clock")
        .above(0)
        .advanced()
        .add("decay-proportion", options.decay_proportion,
             "wsd: the last part of the run, in which the rate falls")
        .range(0, 1)
        .advanced()
        .add_words("anneal", options.anneal,
                   {{"cosine", optim::Anneal::Cosine},
                    {"linear", optim::Anneal::Linear},
                    {"1-sqrt", optim::Anneal::OneMinusSqrt}},
                   "one_cycle (cosine, linear), wsd: how the rate falls")
        .advanced();
}

void add_one_cycle_options(OptionGroup& group, optim::ScheduleOptions& options) {
    group.add("pct-start", options.pct_start, "one_cycle: the part in which the rate rises")
        .range(0, 1)
        .advanced()
        .add("div-factor", options.div_factor, "one_cycle: peak / first rate")
        .above(0)
        .advanced()
        .add("final-div-factor", options.final_div_factor, "one_cycle: first rate / last rate")
        .above(0)
        .advanced()
        .add("three-phase", options.three_phase,
             "one_cycle: down to the first rate as it rose, then to the last")
        .advanced()
        .add("base-momentum", options.base_momentum,
             "one_cycle: momentum or beta1 at the peak; 0: it stays")
        .at_least(0)
        .below(1)
        .advanced()
        .add("max-momentum", options.max_momentum, "one_cycle: momentum or beta1 at both ends")
        .at_least(0)
        .below(1)
        .advanced();
}

}  // namespace

void add_optimizer_options(OptionGroup& group, optim::OptimizerOptions& options) {
    add_update_options(group, options);
    add_lamb_options(group, options);
    add_adafactor_and_muon_options(group, options);
}

void add_schedule_options(OptionGroup& group, optim::ScheduleOptions& options) {
    group.add("learning-rate", options.peak, "Learning rate at the end of the warm-up")
        .above(0)
        .add("schedule", options.name, "Learning rate over the run")
        .choices(optim::schedule_names())
        .add_words(
            "schedule-clock", options.clock,
            {{"steps", optim::ScheduleClock::Steps}, {"hours", optim::ScheduleClock::Hours}},
            "What the schedule goes by: its end is that of the budget in steps, or --budget-hours")
        .add("warmup", options.warmup_steps, "Steps of warm-up")
        .unit("steps")
        .at_least(0)
        .add("warmup-proportion", options.warmup_proportion,
             "Share of the run for the warm-up, in place of --warmup")
        .at_least(0)
        .below(1)
        .add_words("warmup-curve", options.warmup_power, {{"linear", 1.0}, {"exp", 2.0}},
                   "Shape of the warm-up; exp: the square of the linear one")
        .advanced();
    add_decay_options(group, options);
    add_one_cycle_options(group, options);
}

}  // namespace hpml
