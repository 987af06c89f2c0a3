#pragma once

#include <ATen/TensorOperators.h>

#include <memory>
#include <vector>

#include "comm/select.h"
#include "comm/trace/trace.h"
#include "train/step.h"

namespace hpml::test {

/// One parameter vector w; a "micro-batch" i has loss weight_i * sum(w) * slope_i.
struct Toy {
    explicit Toy(const mpi::Communicator& communicator, double clip = 0,
                 comm::Trace* trace = nullptr)
        : ranks(communicator),
          memory(at::kCPU),
          arena(specs(), fusion::make_plan(specs(), mib(1)), memory),
          engine(comm::make_algorithm({.algorithm = "ring"}, ranks), comm::Progress::Inline,
                 {nullptr, trace}),
          reducer(arena, engine, comm::Examine::Yes, trace),
          optimizer(optim::make_optimizer(options(), {{"w", 0, {4}, true}}, arena.parameters())),
          runner({arena, reducer, *optimizer, ranks, nullptr, trace}, clip) {}

    static std::vector<model::LeafSpec> specs() {
        return {{{{"w", {4}, model::Init::Zeros, true}}}};
    }
    static optim::OptimizerOptions options() {
        optim::OptimizerOptions options;
        options.name = "adamw";
        return options;
    }
    [[nodiscard]] model::LossSum loss(double slope, std::int64_t weight) const {
        return {(arena.leaves()[0] * slope).sum() + static_cast<double>(weight), weight};
    }

    const mpi::Communicator& ranks;
    fusion::DeviceMemory memory;
    fusion::Arena arena;
    comm::Engine engine;
    fusion::Reducer reducer;
    std::unique_ptr<optim::Optimizer> optimizer;
    train::StepRunner runner;
};

}  // namespace hpml::test
