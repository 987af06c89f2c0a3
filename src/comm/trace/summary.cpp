#include "comm/trace/summary.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/median.h"
#include "comm/trace/reader.h"
#include "comm/trace/steps.h"
#include "comm/trace/text.h"

namespace hpml::comm {

namespace {

/// How long at least one all-reduce was under way before the wait began.
Seconds overlapped(const TraceStepTimes& step) {
    std::vector<TraceInterval> under_way;
    for (const auto& [number, bucket] : step.buckets) {
        if (bucket.reduced) {
            under_way.push_back({bucket.launched, *bucket.reduced});
        }
    }
    std::sort(under_way.begin(), under_way.end(),
              [](const TraceInterval& a, const TraceInterval& b) { return a.begin < b.begin; });
    Seconds sum;
    Seconds until = step.step->begin;
    for (TraceInterval one : under_way) {
        one.begin = std::max(one.begin, until);
        one.end = step.wait ? std::min(one.end, step.wait->begin) : one.end;
        sum += one.end > one.begin ? length(one) : Seconds(0);
        until = std::max(until, one.end);
    }
    return sum;
}

Seconds work_in(const std::vector<TraceInterval>& work, const TraceInterval& where) {
    Seconds sum;
    for (const TraceInterval& one : work) {
        const Seconds begin = std::max(one.begin, where.begin);
        const Seconds end = std::min(one.end, where.end);
        sum += end > begin ? end - begin : Seconds(0);
    }
    return sum;
}

/// The last of the ranks to begin its wait in a step, and when.
std::pair<int, Seconds> last_to_come(const TraceSteps& ranks, std::int64_t number) {
    std::pair<int, Seconds> last{ranks.begin()->first, Seconds(0)};
    for (const auto& [rank, steps] : ranks) {
        const TraceStepTimes& step = steps.at(number);
        if (step.wait && step.wait->begin > last.second) {
            last = {rank, step.wait->begin};
        }
    }
    return last;
}

/// The times of which a rank's summary has the medians.
constexpr std::array kTimes = {&TraceRankSummary::step,      &TraceRankSummary::data,
                               &TraceRankSummary::forward,   &TraceRankSummary::backward,
                               &TraceRankSummary::update,    &TraceRankSummary::exposed,
                               &TraceRankSummary::imbalance, &TraceRankSummary::overlapped,
                               &TraceRankSummary::work,      &TraceRankSummary::work_in_wait};

TraceRankSummary times_of(const TraceStepTimes& step, Seconds last_came) {
    const auto phase = [&](TracePoint point) {
        const auto at = step.phases.find(std::string(name_of(point)));
        return at == step.phases.end() ? Seconds(0) : at->second;
    };
    TraceRankSummary times;
    times.step = length(*step.step);
    times.data = phase(TracePoint::Data);
    times.forward = phase(TracePoint::Forward) - times.data;
    times.backward = phase(TracePoint::Backward);
    const Seconds gather = phase(TracePoint::Gather);
    times.update = phase(TracePoint::Update) - gather;
    times.exposed = phase(TracePoint::Wait) + phase(TracePoint::Control) + gather;
    times.overlapped = overlapped(step);
    times.work = work_in(step.work, *step.step);
    if (step.wait) {
        times.imbalance = std::clamp(last_came - step.wait->begin, Seconds(0), length(*step.wait));
        times.work_in_wait = work_in(step.work, *step.wait);
    }
    return times;
}

TraceRankSummary summarize_rank(int rank, const TraceSteps& ranks,
                                const std::vector<std::int64_t>& numbers) {
    std::array<std::vector<double>, kTimes.size()> found;
    std::vector<double> shares;
    TraceRankSummary summary;
    summary.rank = Rank(rank);
    summary.steps = numbers.size();
    for (const std::int64_t number : numbers) {
        const auto [last, last_came] = last_to_come(ranks, number);
        summary.came_last += last == rank && ranks.size() > 1 ? 1 : 0;
        const TraceRankSummary times = times_of(ranks.at(rank).at(number), last_came);
        for (std::size_t i = 0; i < kTimes.size(); ++i) {
            found[i].push_back((times.*kTimes[i]).value);
        }
        shares.push_back(times.exposed.value / times.step.value);
    }
    for (std::size_t i = 0; i < kTimes.size(); ++i) {
        summary.*kTimes[i] = Seconds(median_of(found[i]));
    }
    summary.exposed_share = median_of(shares);
    return summary;
}

/// One bucket of one step over all ranks.
struct BucketOfStep {
    Seconds queued;
    Seconds started;  ///< by the last rank
    Seconds reduced;  ///< on the last rank
    std::size_t ranks = 0;
    Bytes size;
};

std::vector<TraceBucketSummary> summarize_buckets(const TraceSteps& ranks,
                                                  const std::vector<std::int64_t>& numbers) {
    std::map<std::int64_t, std::pair<std::vector<double>, std::vector<double>>> found;
    std::map<std::int64_t, Bytes> sizes;
    for (const std::int64_t number : numbers) {
        std::map<std::int64_t, BucketOfStep> of_step;
        for (const auto& [rank, steps] : ranks) {
            for (const auto& [bucket, times] : steps.at(number).buckets) {
                BucketOfStep& one = of_step[bucket];
                one.queued = std::max(one.queued, times.started - times.launched);
                one.started = std::max(one.started, times.started);
                one.reduced = std::max(one.reduced, times.reduced.value_or(Seconds(0)));
                one.ranks += times.reduced ? 1 : 0;
                one.size = times.size;
            }
        }
        for (const auto& [bucket, one] : of_step) {
            if (one.ranks == ranks.size()) {
                found[bucket].first.push_back(one.queued.value);
                found[bucket].second.push_back((one.reduced - one.started).value);
                sizes[bucket] = one.size;
            }
        }
    }
    const double n = static_cast<double>(ranks.size());
    std::vector<TraceBucketSummary> buckets;
    for (const auto& [bucket, times] : found) {
        TraceBucketSummary one;
        one.bucket = bucket;
        one.size = sizes[bucket];
        one.queued = Seconds(median_of(times.first));
        one.reduced = Seconds(median_of(times.second));
        one.bus_gigabytes = one.reduced.value > 0 ? static_cast<double>(one.size.value) /
                                                        one.reduced.value * 2 * (n - 1) / n / 1e9
                                                  : 0;
        buckets.push_back(one);
    }
    return buckets;
}

}  // namespace

TraceSummary summarize_trace(const std::filesystem::path& file) {
    TraceCollector collector;
    const TraceAbout about =
        read_trace(file, [&collector](const TraceEvent& event) { collector.add(event); });
    TraceSummary summary;
    summary.lost = about.lost;
    summary.is_part = about.is_part;
    const TraceSteps& ranks = collector.steps();
    auto numbers = common_steps(ranks);
    summary.left_out_first = numbers.size() > 1;
    if (summary.left_out_first) {
        numbers.erase(numbers.begin());
    }
    if (numbers.empty()) {
        throw InputError(file.string() +
                         " holds no whole step of all its ranks (a run that ended before?); trace "
                         "a longer run");
    }
    for (const auto& [rank, steps] : ranks) {
        summary.ranks.push_back(summarize_rank(rank, ranks, numbers));
    }
    summary.buckets = summarize_buckets(ranks, numbers);
    summary.slowest = std::max_element(summary.ranks.begin(), summary.ranks.end(),
                                       [](const TraceRankSummary& a, const TraceRankSummary& b) {
                                           return a.came_last < b.came_last;
                                       })
                          ->rank;
    return summary;
}

}  // namespace hpml::comm
