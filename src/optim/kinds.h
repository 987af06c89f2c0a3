#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "optim/layout.h"
#include "optim/optimizer.h"

namespace hpml::optim {

inline constexpr double kDefaultMomentum = 0.9;       // SGD
inline constexpr double kDefaultMuonMomentum = 0.95;  // torch.optim.Muon

/// What an optimizer is made of. Options, segments and shard go together.
struct OptimizerPlan {
    OptimizerOptions options;
    std::vector<Segment> segments;
    Shard shard;       ///< the whole buffer, if the state is not sharded
    SumOverRanks sum;  ///< empty: nobody else holds a shard
};

/// Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019), as torch.optim computes them.
[[nodiscard]] std::unique_ptr<Optimizer> make_adam(OptimizerPlan plan);
/// LAMB (You et al., "Large batch optimization for deep learning: training BERT in 76 minutes",
/// ICLR 2020, algorithm 2) with the options of apex's and DeepSpeed's FusedLAMB. Two passes: the
/// first leaves the update in the gradient's place, where the second takes it from.
[[nodiscard]] std::unique_ptr<Optimizer> make_lamb(OptimizerPlan plan);
/// Adafactor (Shazeer & Stern 2018), as Hugging Face's transformers computes it.
[[nodiscard]] std::unique_ptr<Optimizer> make_adafactor(OptimizerPlan plan);
/// Stochastic gradient descent as torch.optim.SGD with dampening 0.
[[nodiscard]] std::unique_ptr<Optimizer> make_sgd(OptimizerPlan plan);

/// The same where the buffers are not in the CPU's memory: LibTorch's operators, not sharded.
[[nodiscard]] std::unique_ptr<Optimizer> make_adam_on_device(const OptimizerOptions& options,
                                                             std::vector<Segment> segments,
                                                             const at::Tensor& like);
[[nodiscard]] std::unique_ptr<Optimizer> make_lamb_on_device(const OptimizerOptions& options,
                                                             std::vector<Segment> segments,
                                                             const at::Tensor& like);
[[nodiscard]] std::unique_ptr<Optimizer> make_adafactor_on_device(const OptimizerOptions& options,
                                                                  std::vector<Segment> segments,
                                                                  const at::Tensor& like);
[[nodiscard]] std::unique_ptr<Optimizer> make_sgd_on_device(const OptimizerOptions& options,
                                                            std::vector<Segment> segments,
                                                            const at::Tensor& like);

/// Muon (Jordan et al. 2024) for the hidden matrices as torch.optim.Muon computes it; AdamW, made
/// from the other segments, for the rest. On any device.
[[nodiscard]] std::unique_ptr<Optimizer> make_muon(OptimizerPlan plan, const at::Tensor& like,
                                                   std::unique_ptr<Optimizer> others);

}  // namespace hpml::optim
