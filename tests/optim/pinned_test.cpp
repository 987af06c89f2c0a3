// Values that other projects' tests and documents pin (Keras, TensorFlow Addons, optax,
// transformers), at the precision at which they give them or at which they were derived again.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "optim/flat.h"
#include "optim/optimizer.h"

using namespace hpml;
using namespace hpml::optim;

namespace {

using Values = std::vector<float>;

OptimizerOptions named(const std::string& name) {
    OptimizerOptions options;
    options.name = name;
    options.weight_decay = 0.0;
    return options;
}

/// One or more tensors that take the same gradients for some steps.
class Bench {
  public:
    Bench(const OptimizerOptions& options, const std::vector<std::vector<std::int64_t>>& shapes,
          const std::vector<Values>& start)
        : flat_(test::Flat::of(shapes, 1)) {
        for (std::size_t i = 0; i < start.size(); ++i) {
            flat_.segments[i].decay = true;
            flat_.set(flat_.parameters, i, start[i]);
        }
        optimizer_ = make_optimizer(options, flat_.segments, flat_.parameters);
    }

    Bench& step(const std::vector<Values>& gradients, double rate, int times = 1) {
        for (int k = 0; k < times; ++k) {
            for (std::size_t i = 0; i < gradients.size(); ++i) {
                flat_.set(flat_.gradients, i, gradients[i]);  // a step may change them
            }
            optimizer_->step(flat_.parameters, flat_.gradients, rate);
        }
        return *this;
    }

    /// Go on with other options, with the state and the steps taken, as a resume does.
    void change_options(const OptimizerOptions& options) {
        auto next = make_optimizer(options, flat_.segments, flat_.parameters);
        std::vector<StateTensor> to = next->state();
        const std::vector<StateTensor> from = optimizer_->state();
        for (std::size_t i = 0; i < from.size(); ++i) {
            to.at(i).tensor.copy_(from[i].tensor);
        }
        next->set_steps_taken(optimizer_->steps_taken());
        optimizer_ = std::move(next);
    }

    [[nodiscard]] Values get(std::size_t i = 0) const { return flat_.get(i); }
    Optimizer& optimizer() { return *optimizer_; }

  private:
    test::Flat flat_;
    std::unique_ptr<Optimizer> optimizer_;
};

void check(const Values& found, const Values& wanted, double tolerance) {
    BOOST_TEST_REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        BOOST_TEST(std::abs(found[i] - wanted[i]) <= tolerance,
                   "element " << i << ": " << found[i] << ", not " << wanted[i]);
    }
}

const Values kStart = {1, 2, 3, 4};
const Values kGradient = {1, 6, 7, 2};

Values tenths() {
    Values values;
    for (int i = 1; i <= 10; ++i) {
        values.push_back(static_cast<float>(i) / 10.0F);
    }
    return values;
}

/// Mean squared error to a target, by its gradient, as transformers' tests do.
double distance_after(const OptimizerOptions& options, double rate, int steps) {
    const Values target = {0.4F, 0.2F, -0.5F};
    Bench bench(options, {{3}}, {{0.1F, -0.2F, -0.1F}});
    for (int step = 0; step < steps; ++step) {
        Values gradient = bench.get();
        for (std::size_t i = 0; i < 3; ++i) {
            gradient[i] = 2.0F / 3.0F * (gradient[i] - target[i]);
        }
        bench.step({gradient}, rate);
    }
    double worst = 0.0;
    for (std::size_t i = 0; i < 3; ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(bench.get()[i]) - target[i]));
    }
    return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pinned_suite)

BOOST_AUTO_TEST_CASE(lamb_gives_the_single_step_of_keras) {
    Bench bench(named("lamb"), {{4}}, {kStart});
    bench.step({kGradient}, 0.5);
    check(bench.get(), {-.369305644F, .630693215F, 1.630693182F, 2.630693671F}, 1e-6);
}

BOOST_AUTO_TEST_CASE(lamb_gives_the_five_rows_of_keras) {
    Bench bench(named("lamb"), {{10}}, {Values(10, 1.0F)});
    bench.step({Values(10, 0.01F)}, 1e-3);
    for (const float row : {.999F, .9982F, .9974F, .9965F, .9955F}) {
        check(bench.get(), Values(10, row), 1e-3);  // the rows' own tolerance: 5e-4 (1 + |row|)
        bench.step({tenths()}, 1e-3);
    }
}

BOOST_AUTO_TEST_CASE(lamb_gives_the_values_of_tensorflow_addons) {
    const std::vector<Values> start = {{1, 2}, {3, 4}};
    const std::vector<Values> gradients = {{.1F, .1F}, {.01F, .01F}};
    Bench plain(named("lamb"), {{2}, {2}}, start);
    plain.step(gradients, 1e-3, 3);
    check(plain.get(0), {.995261082F, 1.995261082F}, 1e-6);
    check(plain.get(1), {2.989403895F, 3.989403895F}, 1e-6);
    OptimizerOptions decayed = named("lamb");
    decayed.weight_decay = 0.01;
    Bench bench(decayed, {{2}, {2}}, start);
    bench.step(gradients, 1e-3, 3);
    check(bench.get(0), {.995284491F, 1.995237802F}, 1e-6);
    check(bench.get(1), {2.989455219F, 3.989352832F}, 1e-6);
}

BOOST_AUTO_TEST_CASE(lamb_gives_the_losses_of_optax) {
    Bench bench(named("lamb"), {{3}}, {{1, 2, 3}});
    for (const double loss : {13.922357, 13.845179, 13.768463, 13.692203, 13.616398}) {
        Values gradient = bench.get();
        for (float& value : gradient) {
            value *= 2.0F;
        }
        bench.step({gradient}, 0.003);
        double found = 0.0;
        for (const float value : bench.get()) {
            found += static_cast<double>(value) * value;
        }
        BOOST_TEST(std::abs(found - loss) < 5e-6);
    }
}

BOOST_AUTO_TEST_CASE(lamb_takes_ratio_one_where_a_norm_is_zero) {
    Bench from_zero(named("lamb"), {{2}}, {{0, 0}});
    from_zero.step({{1, -1}}, 0.1);
    check(from_zero.get(), {-.1F, .1F}, 1e-6);
    Bench no_gradient(named("lamb"), {{2}}, {{3, 4}});
    no_gradient.step({{0, 0}}, 0.1);
    check(no_gradient.get(), {3, 4}, 0.0);
}

BOOST_AUTO_TEST_CASE(adamw_gives_the_single_step_and_the_decay_of_keras) {
    OptimizerOptions options = named("adamw");
    options.weight_decay = 0.004;
    options.epsilon = 1e-7;
    Bench bench(options, {{4}}, {kStart});
    bench.step({kGradient}, 0.5);
    check(bench.get(), {.4980F, 1.4960F, 2.494F, 3.492F}, 1e-6);
    Bench decay(options, {{1}}, {{2}});
    decay.step({{0}}, 1.0, 3);
    check(decay.get(), {1.9760959F}, 1e-6);
}

// Keras' epsilon is Kingma and Ba's "epsilon hat" (the formula just before section 2.1):
// lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). Ours is that of their algorithm 1,
// as in PyTorch: it is added behind the bias correction. Theirs at step t is ours with
// epsilon / sqrt(1 - beta2^t), so each step here has an epsilon of its own.
BOOST_AUTO_TEST_CASE(adamw_gives_the_five_rows_of_keras) {
    OptimizerOptions options = named("adamw");
    options.weight_decay = 0.5;
    const std::vector<Values> rows = {
        {.4998F, .4998F, .4998F, .4998F, .4998F, .4998F, .4998F, .4998F, .4998F, .4998F},
        {.2486F, .2475F, .2463F, .2451F, .2440F, .2428F, .2417F, .2405F, .2394F, .2382F},
        {.1223F, .1198F, .1174F, .1149F, .1124F, .1100F, .1075F, .1051F, .1027F, .1003F},
        {.0586F, .0549F, .0512F, .0475F, .0439F, .0402F, .0366F, .0330F, .0294F, .0258F},
        {.0263F, .0215F, .0167F, .0120F, .0073F, .0026F, -.0021F, -.0067F, -.0113F, -.0159F}};
    Bench bench(options, {{10}}, {Values(10, 1.0F)});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto t = static_cast<double>(i + 1);
        options.epsilon = 2.0 / std::sqrt(1.0 - std::pow(options.beta2, t));
        bench.change_options(options);
        bench.step({i == 0 ? Values(10, 0.01F) : tenths()}, 1.0);
        check(bench.get(), rows[i], 6e-5);  // the rows have four digits
    }
}

BOOST_AUTO_TEST_CASE(adam_adds_the_decay_to_the_gradient) {
    OptimizerOptions options = named("adam");
    options.weight_decay = 1.0;
    Bench bench(options, {{2}}, {{2, -3}});
    bench.step({{-2, 3}}, 0.5);  // gradient and decay cancel: nothing moves
    check(bench.get(), {2, -3}, 0.0);
}

BOOST_AUTO_TEST_CASE(adafactor_gives_the_single_steps_of_keras) {
    OptimizerOptions options = named("adafactor");
    options.scale_parameter = true;
    Bench vector(options, {{4}}, {kStart});
    vector.step({kGradient}, 0.5);
    check(vector.get(), {-.3693F, .6307F, 1.6307F, 2.6307F}, 1e-4);
    Bench matrix(options, {{2, 2}}, {kStart});
    matrix.step({kGradient}, 0.5);
    check(matrix.get(), {.7007F, -.0081F, 1.2492F, 3.4407F}, 1e-4);
}

BOOST_AUTO_TEST_CASE(adafactor_gives_the_five_rows_of_keras) {
    OptimizerOptions options = named("adafactor");
    options.scale_parameter = true;
    options.decay_rate = -0.65;
    options.clip_threshold = 0.9;
    Bench bench(options, {{10}}, {Values(10, 1.0F)});
    bench.step({Values(10, 0.01F)}, 0.5);
    const std::vector<std::pair<float, float>> first_and_last = {
        {.55F, .55F}, {.3031F, .3024F}, {.1671F, .1663F}, {.0923F, .0914F}, {.0554F, .0545F}};
    // Keras bounds the learning rate of step t by 1 / sqrt(t) beside scaling it by the parameter.
    double t = 1;
    for (const auto& [first, last] : first_and_last) {
        check({bench.get().front(), bench.get().back()}, {first, last}, 1e-4);
        t += 1;
        bench.step({tenths()}, std::min(0.5, 1.0 / std::sqrt(t)));
    }
}

BOOST_AUTO_TEST_CASE(adafactor_gives_three_steps_of_transformers) {
    OptimizerOptions options = named("adafactor");
    Bench fixed(options, {{2, 2}}, {kStart});
    fixed.step({kGradient}, 1e-2, 3);
    check(fixed.get(), {.993441668F, 1.956005370F, 2.961642139F, 3.987747031F}, 1e-6);
    options.relative_step = true;
    options.scale_parameter = true;
    Bench relative(options, {{2, 2}}, {kStart});
    relative.step({kGradient}, 0.0, 3);
    check(relative.get(), {.982179673F, 1.880457615F, 2.895773866F, 3.966706183F}, 1e-6);
}

BOOST_AUTO_TEST_CASE(adamw_and_adafactor_reach_the_target_of_transformers) {
    BOOST_TEST(distance_after(named("adamw"), 0.2, 100) < 1e-2);
    BOOST_TEST(distance_after(named("adafactor"), 1e-2, 1000) < 1e-2);
}

BOOST_AUTO_TEST_CASE(the_state_carries_the_parameters_names) {
    const auto names = [](Optimizer& optimizer) {
        std::string all;
        for (const StateTensor& state : optimizer.state()) {
            all += state.name + " ";
        }
        return all;
    };
    const std::vector<Values> start = {{1, 2, 3, 4}, {5}};
    Bench adam(named("adam"), {{2, 2}, {1}}, start);
    BOOST_TEST(names(adam.optimizer()) == "exp_avg.p0 exp_avg_sq.p0 exp_avg.p1 exp_avg_sq.p1 ");
    Bench adafactor(named("adafactor"), {{2, 2}, {1}}, start);
    BOOST_TEST(names(adafactor.optimizer()) ==
               "exp_avg_sq_row.p0 exp_avg_sq_col.p0 exp_avg_sq.p1 ");
}

BOOST_AUTO_TEST_CASE(refuses_options_that_do_not_go_together) {
    const test::Flat flat = test::Flat::of({{2}}, 0);
    const auto make = [&](const OptimizerOptions& options) {
        return make_optimizer(options, flat.segments, flat.parameters);
    };
    BOOST_CHECK_THROW(make(named("sgd2")), UsageError);
    OptimizerOptions options = named("adafactor");
    options.warmup_init = true;
    BOOST_CHECK_THROW(make(options), UsageError);
    options = named("adamw");
    options.relative_step = true;
    BOOST_CHECK_THROW(make(options), UsageError);
    options = named("lamb");
    options.trust_ratio_min = 2.0;
    options.trust_ratio_max = 1.0;
    BOOST_CHECK_THROW(make(options), UsageError);
    options = named("adam");
    options.beta2 = std::numeric_limits<double>::quiet_NaN();
    BOOST_CHECK_THROW(make(options), UsageError);
}

BOOST_AUTO_TEST_CASE(refuses_options_that_the_optimizer_would_ignore) {
    struct Owned {
        std::string name;
        std::string owners;
        void (*give)(OptimizerOptions&);
    };
    const std::vector<Owned> all = {
        {"relative-step", "adafactor", [](auto& given) { given.relative_step = true; }},
        {"scale-parameter", "adafactor", [](auto& given) { given.scale_parameter = true; }},
        {"warmup-init", "adafactor", [](auto& given) { given.warmup_init = true; }},
        {"adafactor-momentum", "adafactor", [](auto& given) { given.adafactor_momentum = true; }},
        {"adafactor-decay-rate", "adafactor", [](auto& given) { given.decay_rate = -0.5; }},
        {"clip-threshold", "adafactor", [](auto& given) { given.clip_threshold = 3.0; }},
        {"trust-ratio-min", "lamb", [](auto& given) { given.trust_ratio_min = 0.1; }},
        {"trust-ratio-max", "lamb", [](auto& given) { given.trust_ratio_max = 0.1; }},
        {"max-grad-norm", "lamb", [](auto& given) { given.max_grad_norm = 1.0; }},
        {"grad-averaging", "lamb", [](auto& given) { given.grad_averaging = false; }},
        {"use-nvlamb", "lamb", [](auto& given) { given.adapt_without_decay = false; }},
        {"first-moment", "adam, adamw, lamb",
         [](auto& given) { given.first_moment = FirstMoment::BF16; }},
        {"bias-correction", "adam, adamw, lamb, muon",
         [](auto& given) { given.bias_correction = false; }},
        {"momentum", "sgd, muon", [](auto& given) { given.momentum = 0.8; }},
        {"nesterov", "sgd, muon", [](auto& given) { given.nesterov = false; }},
        {"ns-steps", "muon", [](auto& given) { given.ns_steps = 9; }},
        {"adjust-lr", "muon", [](auto& given) { given.adjust_lr = "original"; }}};
    for (const Owned& one : all) {
        for (const std::string optimizer : {"adam", "adamw", "lamb", "adafactor", "sgd", "muon"}) {
            OptimizerOptions options = named(optimizer);
            one.give(options);
            std::string refusal;
            try {
                check_optimizer(options);
            } catch (const UsageError& error) {
                refusal = error.what();
            }
            const bool owns =
                (", " + one.owners + ",").find(", " + optimizer + ",") != std::string::npos;
            const bool refused =
                refusal.starts_with("--" + one.name + " belongs to " + one.owners + " (");
            BOOST_TEST(refused == !owns, one.name << " of " << optimizer << ": " << refusal);
        }
    }
}

BOOST_AUTO_TEST_CASE(clipping_limits_the_norm_over_all_elements) {
    const at::Tensor gradients = at::zeros({20000}, at::kFloat);
    auto* values = gradients.data_ptr<float>();
    values[0] = 3.0F;
    values[19999] = 4.0F;  // another block
    BOOST_TEST(clip_by_global_norm(gradients, 0.0) == 5.0);
    BOOST_TEST(clip_by_global_norm(gradients, 10.0) == 5.0);
    BOOST_TEST(values[0] == 3.0F);
    BOOST_TEST(clip_by_global_norm(gradients, 1.0) == 5.0);
    BOOST_TEST(std::abs(values[0] - 0.6F) < 1e-6F);
    BOOST_TEST(clip_by_global_norm(gradients, 0.0) <= 1.0);
    values[7] = std::numeric_limits<float>::quiet_NaN();
    BOOST_TEST(std::isnan(clip_by_global_norm(gradients, 1.0)));
    BOOST_TEST(std::abs(values[0] - 0.6F) < 1e-6F);
}

BOOST_AUTO_TEST_SUITE_END()
