#include "comm/nccl.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/host.h"

namespace hpml::comm {

namespace {

/// Every rank sees the same list and so throws the same error.
void refuse_a_shared_device(const std::vector<std::string>& devices) {
    for (std::size_t rank = 1; rank < devices.size(); ++rank) {
        const auto first = std::find(devices.begin(), devices.end(), devices[rank]);
        const auto other = static_cast<std::size_t>(first - devices.begin());
        if (other < rank) {
            throw ResourceError("ranks " + std::to_string(other) + " and " + std::to_string(rank) +
                                " hold the same GPU (" + devices[rank] +
                                "), which NCCL refuses; start one rank per GPU, or use --device "
                                "cpu");
        }
    }
}

class Nccl final : public Algorithm {
  public:
    Nccl(const device::CudaModule& module, const device::CudaNcclOptions& options)
        : module_(module) {
        module_.check(module_.api().nccl_create(&options, &handle_), "joining the NCCL group");
    }
    ~Nccl() override {
        // Leaving waits for the node's other ranks, which may never come while an error ends this
        // one.
        if (std::uncaught_exceptions() == 0) {
            module_.api().nccl_destroy(handle_);
        }
    }
    Nccl(const Nccl&) = delete;
    Nccl& operator=(const Nccl&) = delete;
    Nccl(Nccl&&) = delete;
    Nccl& operator=(Nccl&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "nccl"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override {
        return OperationHandle(new Run(module_, handle_, buffer));
    }

    [[nodiscard]] bool is_on_host() const override { return false; }
    /// The GPU keeps the order itself: an operation that waited for the host would leave it idle.
    [[nodiscard]] std::size_t most_under_way() const override {
        return std::numeric_limits<std::size_t>::max();
    }

  private:
    class Run final : public Operation {
      public:
        Run(const device::CudaModule& module, void* communicator, const Buffer& buffer)
            : module_(module) {
            expects(buffer.type == DataType::F32 && buffer.op == ReduceOp::Sum && buffer.scale == 1,
                    "a sum of fp32 numbers");
            module_.check(
                module_.api().nccl_start(communicator, reinterpret_cast<float*>(buffer.data),
                                         buffer.count, &handle_),
                "an all-reduce over GPUs");
        }
        ~Run() override { module_.api().nccl_release(handle_); }
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;
        Run(Run&&) = delete;
        Run& operator=(Run&&) = delete;

        bool advance() override {
            int done = 0;
            module_.check(module_.api().nccl_poll(handle_, &done), "an all-reduce over GPUs");
            return done != 0;
        }

      private:
        device::CudaModule module_;
        void* handle_ = nullptr;
    };

    device::CudaModule module_;
    void* handle_ = nullptr;
};

}  // namespace

int choose_device(int devices, int rank_on_node) {
    if (devices == 1) {
        // One GPU for each rank by the batch system, or one for all: make_nccl tells them apart.
        return 0;
    }
    if (rank_on_node >= devices) {
        throw ResourceError("rank " + std::to_string(rank_on_node) + " of this node has no GPU (" +
                            std::to_string(devices) +
                            " are here); start as many ranks per node as it has GPUs, or use "
                            "--device cpu");
    }
    return rank_on_node;
}

void require_own_devices(const device::CudaModule& module, const mpi::Communicator& ranks,
                         int device) {
    std::string identity;
    mpi::agree(ranks, [&] { identity = host_name() + ", " + module.device_identity(device); });
    refuse_a_shared_device(ranks.all_gather(identity));
}

std::unique_ptr<Algorithm> make_nccl(const device::CudaModule& module,
                                     const mpi::Communicator& ranks, int device, Seconds timeout) {
    require_own_devices(module, ranks, device);
    device::CudaNcclOptions options{};
    mpi::on_root(ranks, [&] {
        module.check(module.api().nccl_unique_id(options.id), "making an NCCL group");
    });
    ranks.broadcast(std::as_writable_bytes(std::span(options.id)));
    options.rank = ranks.rank().value;
    options.ranks = ranks.size();
    options.timeout_seconds = timeout.value;
    std::unique_ptr<Algorithm> made;
    mpi::agree(ranks, [&] { made = std::make_unique<Nccl>(module, options); });
    return made;
}

}  // namespace hpml::comm
