#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <string>
#include <utility>
#include <vector>

#include "optim/optimizer.h"

namespace hpml::test {

/// Segments laid out in flat buffers with `gap` elements of padding in front of each.
struct Flat {
    std::vector<optim::Segment> segments;
    at::Tensor parameters;
    at::Tensor gradients;

    static Flat of(const std::vector<std::vector<std::int64_t>>& shapes, std::int64_t gap) {
        Flat flat;
        std::int64_t offset = 0;
        for (std::size_t i = 0; i < shapes.size(); ++i) {
            offset += gap;
            flat.segments.push_back({"p" + std::to_string(i), offset, shapes[i],
                                     shapes[i].size() > 1, shapes[i].size() == 2});
            offset += flat.segments.back().count();
        }
        flat.parameters = at::zeros({offset + gap}, at::kFloat);
        flat.gradients = at::zeros({offset + gap}, at::kFloat);
        return flat;
    }

    [[nodiscard]] at::Tensor of_segment(const at::Tensor& whole, std::size_t i) const {
        return whole.narrow(0, segments[i].offset, segments[i].count());
    }
    void set(const at::Tensor& whole, std::size_t i, const std::vector<float>& values) const {
        auto* to = of_segment(whole, i).data_ptr<float>();
        std::copy(values.begin(), values.end(), to);
    }
    [[nodiscard]] std::vector<float> get(std::size_t i) const {
        const at::Tensor values = of_segment(parameters, i);
        const auto* from = values.const_data_ptr<float>();
        return {from, from + values.numel()};
    }
};

}  // namespace hpml::test
