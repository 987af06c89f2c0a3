#include "comm/bench_ways.h"

#include <malloc.h>
#include <mpi.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "comm/elastic_sum.h"
#include "comm/select.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

/// One of ours. Foreign: in memory that the algorithm did not hand out.
class OwnWay final : public BenchWay {
  public:
    OwnWay(std::shared_ptr<Algorithm> algorithm, std::size_t most)
        : algorithm_(std::move(algorithm)),
          memory_(algorithm_->allocate(Bytes(most * sizeof(float)))) {}
    OwnWay(std::shared_ptr<Algorithm> algorithm, const std::shared_ptr<float[]>& foreign)
        : algorithm_(std::move(algorithm)),
          is_foreign_(true),
          memory_(foreign, reinterpret_cast<std::byte*>(foreign.get())) {}
    [[nodiscard]] std::string name() const override {
        return std::string(algorithm_->name()) + (is_foreign_ ? " foreign" : "");
    }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return {reinterpret_cast<float*>(memory_.get()), count};
    }
    void sum(std::span<float> values) override { all_reduce(*algorithm_, values); }

  private:
    std::shared_ptr<Algorithm> algorithm_;
    bool is_foreign_ = false;
    std::shared_ptr<std::byte> memory_;
};

/// Elastic sums by one of ours.
class ElasticWay final : public BenchWay {
  public:
    ElasticWay(std::shared_ptr<Algorithm> algorithm, const mpi::Communicator& ranks,
               std::shared_ptr<float[]> memory)
        : algorithm_(std::move(algorithm)),
          options_{.terms = static_cast<std::size_t>(ranks.size())},
          memory_(std::move(memory)) {}
    [[nodiscard]] std::string name() const override {
        return std::string(algorithm_->name()) + " elastic";
    }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        if (!elastic_ || count != count_) {
            count_ = count;
            elastic_.emplace(*algorithm_, count, options_);
        }
        return {memory_.get(), count};
    }
    void sum(std::span<float> values) override {
        do {
            elastic_->begin();
            elastic_->add(0, values);
        } while (elastic_->finish(values) == ElasticSum::Outcome::Redo);
    }

  private:
    std::shared_ptr<Algorithm> algorithm_;
    ElasticOptions options_;
    std::shared_ptr<float[]> memory_;
    std::size_t count_ = 0;
    std::optional<ElasticSum> elastic_;
};

/// What a program calls that knows nothing better.
class MpiWay : public BenchWay {
  public:
    MpiWay(const mpi::Communicator& ranks, std::shared_ptr<float[]> memory)
        : ranks_(ranks.duplicate()), memory_(std::move(memory)) {}
    [[nodiscard]] std::string name() const override { return "MPI_Allreduce"; }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return {memory_.get(), count};
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
    std::shared_ptr<float[]> memory_;
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
    PackedMpiWay(const mpi::Communicator& ranks, std::shared_ptr<float[]> memory, std::size_t most)
        : mpi_(ranks, std::make_unique<float[]>(most)), memory_(std::move(memory)) {}
    [[nodiscard]] std::string name() const override { return "pack+MPI+unpack"; }
    [[nodiscard]] std::span<float> values(std::size_t count) override {
        return {memory_.get(), count};
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
    std::shared_ptr<float[]> memory_;
};

std::vector<std::string> names_of(const AllReduceBenchOptions& options) {
    if (!options.algorithms.empty()) {
        return options.algorithms;
    }
    std::vector<std::string> names = algorithm_names();
    std::erase(names, "auto");
    return names;
}

}  // namespace

std::vector<std::unique_ptr<BenchWay>> make_ways(const mpi::Communicator& ranks,
                                                 const AllReduceBenchOptions& options,
                                                 std::size_t most,
                                                 std::vector<std::string>& obstacles) {
    std::vector<std::unique_ptr<BenchWay>> ways;
    // Filled anew before each turn, so one serves all ways that bring no memory of their own.
    const std::shared_ptr<float[]> memory = std::make_unique<float[]>(most);
    AllReduceOptions with = options.all_reduce;
    for (const std::string& name : names_of(options)) {
        try {
            with.algorithm = name;
            const std::shared_ptr<Algorithm> algorithm = make_algorithm(with, ranks);
            ways.push_back(std::make_unique<OwnWay>(algorithm, most));
            if (algorithm->name() == "shm") {
                ways.push_back(std::make_unique<OwnWay>(algorithm, memory));
            }
            if (options.elastic) {
                ways.push_back(std::make_unique<ElasticWay>(algorithm, ranks, memory));
            }
        } catch (const Error& error) {
            if (error.code() != ExitCode::Resource) {
                throw;
            }
            obstacles.push_back(name + ": " + error.what());
        }
    }
    if (options.compare_mpi) {
        ways.push_back(std::make_unique<MpiWay>(ranks, memory));
        ways.push_back(std::make_unique<TunedMpiWay>(ranks, memory));
        ways.push_back(std::make_unique<PackedMpiWay>(ranks, memory, most));
    }
    return ways;
}

}  // namespace hpml::comm
