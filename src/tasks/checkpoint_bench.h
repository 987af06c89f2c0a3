#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/units.h"
#include "mpi/communicator.h"
#include "tasks/step_bench.h"
#include "train/accelerator.h"

namespace hpml::tasks {

struct CheckpointBenchOptions {
    StepBenchOptions step;         ///< its `steps` are those of a block
    std::string model;             ///< as named_model() takes it; what checkpoints say of it
    std::filesystem::path folder;  ///< on the file system in question; what is written there goes
    int rounds = 2;
    bool only_beside = false;  ///< no blocks without a save and no saves alone: for the memory
};

/// One save of every round.
struct SaveTimes {
    Seconds stopped;        ///< that rank 0's loop stood still for a save beside the steps
    Seconds beside;         ///< from its first byte to its name, beside the steps
    Seconds alone;          ///< the same while nothing is computed
    Seconds block;          ///< all steps of a block with one save
    Seconds free_block;     ///< as many steps without
    bool is_within = true;  ///< the save was over before its block was
};

struct CheckpointRates {
    Bytes bytes;  ///< of one checkpoint, in files
    std::vector<SaveTimes> rounds;
    Seconds step;     ///< median of a step without a save, as slow as the slowest rank
    Seconds stopped;  ///< the longest of the rounds
    Seconds beside;   ///< medians
    Seconds alone;
    Seconds lost;  ///< by which a block with a save was longer, median; may be negative
};

/// Time the saves of a pretraining with this model: blocks of steps with one save and without, in
/// turn, and saves alone; by the code of hpml_pretrain. Collective.
/// @throw IoError if a save fails, OutputError if the folder cannot be made
[[nodiscard]] CheckpointRates measure_checkpoints(const CheckpointBenchOptions& options,
                                                  const mpi::Communicator& ranks,
                                                  const train::Accelerator& accelerator,
                                                  comm::Progress progress, const Log& log);

}  // namespace hpml::tasks
