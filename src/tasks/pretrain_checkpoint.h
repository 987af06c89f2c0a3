#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "corpus/manifest.h"
#include "tasks/pretrain.h"
#include "tasks/resume_settings.h"
#include "text/tokenizer.h"
#include "train/budget.h"
#include "train/replica.h"

namespace hpml::tasks {

/// Where a run stands, beside weights and optimizer.
struct RunCounters {
    Step step;  ///< steps done
    /// Of training, where the run depends on a clock. Else a checkpoint holds no time, so that the
    /// same steps give the same bytes.
    std::optional<Seconds> time = std::nullopt;
    std::int64_t skipped = 0;  ///< updates in a row that were left out, not finite
    Step data_shift{0};        ///< the data of a step is that of step + data_shift
};

/// What all checkpoints of a start have in common. A run lasts for weeks, in which the files of
/// --data, --vocab and --model may be moved or changed: it goes on with what it has begun with.
struct CommonContents {
    RecordedSettings settings;
    Json config;  ///< of the model, as config.json holds it
    std::int64_t max_positions = 0;
    std::vector<text::TokenizerFile> tokenizer;  ///< on rank 0, which writes the small files
};
/// Reads the files. Collective.
/// @throw InputError, MissingInputError, also for a tokenizer that is not the corpus's
[[nodiscard]] CommonContents common_contents(const PretrainOptions& options,
                                             const corpus::Manifest& manifest,
                                             const mpi::Communicator& ranks);

/// The whole state of a pretraining, as a checkpoint holds it; of a sharded state this rank's part.
/// Reads no file. Collective.
[[nodiscard]] checkpoint::Contents checkpoint_contents(train::Replica& replica,
                                                       const RunCounters& counters,
                                                       const PretrainOptions& options,
                                                       const CommonContents& common,
                                                       const mpi::Communicator& ranks);

/// Put a verified checkpoint's weights, optimizer state and counters into the replica of every
/// rank: each reads its share, and the others receive it. Collective.
/// @throw InputError, the same on every rank
RunCounters restore(train::Replica& replica, const std::filesystem::path& folder,
                    const mpi::Communicator& ranks);

/// How far the run of a verified checkpoint had come, as its state.json tells; of validations that
/// knows nothing. Local.
/// @throw InputError
[[nodiscard]] train::RunProgress progress_of(const std::filesystem::path& folder);

}  // namespace hpml::tasks
