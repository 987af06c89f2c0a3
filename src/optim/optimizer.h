#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
    bool hidden_matrix = false;  ///< Muon takes it; not for embeddings, norms, biases and heads

    [[nodiscard]] std::int64_t count() const;
};

/// Whether a parameter of this name is a matrix of an encoder's layers.
[[nodiscard]] bool is_hidden_matrix(std::string_view name, const std::vector<std::int64_t>& shape);

/// An interval [begin, end) of the flat buffers.
struct Shard {
    std::int64_t begin = 0;
    std::int64_t end = 0;

    [[nodiscard]] std::int64_t length() const { return end - begin; }
    bool operator==(const Shard&) const = default;
};

/// Replace `values` by their sums over all ranks that hold a shard. Every element is zero on all
/// ranks but one, so that any order of adding gives the same bits.
using SumOverRanks = std::function<void(std::span<double> values)>;

/// This rank's part of a state that is sharded over the ranks (ZeRO-1; Rajbhandari et al. 2020).
struct Sharding {
    Shard own;         ///< one of shards()
    SumOverRanks sum;  ///< called by step() the same number of times on every rank (LAMB)
};

/// A piece of optimizer state under the name of its parameter, for checkpoints.
struct StateTensor {
    std::string name;   ///< e.g. "exp_avg.bert.embeddings.word_embeddings.weight"
    at::Tensor tensor;  ///< a view: writing into it restores the state; flat where it is a piece
    std::int64_t first = 0;  ///< of the whole tensor, the element with which it begins
    std::vector<std::int64_t> whole = {};  ///< the whole tensor's shape

    [[nodiscard]] bool is_whole() const;
};

enum class FirstMoment { F32, BF16 };

struct OptimizerOptions {
    std::string name = "adamw";  ///< lamb, adafactor, adamw, adam, sgd, muon
    double beta1 = 0.9;          ///< Adafactor: first moment only if > 0 and adafactor_momentum
    double beta2 = 0.999;
    double epsilon = 1e-6;
    double weight_decay = 0.01;
    bool bias_correction = true;
    FirstMoment first_moment = FirstMoment::F32;  ///< Adam, AdamW, LAMB: kept as bfloat16
    double max_grad_norm = 0.0;    ///< LAMB: gradients are divided by norm / this where that is
                                   ///< above 1 (apex: 1; DeepSpeed: 0, which is off)
    bool grad_averaging = true;    ///< LAMB: m takes (1 - beta1) g; off: g (apex)
    double trust_ratio_min = 0.0;  ///< LAMB: clamp of ||w|| / ||u|| (DeepSpeed's min_coeff)
    double trust_ratio_max = 0.0;  ///< LAMB: max_coeff; 0: no clamp
    bool adapt_without_decay =
        true;  ///< LAMB: trust ratio also where decay is off (the paper; apex use_nvlamb)
    bool relative_step = false;                     ///< Adafactor
    bool scale_parameter = false;                   ///< Adafactor
    bool warmup_init = false;                       ///< Adafactor
    bool adafactor_momentum = false;                ///< Adafactor: keep a first moment with beta1
    double decay_rate = -0.8;                       ///< Adafactor
    double clip_threshold = 1.0;                    ///< Adafactor
    std::optional<double> momentum = std::nullopt;  ///< SGD: 0.9 if not set; Muon: 0.95
    std::optional<bool> nesterov = std::nullopt;    ///< SGD: off if not set; Muon: on
    std::int64_t ns_steps = 5;                      ///< Muon: Newton-Schulz iterations
    /// Muon: original (times sqrt(max(1, rows / columns))) or match_rms_adamw (times
    /// 0.2 sqrt(max(rows, columns)), so that AdamW's rate and decay serve both)
    std::string adjust_lr = "match_rms_adamw";
};

/// What one step is told.
struct StepArguments {
    double learning_rate = 0;
    double gradient_scale = 1;  ///< gradients are multiplied by it in the same pass over memory
    /// L2 norm of all gradients after scaling, if known: saves LAMB's max_grad_norm a pass
    std::optional<double> gradient_norm = std::nullopt;
    /// In place of momentum, or beta1, of the options
    std::optional<double> momentum = std::nullopt;
};

/// An optimizer over flat fp32 buffers on any device. It knows neither arena nor model. On the CPU
/// the bits depend neither on the number of threads nor on the instruction set, nor on how the
/// state is sharded (Muon's matrix products: as far as LibTorch keeps to that).
class Optimizer {
  public:
    virtual ~Optimizer() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// One update, in place; advances the step count t (1 at the first call). With a shard only its
    /// elements are read and written, and the call is collective where SumOverRanks is.
    /// @param parameters, gradients  flat [n], as the segments lie; what is finite. The gradients'
    /// values may be changed.
    void step(const at::Tensor& parameters, const at::Tensor& gradients,
              const StepArguments& arguments) {
        ++steps_taken_;
        update(parameters, gradients, arguments);
    }
    void step(const at::Tensor& parameters, const at::Tensor& gradients, double learning_rate) {
        step(parameters, gradients, StepArguments{.learning_rate = learning_rate});
    }
    /// Everything but the step count that the next step depends on, in segment order; with a shard,
    /// the pieces in it.
    [[nodiscard]] virtual std::vector<StateTensor> state() = 0;
    [[nodiscard]] std::int64_t steps_taken() const { return steps_taken_; }
    /// Virtual for an optimizer that is made of others.
    virtual void set_steps_taken(std::int64_t steps) { steps_taken_ = steps; }

  protected:
    virtual void update(const at::Tensor& parameters, const at::Tensor& gradients,
                        const StepArguments& arguments) = 0;

    std::int64_t steps_taken_ = 0;
};

/// @throw UsageError for an unknown name or options that exclude each other
void check_optimizer(const OptimizerOptions& options);

/// @param like  a tensor of the flat buffers' length; gives the device of the state
/// @param sharding  keep and update one shard only; on the CPU
/// @throw UsageError as check_optimizer
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerOptions& options, std::vector<Segment> segments, const at::Tensor& like,
    const std::optional<Sharding>& sharding = std::nullopt);

/// The intervals that the ranks own where the state is sharded: they adjoin, cover [0, total) and
/// are about equally long; some may be empty. They end where the optimizer allows it: between
/// blocks of 8,192 elements, counted from each segment's beginning, or between whole segments for
/// Adafactor and Muon, which see a tensor at once.
[[nodiscard]] std::vector<Shard> shards(const std::vector<Segment>& segments, std::int64_t total,
                                        int ranks, const OptimizerOptions& options);

/// What gradients of this norm are multiplied by so that it is at most `max_norm` (0: 1).
[[nodiscard]] double clip_factor(double norm, double max_norm);

/// Sum of squares of a flat tensor, in fixed blocks: single precision within a block, double above.
[[nodiscard]] double sum_of_squares(const at::Tensor& flat);

/// Scale `gradients` so that their global L2 norm is at most `max_norm` (0: leave them).
/// @return the norm before clipping; not finite if any element is not
double clip_by_global_norm(const at::Tensor& gradients, double max_norm);

}  // namespace hpml::optim
