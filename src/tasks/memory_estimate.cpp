#include "tasks/memory_estimate.h"

#include <algorithm>
#include <cmath>

#include "comm/reproducible.h"
#include "model/activation_memory.h"
#include "model/parameters.h"

namespace hpml::tasks {

namespace {

constexpr double kFloat = 4;

/// What a process has beside its tensors, as /proc/PID/smaps tells it: pages of the libraries'
/// files (LibTorch 57 MB, HDF5, MPI), which the ranks of a node share, and what each has for
/// itself: LibTorch's table of operators (57 MB), relocated data (6), buffers of MKL (14) and of
/// MPI (4).
constexpr double kLibraryFiles = 80e6;
constexpr double kOwnProcess = 80e6;

/// Floats that the optimizer keeps for one parameter.
double state_of(const optim::OptimizerOptions& options, const model::ParameterSpec& part) {
    const auto count = static_cast<double>(part.count());
    const double first = options.first_moment == optim::FirstMoment::BF16 ? 0.5 : 1.0;
    if (options.name == "sgd") {
        return options.momentum.value_or(1.0) > 0.0 ? count : 0.0;
    }
    if (options.name == "muon") {
        return optim::is_hidden_matrix(part.name, part.shape) ? count : 2.0 * count;
    }
    if (options.name != "adafactor") {
        return (1.0 + first) * count;
    }
    return (part.shape.size() < 2 ? count : static_cast<double>(part.shape[0] + part.shape[1])) +
           (options.adafactor_momentum ? count : 0.0);
}

double optimizer_state(const PretrainOptions& options, const model::ModelConfig& config) {
    double elements = 0;
    for (const auto& leaf : model::leaf_specs(config, model::Head::MaskedLm)) {
        for (const auto& part : leaf.parts) {
            elements += state_of(options.optimizer, part);
        }
    }
    return elements;
}

/// That a micro-batch of rows in random order seldom exceeds: the mean and two deviations, where
/// rows of this mean and of at most this length vary as much as they can (their variance is at most
/// mean * (longest - mean), Bhatia and Davis 2000).
std::int64_t most_tokens(std::int64_t count, const RowLengths& rows) {
    const auto longest = static_cast<double>(rows.longest);
    const double deviation = std::sqrt(std::max(0.0, rows.mean * (longest - rows.mean)));
    const auto many = static_cast<double>(count);
    return static_cast<std::int64_t>(
        std::min(many * longest, std::ceil(many * rows.mean + 2 * std::sqrt(many) * deviation)));
}

}  // namespace

RowLengths row_lengths(const corpus::Manifest& manifest) {
    const auto longest = static_cast<double>(manifest.sequence_length);
    const std::int64_t count = manifest.train_rows();
    const bool is_counted = count > 0 && manifest.train_tokens > 0;
    return {manifest.sequence_length,
            is_counted ? static_cast<double>(manifest.train_tokens) / static_cast<double>(count)
                       : longest};
}

Bytes MemoryEstimate::total() const {
    Bytes sum;
    for (const auto& [name, bytes] : parts) {
        sum += bytes;
    }
    return sum;
}

MemoryEstimate estimate_memory(const PretrainOptions& options, const model::ModelConfig& config,
                               const RowLengths& rows, JobRanks ranks) {
    const auto bytes = [](double floats) {
        return Bytes(static_cast<std::uint64_t>(floats * kFloat));
    };
    const double parameters =
        static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    // About: a shard of Adafactor or Muon ends between whole tensors.
    const double share = options.zero1 ? 1.0 / std::max(1, ranks.all) : 1.0;
    model::ActivationShape shape;
    shape.tokens = most_tokens(options.micro_batch, rows);
    shape.longest = rows.longest;
    shape.labels = static_cast<std::int64_t>(
        std::ceil(static_cast<double>(shape.tokens) * options.masking_rate));
    shape.threads = std::max(1, options.threads);
    shape.dropout = options.dropout > 0;
    const double process = kOwnProcess + kLibraryFiles / std::max(1, ranks.of_node);
    MemoryEstimate estimate{
        {{"process and libraries", Bytes(static_cast<std::uint64_t>(process))},
         {"parameters", bytes(parameters)},
         {"gradients", bytes(parameters)},
         {"optimizer state (" + options.optimizer.name + ")",
          bytes(share * optimizer_state(options, config))},
         {"activations of a micro-batch",
          model::activation_memory(config, shape, options.activation_checkpointing)}},
        Bytes(estimate_checkpoint(options, config).value /
              static_cast<std::uint64_t>(std::max(1, ranks.all)))};
    if (options.communication.all_reduce.reproducible == comm::Reproducible::Elastic) {
        // Whole numbers of 64 bits (comm/elastic_sum.h).
        estimate.parts.emplace_back("elastic sums", bytes(2 * parameters));
    }
    return estimate;
}

Bytes estimate_checkpoint(const PretrainOptions& options, const model::ModelConfig& config) {
    const double parameters =
        static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    return Bytes(
        static_cast<std::uint64_t>((parameters + optimizer_state(options, config)) * kFloat));
}

}  // namespace hpml::tasks
