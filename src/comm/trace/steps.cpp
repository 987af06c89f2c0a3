#include "comm/trace/steps.h"

#include <cstddef>

#include "comm/trace/text.h"

namespace hpml::comm {

void TraceCollector::add(const TraceEvent& event) {
    if (event.track == TraceFormat::kCompute) {
        add_phase(event);
    } else if (event.track == TraceFormat::kCommunication && event.phase == 'X') {
        steps_[event.rank.value][event.step.value].work.push_back(
            {event.time, event.time + event.duration});
    } else if (event.track == TraceFormat::kBuckets) {
        add_bucket(event);
    }
}

void TraceCollector::add_phase(const TraceEvent& event) {
    const auto key = std::pair(event.rank.value, event.name);
    if (event.phase == 'B') {
        open_[key] = event.time;
    } else if (const auto begin = open_.find(key); event.phase == 'E' && begin != open_.end()) {
        TraceStepTimes& step = steps_[event.rank.value][event.step.value];
        const TraceInterval interval{begin->second, event.time};
        step.phases[event.name] += length(interval);
        if (event.name == name_of(TracePoint::Step)) {
            step.step = interval;
        } else if (event.name == name_of(TracePoint::Wait)) {
            step.wait = interval;
        }
        open_.erase(begin);
    }
}

void TraceCollector::add_bucket(const TraceEvent& event) {
    TraceBucketTimes& bucket = steps_[event.rank.value][event.step.value].buckets[event.bucket];
    bucket.size = event.size;
    if (event.phase == 'b') {
        bucket.launched = event.time;
    } else if (event.phase == 'e') {
        bucket.reduced = event.time;
    } else {
        bucket.started = event.time;
    }
}

std::vector<std::int64_t> common_steps(const TraceSteps& ranks) {
    std::map<std::int64_t, std::size_t> whole;
    for (const auto& [rank, steps] : ranks) {
        for (const auto& [number, step] : steps) {
            whole[number] += step.step ? 1 : 0;
        }
    }
    std::vector<std::int64_t> common;
    for (const auto& [number, count] : whole) {
        if (count == ranks.size()) {
            common.push_back(number);
        }
    }
    return common;
}

}  // namespace hpml::comm
