#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/options.h"
#include "tasks/step_bench.h"

namespace hpml {

/// What all subcommands of hpml_bench are told; each reads what it needs.
struct BenchOptions {
    std::string what;
    std::optional<std::filesystem::path> json;
    std::filesystem::path data = "data/prepared";
    std::string model = "base";
    tasks::StepBenchOptions step;
    std::string precision = "fp32";
    std::filesystem::path rows;
    std::filesystem::path exchange;
    std::string device = "auto";
    int threads = 0;
    std::vector<std::string> algorithms;
    std::string compare = "mpi";
    bool elastic = false;
    std::uint64_t smallest = 8;
    double largest_mib = 256;
    std::int64_t growth = 8;
    Seconds time_per_size{1};
    std::int64_t micro_batches = 2000;
    std::optional<std::filesystem::path> timeline;
    std::filesystem::path cluster;
    std::int64_t simulated_ranks = 8;
    std::int64_t global_batch = 0;
    std::optional<double> compute_seconds;
    std::filesystem::path vocabulary;
    std::vector<std::filesystem::path> text;
    std::int64_t passes = 5;
    std::filesystem::path folder = ".";
    int rounds = 2;
    bool only_beside = false;
};

void declare_bench_options(OptionTable& table, BenchOptions& options);

}  // namespace hpml
