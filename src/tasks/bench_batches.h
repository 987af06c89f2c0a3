#pragma once

#include <cstdint>
#include <memory>

#include "corpus/batch.h"
#include "corpus/micro_batch_source.h"
#include "mpi/communicator.h"
#include "tasks/step_bench.h"
#include "train/replica.h"

namespace hpml::tasks {

/// The micro-batches of a measurement: full rows of random tokens, or masked rows of a corpus.
class BenchBatches {
  public:
    /// @throw as corpus::read_manifest and corpus::read_tokenizer
    BenchBatches(const StepBenchOptions& options, int rank, int ranks);
    /// Micro-batch `micro` of this rank in `step`, counted with the warm-up.
    [[nodiscard]] corpus::Batch make(int step, std::int64_t micro);

  private:
    const StepBenchOptions& options_;
    std::int64_t rank_;
    std::int64_t ranks_;
    std::unique_ptr<corpus::MicroBatchSource> source_;
};

/// Give another program the same work: `model/` as Hugging Face's from_pretrained reads it, and
/// batches-RANK.safetensors with int64 tensors STEP.MICRO.tokens, .lengths (of the sequences),
/// .positions and .labels. Collective.
void write_exchange(const StepBenchOptions& options, train::Replica& replica,
                    const mpi::Communicator& ranks);

/// Floating-point operations of forward and backward pass in matrix products.
[[nodiscard]] double training_flops(const model::ModelConfig& config, const corpus::Batch& batch);

}  // namespace hpml::tasks
