#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "comm/trace/reader.h"

namespace hpml::comm {

struct TraceInterval {
    Seconds begin;
    Seconds end;
};

[[nodiscard]] inline Seconds length(const TraceInterval& one) { return one.end - one.begin; }

/// One bucket on one rank in one step.
struct TraceBucketTimes {
    Seconds launched;
    Seconds started;
    std::optional<Seconds> reduced;
    Bytes size;
};

/// One step on one rank.
struct TraceStepTimes {
    std::optional<TraceInterval> step;
    std::optional<TraceInterval> wait;
    std::map<std::string, Seconds> phases;  ///< sums, by name
    std::vector<TraceInterval> work;
    std::map<std::int64_t, TraceBucketTimes> buckets;
};

/// Steps by rank and number.
using TraceSteps = std::map<int, std::map<std::int64_t, TraceStepTimes>>;

/// Puts events together to steps; phases are open until their end has come.
class TraceCollector {
  public:
    void add(const TraceEvent& event);
    [[nodiscard]] const TraceSteps& steps() const { return steps_; }

  private:
    void add_phase(const TraceEvent& event);
    void add_bucket(const TraceEvent& event);

    TraceSteps steps_;
    std::map<std::pair<int, std::string>, Seconds> open_;
};

/// The numbers of the steps that every rank has whole.
[[nodiscard]] std::vector<std::int64_t> common_steps(const TraceSteps& ranks);

}  // namespace hpml::comm
