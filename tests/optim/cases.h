#pragma once

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "optim/flat.h"
#include "optim/optimizer.h"

namespace hpml::test {

using namespace hpml::optim;

/// The optimizers and options of tests/golden/make_optim.py, by its names.
struct Case {
    std::string name;
    OptimizerOptions options;
    double clip_norm = 0.0;
    /// Of a value after 100 steps. bfloat16 rounds what differs in the last bit of a float to
    /// neighbours, and Newton-Schulz iterations carry such a difference on.
    double tolerance = 1e-5;
};

inline std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

inline OptimizerOptions adam(const std::string& name) {
    OptimizerOptions options;
    options.name = name;
    options.beta2 = 0.98;
    return options;
}

inline OptimizerOptions lamb(double decay) {
    OptimizerOptions options;
    options.name = "lamb";
    options.weight_decay = decay;
    return options;
}

inline OptimizerOptions adafactor(double decay) {
    OptimizerOptions options;
    options.name = "adafactor";
    options.weight_decay = decay;
    return options;
}

inline std::vector<Case> cases() {
    std::vector<Case> all = {{"adamw", adam("adamw")},
                             {"adam", adam("adam")},
                             {"lamb", lamb(0.01)},
                             {"lamb_clamped", lamb(0.01)},
                             {"lamb_excluded", lamb(0.01)},
                             {"lamb_uncorrected", lamb(0.0)},
                             {"adafactor", adafactor(0.01)},
                             {"adafactor_momentum", adafactor(0.01)},
                             {"adafactor_relative", adafactor(0.0)},
                             {"adafactor_warmup", adafactor(0.0)},
                             {"adamw_clipped", adam("adamw"), 1.0},
                             {"adamw_narrow", adam("adamw"), 0.0, 5e-4},
                             {"lamb_apex", lamb(0.01)},
                             {"lamb_deepspeed", lamb(0.01)},
                             {"lamb_not_averaging", lamb(0.01)},
                             {"lamb_narrow", lamb(0.01), 0.0, 5e-4},
                             {"sgd", adam("sgd")},
                             {"sgd_nesterov", adam("sgd")},
                             {"sgd_plain", adam("sgd")},
                             {"muon", adam("muon"), 0.0, 5e-3},
                             {"muon_original", adam("muon"), 0.0, 5e-3}};
    all[3].options.trust_ratio_min = 0.01;
    all[3].options.trust_ratio_max = 0.3;
    all[4].options.adapt_without_decay = false;
    all[5].options.bias_correction = false;
    all[7].options.adafactor_momentum = true;
    for (const std::size_t i : {8, 9}) {
        all[i].options.relative_step = true;
        all[i].options.scale_parameter = true;
    }
    all[9].options.warmup_init = true;
    all[11].options.first_moment = FirstMoment::BF16;
    all[12].options.adapt_without_decay = false;
    all[12].options.max_grad_norm = 1.0;
    all[13].options.trust_ratio_min = 0.01;
    all[13].options.trust_ratio_max = 10.0;
    all[13].options.bias_correction = false;
    all[14].options.grad_averaging = false;
    all[15].options.first_moment = FirstMoment::BF16;
    all[17].options.nesterov = true;
    all[18].options.momentum = 0.0;
    all[20].options.adjust_lr = "original";
    all[20].options.nesterov = false;
    return all;
}

/// The formulas of make_optim.py; element numbers run through all parameters without padding.
inline void fill(const test::Flat& flat, const at::Tensor& whole, int step) {
    std::int64_t i = 0;
    for (std::size_t s = 0; s < flat.segments.size(); ++s) {
        auto* values = flat.of_segment(whole, s).data_ptr<float>();
        for (std::int64_t k = 0; k < flat.segments[s].count(); ++k, ++i) {
            values[k] = step < 0 ? static_cast<float>((i * 53) % 97 - 48) / 32.0F
                                 : std::ldexp(static_cast<float>((i * 37 + step * 101) % 211 - 105),
                                              -6 - static_cast<int>(i % 5));
        }
    }
}

/// Those cases of which `keep` holds.
template <class Keep>
std::vector<Case> cases_where(const Keep& keep) {
    std::vector<Case> some = cases();
    std::erase_if(some, [&](const Case& one) { return !keep(one); });
    return some;
}

inline const std::vector<std::vector<std::int64_t>> kShapes = {
    {12, 10}, {7}, {1}, {3, 4, 5}, {130, 80}};

}  // namespace hpml::test
