#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/units.h"
#include "model/config.h"
#include "tasks/pretrain.h"

namespace hpml::tasks {

/// A checkpoint that lies in a run's folder.
struct HeldCheckpoint {
    Step step;
    std::string milestone;  ///< why it stays for good; empty: it goes when newer ones come
};

/// Checkpoints of one run on the disk at once.
struct CheckpointCount {
    std::int64_t at_once = 0;   ///< most until the run's end, with the one that is being written
    std::int64_t for_good = 0;  ///< of these, milestones
};
/// What a run that goes on behind the newest of `held` will have come to when it ends. Without a
/// number of steps those of --keep-every to come are not counted.
/// @param options  resolved
/// @param held  by step, oldest first
[[nodiscard]] CheckpointCount count_checkpoints(const PretrainOptions& options,
                                                const std::vector<HeldCheckpoint>& held);

/// What a run's checkpoints will still take, and what their file system has left.
struct SpaceEstimate {
    std::filesystem::path folder;      ///< an existing one on that file system
    std::int64_t to_come = 0;          ///< most at once until the run's end, less those there
    std::int64_t for_good = 0;         ///< of these, at most so many milestones
    std::int64_t uncounted_every = 0;  ///< steps of further milestones, nobody knows how many; 0:
                                       ///< there are none
    Bytes needed;                      ///< for all saves to begin, see checkpoint::kSpaceToSpare
    Bytes available;
    [[nodiscard]] bool fits() const { return needed <= available; }
    /// "8 to come, 5 of them for good (--keep-every, --milestones)" and what is not counted.
    [[nodiscard]] std::string counted() const;
    /// What is short and what to try.
    [[nodiscard]] std::string explain() const;
};
/// @param options  resolved; its run need not exist
[[nodiscard]] SpaceEstimate estimate_space(const PretrainOptions& options,
                                           const model::ModelConfig& config);

/// The milestone of a checkpoint at this share of the budget, as its manifest tells it.
[[nodiscard]] std::string milestone_label(double share);

}  // namespace hpml::tasks
