#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/units.h"

namespace hpml::comm {

/// Where the time of a rank's steps went; medians over the steps.
struct TraceRankSummary {
    Rank rank;
    std::size_t steps = 0;
    Seconds step;
    Seconds data;      ///< until a batch was there, inside the forward pass
    Seconds forward;   ///< without `data`
    Seconds backward;  ///< with the work on sums that the computing thread does meanwhile
    Seconds update;
    Seconds exposed;     ///< waits for sums: communication that no computation hid
    Seconds imbalance;   ///< of these, until the last rank had come to its wait
    Seconds overlapped;  ///< all-reduces were under way before the wait
    Seconds work;        ///< on sums, before and in the wait
    Seconds work_in_wait;
    double exposed_share = 0;   ///< of the step
    std::size_t came_last = 0;  ///< steps in which the others waited for it
};

/// A bucket over all ranks; medians over the steps.
struct TraceBucketSummary {
    std::int64_t bucket = 0;
    Bytes size;
    Seconds queued;            ///< from its launch to its start, on the rank that took longest
    Seconds reduced;           ///< from the last rank's start until its sums stood everywhere
    double bus_gigabytes = 0;  ///< size / reduced * 2(N-1)/N, in 1e9 bytes per second
};

struct TraceSummary {
    std::vector<TraceRankSummary> ranks;
    std::vector<TraceBucketSummary> buckets;
    Rank slowest;            ///< came last most often
    std::uint64_t lost = 0;  ///< records
    bool is_part = false;    ///< of one rank of a run that did not end
    bool left_out_first = false;
};

/// What a timeline says of where the time went. The first step is left out where there are more: it
/// pays for first touches. Local.
/// @throw as read_trace(); InputError if there is no whole step in it
[[nodiscard]] TraceSummary summarize_trace(const std::filesystem::path& file);

/// Tables for people.
[[nodiscard]] std::string to_table(const TraceSummary& summary);
/// {ranks: [...], buckets: [...], slowest_rank, lost_records, is_part}, times in seconds.
[[nodiscard]] Json to_json(const TraceSummary& summary);

}  // namespace hpml::comm
