#pragma once

#include <cstdint>

#include "corpus/batch.h"
#include "tasks/step_bench.h"

namespace hpml::tasks {

/// A micro-batch of full rows of random ids, a fixed share of them masked; `number` says which.
[[nodiscard]] corpus::Batch random_batch(const StepBenchOptions& options, std::int64_t number);

}  // namespace hpml::tasks
