#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "optim/optimizer.h"

namespace hpml::optim {

/// Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019), as torch.optim computes them.
[[nodiscard]] std::unique_ptr<Optimizer> make_adam(const OptimizerOptions& options,
                                                   std::vector<Segment> segments,
                                                   const at::Tensor& like);
/// LAMB (You et al., "Large batch optimization for deep learning: training BERT in 76 minutes",
/// ICLR 2020, algorithm 2).
[[nodiscard]] std::unique_ptr<Optimizer> make_lamb(const OptimizerOptions& options,
                                                   std::vector<Segment> segments,
                                                   const at::Tensor& like);
/// Adafactor (Shazeer & Stern 2018), as Hugging Face's transformers computes it.
[[nodiscard]] std::unique_ptr<Optimizer> make_adafactor(const OptimizerOptions& options,
                                                        std::vector<Segment> segments,
                                                        const at::Tensor& like);

}  // namespace hpml::optim
