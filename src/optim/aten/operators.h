#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "optim/optimizer.h"

namespace hpml::optim {

/// Segments of equal decay that follow each other without a gap.
struct Run {
    std::int64_t begin = 0;
    std::int64_t length = 0;
    bool decay = true;

    /// The elements of `flat` that it covers.
    [[nodiscard]] at::Tensor of(const at::Tensor& flat) const {
        return flat.narrow(0, begin, length);
    }
};

[[nodiscard]] std::vector<Run> runs_of_equal_decay(const std::vector<Segment>& segments);

/// The elements of `flat` that are `segment`, in its shape.
[[nodiscard]] at::Tensor view(const at::Tensor& flat, const Segment& segment);

/// The part of `state` that is `segment`'s, under `prefix` and its name.
[[nodiscard]] StateTensor piece(const std::string& prefix, const at::Tensor& state,
                                const Segment& segment);

/// Bring the gradients to the scale that the step's arguments ask for, in place: a launch and a
/// pass more, where memory is fast.
void scale_gradients(const at::Tensor& gradients, double factor);

}  // namespace hpml::optim
