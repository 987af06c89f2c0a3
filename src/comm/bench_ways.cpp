#include "comm/bench_ways.h"

#include <malloc.h>
#include <mpi.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "comm/select.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

/// One of ours. Foreign: in memory that the algorithm did not hand out.
class OwnWay final : public BenchWay {
  public:
    enum class Memory { Own, Foreign };
    OwnWay(std::shared_ptr<Algorithm> algorithm, std::size_t most, Memory memory)
        : algorithm_(std::move(algorithm)), is_foreign_(memory == Memory::Foreign) {
        const Bytes size(most * sizeof(float));
        memory_ = is_foreign_ ? algorithm_->Algorithm::allocate(size) : algorithm_->allocate(size);
    }
    [[nodiscard]] std::string name() const override {
        return std::string(algorithm_->name()) + (is_foreign_ ? " foreign" : "");
    }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return {reinterpret_cast<float*>(memory_.get()), count};
    }
    void sum(std::span<float> values) override {
        const auto operation = algorithm_->start(values);
        Patience patience = algorithm_->patience();
        while (!operation->advance()) {
            patience.pause();
        }
    }

  private:
    std::shared_ptr<Algorithm> algorithm_;
    bool is_foreign_;
    std::shared_ptr<std::byte> memory_;
};

/// What a program calls that knows nothing better.
class MpiWay : public BenchWay {
  public:
    MpiWay(const mpi::Communicator& ranks, std::size_t most)
        : ranks_(ranks.duplicate()), values_(most) {}
    [[nodiscard]] std::string name() const override { return "MPI_Allreduce"; }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return std::span(values_).first(count);
    }
    /// As the C library starts: large blocks come from the kernel and go back at once.
    void prepare() override { set_malloc(65536, 128 * 1024); }
    void sum(std::span<float> values) override {
        if (ranks_.size() > 1) {
            mpi::check(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()),
                                     MPI_FLOAT, MPI_SUM, ranks_.get()));
        }
    }

  protected:
    static void set_malloc(int most_mappings, int trim_threshold) {
        ::mallopt(M_MMAP_MAX, most_mappings);
        ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
        ::mallopt(M_TRIM_THRESHOLD, trim_threshold);
    }

  private:
    mpi::Communicator ranks_;
    std::vector<float> values_;
};

class TunedMpiWay final : public MpiWay {
  public:
    using MpiWay::MpiWay;
    [[nodiscard]] std::string name() const override { return "MPI tuned"; }
    void prepare() override { set_malloc(0, std::numeric_limits<int>::max()); }
};

/// Tensors of a few sizes that are copied into one buffer, summed there and copied back.
class PackedMpiWay final : public BenchWay {
  public:
    PackedMpiWay(const mpi::Communicator& ranks, std::size_t most)
        : mpi_(ranks, most), tensors_(most) {}
    [[nodiscard]] std::string name() const override { return "pack+MPI+unpack"; }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return std::span(tensors_).first(count);
    }
    void prepare() override { mpi_.prepare(); }
    void sum(std::span<float> values) override {
        const auto buffer = mpi_.values(values.size());
        std::copy(values.begin(), values.end(), buffer.begin());
        mpi_.sum(buffer);
        std::copy(buffer.begin(), buffer.end(), values.begin());
    }

  private:
    MpiWay mpi_;
    std::vector<float> tensors_;
};

}  // namespace

std::vector<std::unique_ptr<BenchWay>> make_ways(const mpi::Communicator& ranks,
                                                 const AllReduceBenchOptions& options,
                                                 std::size_t most,
                                                 std::vector<std::string>& obstacles) {
    std::vector<std::unique_ptr<BenchWay>> ways;
    AllReduceOptions with = options.all_reduce;
    for (const std::string& name : options.algorithms) {
        try {
            with.algorithm = name;
            const std::shared_ptr<Algorithm> algorithm = make_algorithm(with, ranks);
            ways.push_back(std::make_unique<OwnWay>(algorithm, most, OwnWay::Memory::Own));
            if (algorithm->name() == "shm") {
                ways.push_back(std::make_unique<OwnWay>(algorithm, most, OwnWay::Memory::Foreign));
            }
        } catch (const Error& error) {
            if (error.code() != ExitCode::Resource) {
                throw;
            }
            obstacles.push_back(name + ": " + error.what());
        }
    }
    if (options.compare_mpi) {
        ways.push_back(std::make_unique<MpiWay>(ranks, most));
        ways.push_back(std::make_unique<TunedMpiWay>(ranks, most));
        ways.push_back(std::make_unique<PackedMpiWay>(ranks, most));
    }
    return ways;
}

}  // namespace hpml::comm
