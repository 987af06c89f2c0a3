#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "comm/engine.h"
#include "model/bert.h"
#include "mpi/communicator.h"
#include "train/accelerator.h"
#include "train/communication.h"

namespace hpml::tasks {

struct StepBenchOptions {
    model::ModelConfig model;
    model::BertOptions computation{};
    std::string optimizer = "adamw";
    train::CommunicationOptions communication;
    std::int64_t micro_batch = 8;
    std::int64_t accumulation = 1;
    std::int64_t sequence_length = 128;
    double masking_rate = 0.15;
    double dropout = 0.0;
    int warmup_steps = 2;
    int steps = 10;
    std::filesystem::path rows;  ///< data folder whose masked rows are taken; empty: random ones
    std::filesystem::path exchange;  ///< folder for the first weights and all batches; empty: none
};

struct StepRates {
    double median_seconds = 0;     ///< of a whole optimizer step, as slow as the slowest rank
    double tokens_per_second = 0;  ///< of all ranks, padding does not exist
    double product_rate = 0;       ///< flop/s of a rank in fp32 matrix products, measured before
    double flop_rate = 0;          ///< flop/s of a rank over whole steps, in matrix products
    std::vector<double> losses;    ///< of all steps, the first ones included
    double exposed_share = 0;      ///< of the step spent waiting for the all-reduce, rank 0
    double last_loss = 0;
};

/// Time whole training steps on full rows of random tokens, or on rows of a corpus. Collective.
[[nodiscard]] StepRates measure_steps(const StepBenchOptions& options,
                                      const mpi::Communicator& ranks,
                                      const train::Accelerator& accelerator,
                                      comm::Progress progress, const Log& log);
/// What the engine costs where it has nothing to communicate: the median, over steps taken in turn,
/// of the time of a step with it divided by that of the same step without (a second model in plain
/// memory, no hooks, no reducer). One rank.
[[nodiscard]] double measure_engine_cost(const StepBenchOptions& options,
                                         const mpi::Communicator& ranks,
                                         const train::Accelerator& accelerator, const Log& log);

}  // namespace hpml::tasks
