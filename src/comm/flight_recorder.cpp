#include "comm/flight_recorder.h"

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

namespace hpml::comm {

namespace {

const char* name_of(FlightRecorder::Event event) {
    switch (event) {
        case FlightRecorder::Event::Submit:
            return "submit";
        case FlightRecorder::Event::Start:
            return "start";
        case FlightRecorder::Event::Finish:
            return "finish";
        case FlightRecorder::Event::Enter:
            return "enter wait";
        case FlightRecorder::Event::Leave:
            break;
    }
    return "leave wait";
}

}  // namespace

double FlightRecorder::now_seconds() noexcept { return now().value; }

void FlightRecorder::note(Event event, std::uint64_t number, std::uint64_t detail) noexcept {
    Entry& entry = entries_[noted_.fetch_add(1, std::memory_order_relaxed) % kCapacity];
    entry.seconds.store(now_seconds() - start_, std::memory_order_relaxed);
    entry.number.store(number, std::memory_order_relaxed);
    entry.detail.store(detail, std::memory_order_relaxed);
    entry.event.store(event, std::memory_order_relaxed);
    if (event == Event::Submit && counter_ != nullptr) {
        counter_->fetch_add(1, std::memory_order_relaxed);
    }
}

void FlightRecorder::dump(const std::filesystem::path& file) const {
    const std::uint64_t noted = noted_.load();
    std::string lines;
    for (std::uint64_t i = noted - std::min<std::uint64_t>(noted, kCapacity); i < noted; ++i) {
        const Entry& entry = entries_[i % kCapacity];
        lines += Json{{"seconds", entry.seconds.load()},
                      {"event", name_of(entry.event.load())},
                      {"number", entry.number.load()},
                      {"detail", entry.detail.load()}}
                     .dump() +
                 "\n";
    }
    write_text_atomically(file, lines);
}

}  // namespace hpml::comm
