#include "tasks/optimizer_bench.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/median.h"
#include "model/parameters.h"
#include "optim/kernels/triad.h"
#include "optim/optimizer.h"

namespace hpml::tasks {

namespace {

/// More than any last-level cache holds: 160 MB an array.
constexpr std::int64_t kTriadElements = 20'000'000;

constexpr std::int64_t kAlignment = 16;  // elements, as a model's flat buffers have it

/// Of about this size are the gradients.
constexpr float kGradient = 1e-3F;

/// A thread's share of a loop over memory.
constexpr std::int64_t kGrain = 4096;

std::vector<optim::Segment> segments_of(const model::ModelConfig& config) {
    std::vector<optim::Segment> segments;
    std::int64_t offset = 0;
    for (const auto& leaf : model::leaf_specs(config, model::Head::MaskedLm)) {
        for (const auto& part : leaf.parts) {
            segments.push_back({part.name, offset, part.shape, part.decay});
            offset += (part.count() + kAlignment - 1) / kAlignment * kAlignment;
        }
    }
    return segments;
}

/// Numbers of both signs between 1/2 and 1 times `size`, from the threads that will use them.
void fill(const at::Tensor& values, float size) {
    auto* to = values.mutable_data_ptr<float>();
    at::parallel_for(0, values.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto share = 0.5F + static_cast<float>(i * 7919 % 8192) / 16384.0F;
            to[i] = i % 3 == 0 ? -size * share : size * share;
        }
    });
}

/// One way, and how long each of its steps took.
struct Way {
    MemoryRate rate;
    double elements = 0;
    std::function<void()> step;
    std::vector<double> seconds;
};

using Triad = void (*)(double*, const double*, const double*, double, std::size_t);

Way triad_way(const std::string& name, Triad triad) {
    const auto arrays = std::make_shared<at::Tensor>(at::empty({3, kTriadElements}, at::kDouble));
    auto* first = arrays->mutable_data_ptr<double>();
    at::parallel_for(0, kTriadElements, kGrain, [&](std::int64_t begin, std::int64_t end) {
        for (int k = 0; k < 3; ++k) {
            std::fill(first + k * kTriadElements + begin, first + k * kTriadElements + end, 1.0);
        }
    });
    const auto step = [arrays, first, triad] {
        at::parallel_for(0, kTriadElements, kGrain, [&](std::int64_t begin, std::int64_t end) {
            triad(first + begin, first + kTriadElements + begin, first + 2 * kTriadElements + begin,
                  3.0, static_cast<std::size_t>(end - begin));
        });
    };
    return {{name, 24.0, 0.0, 0.0}, static_cast<double>(kTriadElements), step, {}};
}

Way optimizer_way(const std::string& name, double bytes,
                  const std::vector<optim::Segment>& segments, const at::Tensor& parameters,
                  const at::Tensor& gradients) {
    optim::OptimizerOptions options;
    options.name = name;
    const std::shared_ptr<optim::Optimizer> optimizer =
        optim::make_optimizer(options, segments, parameters);
    double count = 0;
    for (const auto& segment : segments) {
        count += static_cast<double>(segment.count());
    }
    const auto step = [optimizer, parameters, gradients] {
        optimizer->step(parameters, gradients, {.learning_rate = 1e-6, .gradient_scale = 0.5});
    };
    return {{name, bytes, 0.0, 0.0}, count, step, {}};
}

}  // namespace

std::vector<MemoryRate> measure_optimizers(const model::ModelConfig& config, int rounds) {
    const std::vector<optim::Segment> segments = segments_of(config);
    const std::int64_t total = segments.back().offset +
                               (segments.back().count() + kAlignment - 1) / kAlignment * kAlignment;
    const at::Tensor parameters = at::empty({total}, at::kFloat);
    const at::Tensor gradients = at::empty({total}, at::kFloat);
    fill(parameters, 0.02F);
    std::vector<Way> ways = {triad_way("triad", optim::triad),
                             triad_way("streaming triad", optim::triad_streaming)};
    const std::vector<std::pair<std::string, double>> optimizers = {
        {"adamw", 28.0}, {"adam", 28.0}, {"lamb", 40.0}, {"adafactor", 24.0}, {"sgd", 20.0}};
    for (const auto& [name, bytes] : optimizers) {
        ways.push_back(optimizer_way(name, bytes, segments, parameters, gradients));
    }
    for (int round = 0; round <= rounds; ++round) {
        for (Way& way : ways) {
            fill(gradients, kGradient);  // LAMB leaves its update there
            const Stopwatch watch;
            way.step();
            if (round > 0) {
                way.seconds.push_back(watch.elapsed().value);
            }
        }
    }
    std::vector<MemoryRate> rates;
    for (Way& way : ways) {
        way.rate.median_seconds = median_of(way.seconds);
        way.rate.bytes_per_second = way.elements * way.rate.bytes_each / way.rate.median_seconds;
        rates.push_back(way.rate);
    }
    return rates;
}

}  // namespace hpml::tasks
