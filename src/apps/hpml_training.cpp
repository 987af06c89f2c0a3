#include "apps/hpml_training.h"

#include <fmt/format.h>
#include <torch/version.h>

#include <optional>

#include "apps/program.h"
#include "base/process_memory.h"
#include "device/affinity.h"
#include "h5/version.h"
#include "mpi/environment.h"

namespace hpml {

std::vector<std::string> training_libraries() {
    return {std::string("LibTorch ") + TORCH_VERSION, "HDF5 " + h5::library_version()};
}

std::vector<std::string> horovod_notes(const OptionTable& table) {
    std::vector<std::string> notes;
    for (const OptionRow& row : table.rows()) {
        if (row.origin == Origin::Environment && row.environment.starts_with("HOROVOD_")) {
            notes.push_back(fmt::format("${} is taken for --{} {}", row.environment, row.name,
                                        fmt::join(value_texts(row.target), " ")));
        }
    }
    return notes;
}

int run_training_program(OptionTable& table, std::span<char*> arguments,
                         const ProgramChoices& choices, const Training& train) {
    const int count = static_cast<int>(arguments.size());
    for (const std::string& library : training_libraries()) {
        table.library(library);
    }
    std::optional<train::StopSignals> signals;
    return run_parallel_program(
        [&] {
            if (table.parse(count, arguments.data()) == ParseResult::Exit) {
                return false;
            }
            signals.emplace(choices.stop_signals);
            return true;
        },
        [&](const mpi::Communicator& world) {
            return train({table.effective_config(),
                          repeatable_command(table, count, arguments.data()), horovod_notes(table)},
                         world, *signals);
        },
        choices.color);
}

train::Compute look_around(train::ComputeOptions options, const mpi::Communicator& ranks,
                           const Log& log, Banner& banner) {
    options.multiple_threads = mpi::Environment::multiple();
    train::Compute compute = train::choose_compute(options, ranks, log);
    banner.threads = compute.threads.explanation;
    banner.communication = compute.communication;
    banner.device = compute.accelerator.description;
    banner.cores = device::to_text(device::affinity_mask());
    const MemoryReport memory = memory_report();
    banner.memory_available = headroom(memory);
    banner.memory_limit = memory.limit;
    return compute;
}

void describe_resources(bool on_gpu, Bytes estimate, Banner& banner) {
    if (on_gpu) {
        banner.reproducibility = "off (GPU kernels may add in another order)";
    } else {
        banner.memory_per_rank = estimate;
    }
}

}  // namespace hpml
