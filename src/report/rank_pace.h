#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/json.h"
#include "base/units.h"

namespace hpml {

/// Up to so many ranks a line of kind "pace" has the time of each: 2.5 KB, where the 20 steps that
/// it is of take 5 KB. Of more ranks it has the slowest, the fastest and the median only.
constexpr std::size_t kMostRanksOfPace = 256;

/// The times of all ranks as an array, to the microsecond so that it stays short.
[[nodiscard]] Json rank_seconds(std::span<const Seconds> of_rank);

/// How fast the ranks have computed, each by itself, since the last start of a run. Where lines
/// hold the times of all ranks, slowest and fastest are by each rank's mean; else they are the
/// ranks that were named most often, with the mean of the times they were named with.
struct RankPace {
    Rank slowest{0};
    std::string host;  ///< the slowest rank's; empty if no line tells it
    Seconds slowest_step;
    Rank fastest{0};
    Seconds fastest_step;
    Seconds typical_step;            ///< half of the ranks need at most this, in the mean
    std::int64_t reports = 0;        ///< lines of kind "pace"
    std::int64_t times_slowest = 0;  ///< lines that name the slowest rank so
    Step step;                       ///< of the last line
};

/// From a metrics.jsonl; nothing if no line tells it: one rank alone, less than 20 steps, or no
/// such file. Lines of the starts before do not count, whose ranks were on other nodes.
[[nodiscard]] std::optional<RankPace> pace_of_start(const std::filesystem::path& metrics);

}  // namespace hpml
