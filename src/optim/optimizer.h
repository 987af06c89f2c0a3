#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hpml::optim {

/// One parameter's place in the flat buffers. Segments do not overlap; what lies between them is
/// padding, zero in parameters and gradients, and stays zero.
struct Segment {
    std::string name;
    std::int64_t offset = 0;  ///< elements
    std::vector<std::int64_t> shape;
    bool decay = true;

    [[nodiscard]] std::int64_t count() const;
};

/// A piece of optimizer state under the name of its parameter, for checkpoints.
struct StateTensor {
    std::string name;   ///< e.g. "exp_avg.bert.embeddings.word_embeddings.weight"
    at::Tensor tensor;  ///< a view: writing into it restores the state
};

struct OptimizerOptions {
    std::string name = "adamw";  ///< lamb, adafactor, adamw, adam
    double beta1 = 0.9;          ///< Adafactor: first moment only if > 0 and adafactor_momentum
    double beta2 = 0.999;
    double epsilon = 1e-6;
    double weight_decay = 0.01;
    bool bias_correction = true;
    double trust_ratio_min = 0.0;  ///< LAMB: clamp of ||w|| / ||u||; max 0: no clamp
    double trust_ratio_max = 0.0;
    bool adapt_without_decay =
        true;  ///< LAMB: trust ratio also where decay is off (the paper; apex use_nvlamb)
    bool relative_step = false;       ///< Adafactor
    bool scale_parameter = false;     ///< Adafactor
    bool warmup_init = false;         ///< Adafactor
    bool adafactor_momentum = false;  ///< Adafactor: keep a first moment with beta1
    double decay_rate = -0.8;         ///< Adafactor
    double clip_threshold = 1.0;      ///< Adafactor
};

/// An optimizer over flat fp32 buffers on any device. It knows neither arena nor model.
class Optimizer {
  public:
    virtual ~Optimizer() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// One update, in place; advances the step count t (1 at the first call).
    /// @param parameters, gradients  flat [n], as the segments lie
    virtual void step(const at::Tensor& parameters, const at::Tensor& gradients,
                      double learning_rate) = 0;
    /// Everything but the step count that the next step depends on, in segment order.
    [[nodiscard]] virtual std::vector<StateTensor> state() = 0;
    [[nodiscard]] std::int64_t steps_taken() const { return steps_taken_; }
    void set_steps_taken(std::int64_t steps) { steps_taken_ = steps; }

  protected:
    std::int64_t steps_taken_ = 0;
};

/// @param total  length of the flat buffers; `like` gives device and dtype of the state
/// @throw UsageError for an unknown name or options that exclude each other
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                                        std::vector<Segment> segments,
                                                        const at::Tensor& like);

/// What gradients of this norm are multiplied by so that it is at most `max_norm` (0: 1).
[[nodiscard]] double clip_factor(double norm, double max_norm);

/// Scale `gradients` so that their global L2 norm is at most `max_norm` (0: leave them).
/// @return the norm before clipping; not finite if any element is not
double clip_by_global_norm(const at::Tensor& gradients, double max_norm);

}  // namespace hpml::optim
