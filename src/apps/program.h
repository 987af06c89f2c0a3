#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/terminal.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml {

/// What a failure is worth to the user and to the launcher.
struct Failure {
    int code = static_cast<int>(ExitCode::Internal);
    std::string message;
    bool is_agreed = false;  ///< mpi::agree threw it on every rank
};

/// Of the exception being handled, whatever its class. To be called in a catch block only.
[[nodiscard]] Failure current_failure();

/// The whole of a main that needs no MPI: run `body`, turn what it throws into one "error: ..."
/// block on stderr and the exit code of its class (70 for what is not one of ours).
[[nodiscard]] int run_program(const std::function<int()>& body);

/// The whole of a main that runs under mpirun. `options` parses the command line before MPI starts,
/// so that --help and a bad option need none (@return false: exit 0 at once); on a bad option rank
/// 0 alone prints. `body` then runs with MPI up. An error that it throws through mpi::agree is the
/// same on every rank and printed once; any other is printed with the rank, once if all ranks fail
/// alike. Both end the job
/// through MPI_Abort with the error's exit code: an exception never finalises MPI.
/// @param color  read when an error is printed: `options` may have set it by then
/// @throw nothing
[[nodiscard]] int run_parallel_program(
    const std::function<bool()>& options,
    const std::function<int(const mpi::Communicator& world)>& body,
    const ColorWhen& color = ColorWhen::Auto);

/// Refuse to run as N copies of one rank: under srun without a matching PMIx each task is a world
/// of its own, and all would write the same files.
/// @throw UsageError if SLURM_STEP_NUM_TASKS > 1 and `world_size` is 1
void check_launch(int world_size);

/// This process's rank as its launcher's environment tells it (mpirun, srun), 0 without one: for
/// what is said before MPI starts; not to be asked later.
[[nodiscard]] int launched_rank();

/// The MPI library's name and version in one line, without MPI being started.
[[nodiscard]] std::string mpi_library();

/// The text of --version: version, revision, build, compiler, MPI library, `libraries`, fault
/// points. Needs neither MPI to be started nor a GPU.
[[nodiscard]] std::string version_text(const std::string& program,
                                       const std::vector<std::string>& libraries);

enum class KeepLines { Yes, No };

/// `text` with control characters other than newline as \xNN, so that a name cannot forge or hide
/// lines of a log or drive a terminal. A newline stays only with KeepLines::Yes.
[[nodiscard]] std::string printable(std::string_view text, KeepLines lines = KeepLines::Yes);

}  // namespace hpml
