#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "comm/bench.h"

namespace hpml::comm {

/// A way to sum a buffer over all ranks, as the benchmark times it.
class BenchWay {
  public:
    virtual ~BenchWay() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    /// Where the values of the next `sum` lie: `count` of them, at most as many as it was made for.
    [[nodiscard]] virtual std::span<float> values(std::size_t count) = 0;
    /// Before the clock starts: settings of the process.
    virtual void prepare() {}
    /// Collective.
    virtual void sum(std::span<float> values) = 0;
};

/// The ways of the options; an algorithm that cannot run here is told in `obstacles`. Collective.
/// @param most  values of the longest buffer
[[nodiscard]] std::vector<std::unique_ptr<BenchWay>> make_ways(const mpi::Communicator& ranks,
                                                               const AllReduceBenchOptions& options,
                                                               std::size_t most,
                                                               std::vector<std::string>& obstacles);

}  // namespace hpml::comm
