#include "comm/trace/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace hpml::comm {

namespace {

/// Work on one bucket in pieces with no more between them is shown as one.
constexpr std::int64_t kPause = 20000;  // nanoseconds

bool goes_on(const TraceRecord& work, const TraceRecord& next) {
    return work.number == next.number && next.begin - work.end < kPause;
}

}  // namespace

std::string_view name_of(TracePoint point) {
    switch (point) {
        case TracePoint::Step:
            return "step";
        case TracePoint::Data:
            return "data";
        case TracePoint::Forward:
            return "forward";
        case TracePoint::Backward:
            return "backward";
        case TracePoint::Wait:
            return "wait";
        case TracePoint::Control:
            return "control";
        case TracePoint::Update:
            return "update";
        case TracePoint::Gather:
            return "gather";
        case TracePoint::Validate:
            return "validate";
        case TracePoint::Save:
            return "save";
        case TracePoint::Ready:
            return "ready";
        case TracePoint::Launch:
            return "launched";
        case TracePoint::Start:
            return "started";
        case TracePoint::Finish:
            return "reduced";
        case TracePoint::Reduce:
            break;
    }
    return "reduce";
}

void TraceText::begin(std::string_view place) {
    const auto name = [this](const char* what, int track, const std::string& text) {
        lines_ +=
            fmt::format(R"({{"ph":"M","name":"{}","ts":0,"pid":{},"tid":{},"args":{{"name":{}}}}},)"
                        "\n",
                        what, rank_.value, track, Json(text).dump());
    };
    name("process_name", 0, fmt::format("rank {} ({})", rank_.value, place));
    name("thread_name", TraceFormat::kCompute, "compute");
    name("thread_name", TraceFormat::kCommunication, "communication");
    name("thread_name", TraceFormat::kBuckets, "buckets");
}

void TraceText::add(const TraceRecord& record) { waiting_.push_back(record); }

void TraceText::tell_until(std::int64_t time) {
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const TraceRecord& a, const TraceRecord& b) { return a.begin < b.begin; });
    const auto later = std::find_if(
        waiting_.begin(), waiting_.end(),
        [time](const TraceRecord& record) { return std::max(record.begin, record.end) > time; });
    for (auto record = waiting_.begin(); record != later; ++record) {
        if (record->point != TracePoint::Reduce) {
            tell(*record);
        } else if (work_ && goes_on(*work_, *record)) {
            work_->end = record->end;
        } else {
            tell_work();
            work_ = *record;
        }
    }
    tell_work();
    waiting_.erase(waiting_.begin(), later);
}

double TraceText::microseconds(std::int64_t time) const {
    return static_cast<double>(time + clock_.offset) / 1e3;
}

void TraceText::tell(const TraceRecord& record) {
    switch (record.point) {
        case TracePoint::Launch:
        case TracePoint::Start:
        case TracePoint::Finish:
            return tell_bucket(record);
        case TracePoint::Ready:
            return tell_ready(record);
        default:
            return tell_phase(record);
    }
}

void TraceText::tell_phase(const TraceRecord& record) {
    fmt::format_to(
        std::back_inserter(lines_),
        R"({{"ph":"{}","name":"{}","ts":{:.3f},"pid":{},"tid":{},"args":{{"step":{}}}}},)"
        "\n",
        record.which == TraceEnd::Begin ? 'B' : 'E', name_of(record.point),
        microseconds(record.begin), rank_.value, TraceFormat::kCompute, record.step.value);
}

void TraceText::tell_ready(const TraceRecord& record) {
    fmt::format_to(
        std::back_inserter(lines_),
        R"({{"ph":"i","s":"t","name":"bucket {0} ready","ts":{1:.3f},"pid":{2},"tid":{3},)"
        R"("args":{{"step":{4},"bucket":{0}}}}},)"
        "\n",
        record.number, microseconds(record.begin), rank_.value, TraceFormat::kCompute,
        record.step.value);
}

void TraceText::tell_work() {
    if (!work_) {
        return;
    }
    fmt::format_to(
        std::back_inserter(lines_),
        R"({{"ph":"X","name":"reduce bucket {0}","ts":{1:.3f},"dur":{2:.3f},"pid":{3},"tid":{4},)"
        R"("args":{{"step":{5},"bucket":{0}}}}},)"
        "\n",
        bucket_of(*work_), microseconds(work_->begin),
        static_cast<double>(work_->end - work_->begin) / 1e3, rank_.value,
        TraceFormat::kCommunication, work_->step.value);
    work_.reset();
}

std::uint64_t TraceText::bucket_of(const TraceRecord& record) {
    // The engine counts operations from 1 on; those of a step are its buckets in their order, and
    // all have ended before the next step launches its first.
    if (record.point == TracePoint::Launch && record.step != step_) {
        step_ = record.step;
        first_ = record.number;
    }
    return record.number - std::min(first_, record.number);
}

void TraceText::tell_bucket(const TraceRecord& record) {
    const char kind = record.point == TracePoint::Launch   ? 'b'
                      : record.point == TracePoint::Finish ? 'e'
                                                           : 'n';
    fmt::format_to(
        std::back_inserter(lines_),
        R"({{"ph":"{0}","cat":"all-reduce","id2":{{"local":"{1:#x}"}},"name":"bucket {2}",)"
        R"("ts":{3:.3f},"pid":{4},"tid":{5},)"
        R"("args":{{"step":{6},"bucket":{2},"bytes":{7},"what":"{8}"}}}},)"
        "\n",
        kind, record.number, bucket_of(record), microseconds(record.begin), rank_.value,
        TraceFormat::kBuckets, record.step.value, record.size.value, name_of(record.point));
}

}  // namespace hpml::comm
