#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comm/trace/clock.h"
#include "comm/trace/record.h"

namespace hpml::comm {

/// What of a timeline is named in Chrome's format, one event a line: the tracks of a rank (its
/// process number is the rank), and the keys.
struct TraceFormat {
    static constexpr int kCompute = 1;        ///< phases: "B" and "E"; "i" when a bucket is ready
    static constexpr int kCommunication = 2;  ///< work on sums: "X"
    static constexpr int kBuckets = 3;        ///< "b" launched, "n" started, "e" reduced, by id2
    static constexpr std::string_view kHead = "{\"displayTimeUnit\":\"ms\",\"otherData\":";
    static constexpr std::string_view kTail = "]}\n";
};

/// "forward", "wait", ... of a phase.
[[nodiscard]] std::string_view name_of(TracePoint point);

/// Records to lines `{...},\n`, in the order of time on each track.
class TraceText {
  public:
    TraceText(Rank rank, TraceClock clock) : rank_(rank), clock_(clock) {}

    /// The names of the rank and its tracks.
    /// @param place  where it runs, e.g. the host
    void begin(std::string_view place);
    void add(const TraceRecord& record);
    /// Lines of all records up to `time` (of this rank's clock); threads may have been a moment
    /// late with older ones. @param time  of the newest to be told
    void tell_until(std::int64_t time);

    [[nodiscard]] std::string& lines() { return lines_; }

  private:
    void tell(const TraceRecord& record);
    void tell_phase(const TraceRecord& record);
    void tell_ready(const TraceRecord& record);
    void tell_work();
    void tell_bucket(const TraceRecord& record);
    [[nodiscard]] std::uint64_t bucket_of(const TraceRecord& record);
    [[nodiscard]] double microseconds(std::int64_t time) const;

    Rank rank_;
    TraceClock clock_;
    std::vector<TraceRecord> waiting_;
    std::optional<TraceRecord> work_;  ///< on one bucket, not told yet
    std::string lines_;
    Step step_{-1};            ///< of the last operation that was launched
    std::uint64_t first_ = 0;  ///< operation of that step
};

}  // namespace hpml::comm
