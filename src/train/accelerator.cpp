#include "train/accelerator.h"

#include <fmt/format.h>

#include "base/error.h"
#include "comm/nccl.h"
#include "comm/select.h"

namespace hpml::train {

namespace {

Accelerator take_gpu(int rank_on_node) {
    Accelerator accelerator;
    accelerator.cuda = std::make_shared<device::CudaModule>(device::open_cuda());
    const int devices = accelerator.cuda->device_count();
    const int mine = comm::choose_device(devices, rank_on_node);
    accelerator.cuda->select(mine);
    accelerator.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(mine));
    accelerator.description =
        fmt::format("GPU {} of {} ({})", mine, devices, accelerator.cuda->description());
    return accelerator;
}

}  // namespace

Accelerator choose_accelerator(const std::string& wanted, const mpi::Communicator& ranks) {
    const auto node = ranks.split_by_node();
    Accelerator accelerator{at::Device(at::kCPU), nullptr, "cpu"};
    if (wanted == "cpu") {
        return accelerator;
    }
    // `auto` means one thing on all ranks: a rank without a driver keeps all of them on the CPU.
    std::int64_t without = device::has_cuda_driver() ? 0 : 1;
    ranks.sum(std::span(&without, 1));
    if (wanted == "auto" && without > 0) {
        return accelerator;
    }
    mpi::agree(ranks, [&] { accelerator = take_gpu(node.rank().value); });
    return accelerator;
}

std::unique_ptr<comm::Algorithm> make_algorithm(const Accelerator& accelerator,
                                                const std::string& option,
                                                const mpi::Communicator& ranks) {
    if (accelerator.cuda) {
        return comm::make_nccl(*accelerator.cuda, ranks, accelerator.device.index());
    }
    return comm::make_algorithm(option, ranks);
}

}  // namespace hpml::train
