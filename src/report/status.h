#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/units.h"
#include "report/process.h"

namespace hpml {

/// What a run directory is. `None`: nothing has run there.
enum class RunState { None, Running, Interrupted, Finished, Failed };

/// none, running, interrupted, finished, failed.
[[nodiscard]] std::string state_word(RunState state);

/// The content of status.json; keys in jobs/README.md. Written by rank 0.
struct RunStatus {
    RunState state = RunState::Running;
    std::string program;  ///< e.g. hpml_pretrain
    std::int64_t step = 0;
    std::int64_t steps = 0;
    std::optional<double> loss;
    std::optional<double> learning_rate;
    std::optional<double> tokens_per_second;
    std::optional<double> validation_loss;
    std::string checkpoint;            ///< name of the newest, e.g. step-00012000; empty if none
    std::string started;               ///< UTC, of this start
    std::string updated;               ///< UTC; set by write_status
    double seconds = 0;                ///< trained by all starts together
    std::optional<Bytes> memory;       ///< that the writing process held
    std::optional<Bytes> memory_left;  ///< that it could still have taken
    ProcessIdentity process;
    int ranks = 1;
    std::int64_t generation = 0;
    int exit_code = 0;
    std::string message;  ///< why it ended
};

/// Replace `run`/status.json as a whole. @throw OutputError, IoError (a run should warn and go on)
void write_status(const std::filesystem::path& run, RunStatus status);
/// Nothing if there is no status.json. @throw InputError if it is damaged
[[nodiscard]] std::optional<RunStatus> read_status(const std::filesystem::path& run);

/// The state that scripts act on: as written, but `Failed` for a run that claims to be running
/// while its process on this host is dead, and `None` without a status.json.
/// @throw InputError if status.json is damaged
[[nodiscard]] RunState run_verdict(const std::filesystem::path& run);

}  // namespace hpml
