#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "model/config.h"
#include "mpi/communicator.h"
#include "tasks/glue.h"
#include "text/tokenizer.h"
#include "train/replica.h"

namespace hpml::tasks {

/// What fine-tuning starts from.
struct GlueStart {
    model::ModelConfig config;  ///< with the task's number of labels
    std::unique_ptr<text::Tokenizer> tokenizer;
    std::filesystem::path weights;  ///< model.safetensors; empty: random weights
    std::string weights_hash;       ///< of that file, or "random"
};

/// Find and read configuration and tokenizer of `--init-from`; of a run, its newest
/// checkpoint that is whole (nothing in the run is changed: it may still be training). Collective.
/// @throw UsageError, MissingInputError, InputError, the same on every rank
[[nodiscard]] GlueStart open_start(const GlueOptions& options, const mpi::Communicator& ranks,
                                   const Log& log);

/// Fill the model from `start.weights`. Does nothing for random weights. Collective.
/// @return which tensors were loaded, which are new and which were ignored, to be said once
/// @throw InputError naming tensors without which the encoder cannot be what was trained
[[nodiscard]] std::string load_start(const GlueStart& start, train::Replica& replica,
                                     const mpi::Communicator& ranks);

}  // namespace hpml::tasks
