#include "comm/trace/reader.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "comm/trace/text.h"

namespace hpml::comm {

namespace {

/// Longer lines are not ours.
constexpr std::size_t kLongestLine = 4096;

TraceEvent parse_event(std::string_view line, const std::string& where) {
    const Json json = parse_json(line, where, Bytes(kLongestLine));
    TraceEvent event;
    const auto phase = json_member<std::string>(json, "ph", where);
    event.phase = phase.size() == 1 ? phase[0] : '?';
    event.name = json_member<std::string>(json, "name", where);
    event.time = Seconds(json_member<double>(json, "ts", where) / 1e6);
    event.rank = Rank(json_member<int>(json, "pid", where));
    event.track = json_member<int>(json, "tid", where);
    if (event.phase == 'M') {
        return event;
    }
    const Json arguments = json_member<Json>(json, "args", where);
    event.step = Step(json_member<std::int64_t>(arguments, "step", where));
    if (event.phase == 'X') {
        event.duration = Seconds(json_member<double>(json, "dur", where) / 1e6);
        event.bucket = json_member<std::int64_t>(arguments, "bucket", where);
    } else if (event.track == TraceFormat::kBuckets) {
        event.what = json_member<std::string>(arguments, "what", where);
        event.bucket = json_member<std::int64_t>(arguments, "bucket", where);
        event.size = Bytes(json_member<std::uint64_t>(arguments, "bytes", where));
    }
    return event;
}

/// Goes through a file line by line: timelines may be longer than memory.
class Reader {
  public:
    explicit Reader(const std::filesystem::path& file) : file_(file), stream_(file) {
        if (!stream_) {
            throw MissingInputError("cannot read " + file.string() + "; give what --trace wrote");
        }
    }

    TraceAbout head() {
        if (!next()) {
            refuse_stranger();
        }
        if (line_ == "[") {
            return {.is_part = true};
        }
        if (!line_.starts_with(TraceFormat::kHead)) {
            refuse_stranger();
        }
        const Json json = parse_json(line_ + "]}", where(), Bytes(kLongestLine));
        const Json about = json_member<Json>(json, "otherData", where());
        return {.ranks = json_member<int>(about, "ranks", where()),
                .lost = json_member<std::uint64_t>(about, "lost_records", where()),
                .is_part = false};
    }

    void events(const TraceAbout& about, const std::function<void(const TraceEvent&)>& tell) {
        while (next()) {
            if (line_ + "\n" == TraceFormat::kTail) {
                return;
            }
            // The end of the line that a killed rank wrote, or of a file that was cut off.
            if (stream_.eof()) {
                break;
            }
            const std::string_view whole(line_);
            const TraceEvent event = parse_event(
                whole.substr(0, whole.size() - (whole.ends_with(',') ? 1 : 0)), where());
            if (event.phase != 'M') {
                tell(event);
            }
        }
        if (!about.is_part) {
            throw InputError(fmt::format(
                "{} is cut off after line {} (the end of a timeline is missing); copy it again, or "
                "read the parts that the ranks left, {}",
                file_.string(), number_, file_.filename().string() + ".rank-N.part"));
        }
    }

  private:
    bool next() {
        if (!std::getline(stream_, line_)) {
            return false;
        }
        ++number_;
        return true;
    }
    [[nodiscard]] std::string where() const {
        return fmt::format("{}:{}", file_.string(), number_);
    }
    [[noreturn]] void refuse_stranger() const {
        throw InputError(file_.string() +
                         " is no timeline of hpml (it begins otherwise); give what --trace wrote");
    }

    std::filesystem::path file_;
    std::ifstream stream_;
    std::string line_;
    std::size_t number_ = 0;
};

}  // namespace

TraceAbout read_trace(const std::filesystem::path& file,
                      const std::function<void(const TraceEvent&)>& tell) {
    Reader reader(file);
    const TraceAbout about = reader.head();
    reader.events(about, tell);
    return about;
}

}  // namespace hpml::comm
