#include "optim/aten/operators.h"

#include "optim/layout.h"

namespace hpml::optim {

std::vector<Run> runs_of_equal_decay(const std::vector<Segment>& segments) {
    std::vector<Run> runs;
    for (const std::size_t i : by_place(segments)) {
        const Segment& segment = segments[i];
        const bool follows =
            !runs.empty() && runs.back().begin + runs.back().length == segment.offset;
        if (!follows || runs.back().decay != segment.decay) {
            runs.push_back({segment.offset, 0, segment.decay});
        }
        runs.back().length = segment.offset + segment.count() - runs.back().begin;
    }
    return runs;
}

at::Tensor view(const at::Tensor& flat, const Segment& segment) {
    return flat.narrow(0, segment.offset, segment.count()).view(segment.shape);
}

StateTensor piece(const std::string& prefix, const at::Tensor& state, const Segment& segment) {
    return {prefix + segment.name, view(state, segment), 0, segment.shape};
}

void scale_gradients(const at::Tensor& gradients, double factor) {
    if (factor != 1.0) {
        const at::Tensor target = gradients;
        target.mul_(factor);
    }
}

}  // namespace hpml::optim
