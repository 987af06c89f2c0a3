#include "train/accelerator.h"

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "comm/nccl.h"
#include "comm/select.h"

namespace hpml::train {

namespace {

/// A GPU of its own for every rank. No rank makes a context on one before all are sure to get one.
Accelerator take_gpus(const mpi::Communicator& ranks, const OpenCuda& open) {
    const auto node = ranks.split_by_node();
    Accelerator accelerator;
    int devices = 0;
    int mine = 0;
    mpi::agree(ranks, [&] {
        accelerator.cuda = std::make_shared<device::CudaModule>(open());
        devices = accelerator.cuda->device_count();
        mine = comm::choose_device(devices, node.rank().value);
    });
    comm::require_own_devices(*accelerator.cuda, ranks, mine);
    mpi::agree(ranks, [&] { accelerator.cuda->select(mine); });
    accelerator.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(mine));
    accelerator.description =
        fmt::format("GPU {} of {} ({})", mine, devices, accelerator.cuda->description());
    return accelerator;
}

/// What failed, without the advice behind it: whoever asked for `auto` needs none.
std::string reason_of(std::string message) {
    constexpr std::string_view kOption = "--device cuda: ";
    if (const auto at = message.find(kOption); at != std::string::npos) {
        message.erase(at, kOption.size());
    }
    return message.substr(0, message.find(';'));
}

bool any_has_driver(const mpi::Communicator& ranks, const CudaSearch& search) {
    std::int64_t found = search.has_driver() ? 1 : 0;
    ranks.max(std::span(&found, 1));
    return found != 0;
}

}  // namespace

Accelerator choose_accelerator(const std::string& wanted, const mpi::Communicator& ranks,
                               const Log& log, const CudaSearch& search) {
    if (wanted == "cpu") {
        return {at::Device(at::kCPU), nullptr, "cpu"};
    }
    try {
        return take_gpus(ranks, search.open);
    } catch (const Error& error) {
        // Alike on every rank: what take_gpus throws, its ranks have agreed on.
        if (wanted != "auto" || error.code() != ExitCode::Resource) {
            throw;
        }
        const std::string reason = reason_of(error.what());
        if (any_has_driver(ranks, search)) {
            log.warn(
                "there is an NVIDIA driver, but this job computes on CPUs: {} (it will take many "
                "times as long); if it is to use GPUs, give --device cuda, which says what to do",
                reason);
        }
        return {at::Device(at::kCPU), nullptr, fmt::format("cpu (--device auto: {})", reason)};
    }
}

std::unique_ptr<comm::Algorithm> make_algorithm(const Accelerator& accelerator,
                                                const comm::AllReduceOptions& options,
                                                const mpi::Communicator& ranks) {
    if (accelerator.cuda) {
        if (options.reproducible == comm::Reproducible::Strict) {
            throw UsageError(
                "reproducible=strict on GPUs (the order in which NCCL adds depends on where "
                "buckets are cut); use reproducible=run, or --device cpu");
        }
        return comm::checked(comm::make_nccl(*accelerator.cuda, ranks, accelerator.device.index()),
                             options, ranks);
    }
    return comm::make_algorithm(options, ranks);
}

}  // namespace hpml::train
