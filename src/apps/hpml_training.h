#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apps/banner.h"
#include "base/log.h"
#include "base/terminal.h"
#include "mpi/communicator.h"
#include "train/compute.h"
#include "train/stop.h"

namespace hpml {

// What the programs that train share (hpml_shared in src/CMakeLists.txt).

/// How the program was started.
struct Invocation {
    std::string effective_config;
    std::vector<std::string> command;  ///< of repeatable_command
    std::vector<std::string> notes;    ///< of horovod_notes
};

/// What variables of Horovod's have decided, one line for the log each.
[[nodiscard]] std::vector<std::string> horovod_notes(const OptionTable& table);

/// What a training program's options say of the program itself; read once they are parsed.
struct ProgramChoices {
    const std::vector<std::string>& stop_signals;
    const ColorWhen& color;
};

using Training = std::function<int(const Invocation& invocation, const mpi::Communicator& world,
                                   const train::StopSignals& signals)>;

/// The whole of the main of a program that trains, by run_parallel_program: the signals that ask to
/// stop are caught before MPI starts.
/// @param table  all options declared, not parsed
/// @throw nothing
[[nodiscard]] int run_training_program(OptionTable& table, std::span<char*> arguments,
                                       const ProgramChoices& choices, const Training& train);

/// The libraries beside MPI with their versions, for --version and the banner.
[[nodiscard]] std::vector<std::string> training_libraries();

/// Threads, device and who drives the communication: decided by choose_compute, and put into the
/// banner with this rank's cores and memory. Collective.
/// @param options  device and threads; what MPI allows is found here
[[nodiscard]] train::Compute look_around(train::ComputeOptions options,
                                         const mpi::Communicator& ranks, const Log& log,
                                         Banner& banner);

/// What device and model mean for the rest of the banner. On a GPU no memory is estimated and the
/// order of additions is not promised.
void describe_resources(bool on_gpu, Bytes estimate, Banner& banner);

}  // namespace hpml
