#include "report/rank_pace.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include "report/metrics.h"

namespace hpml {

namespace {

/// What one rank is told to have needed.
struct Told {
    double sum = 0;
    std::int64_t count = 0;
    std::int64_t times_slowest = 0;
    std::int64_t times_fastest = 0;
    std::string host;

    void add(double seconds) {
        sum += seconds;
        ++count;
    }
    [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
};

bool is_rank(const Json& line, const char* key) {
    return line.contains(key) && line[key].is_number_integer() && line[key].get<int>() >= 0;
}

bool is_number(const Json& line, const char* key) {
    return line.contains(key) && line[key].is_number();
}

class Tally {
  public:
    /// A line that somebody has changed, or that an earlier version wrote, is passed over.
    void add(const Json& line) {
        if (!is_rank(line, "slowest_rank") || !is_rank(line, "fastest_rank") ||
            !is_number(line, "slowest_seconds") || !is_number(line, "typical_seconds") ||
            !is_number(line, "fastest_seconds")) {
            return;
        }
        Told& slowest = ranks_[line["slowest_rank"].get<int>()];
        Told& fastest = ranks_[line["fastest_rank"].get<int>()];
        const bool has_all = add_all(line);
        knows_all_ = knows_all_ && has_all;
        if (!has_all) {
            slowest.add(line["slowest_seconds"].get<double>());
            fastest.add(line["fastest_seconds"].get<double>());
        }
        ++slowest.times_slowest;
        ++fastest.times_fastest;
        if (line.contains("host") && line["host"].is_string()) {
            slowest.host = line["host"].get<std::string>();
        }
        typical_ += line["typical_seconds"].get<double>();
        step_ = Step(line["step"].get<std::int64_t>());
        ++reports_;
    }

    [[nodiscard]] std::optional<RankPace> result() const {
        if (reports_ == 0) {
            return std::nullopt;
        }
        const auto slowness = [this](const auto& entry) {
            const Told& told = entry.second;
            return std::tuple(knows_all_ ? told.mean() : 0.0, told.times_slowest);
        };
        const auto speed = [this](const auto& entry) {
            const Told& told = entry.second;
            return std::tuple(knows_all_ ? -told.mean() : 0.0, told.times_fastest);
        };
        const auto most = [this](const auto& measure) {
            return std::max_element(
                ranks_.begin(), ranks_.end(),
                [&](const auto& a, const auto& b) { return measure(a) < measure(b); });
        };
        const auto& [slowest, slow] = *most(slowness);
        const auto& [fastest, fast] = *most(speed);
        return RankPace{.slowest = Rank(slowest),
                        .host = slow.host,
                        .slowest_step = Seconds(slow.mean()),
                        .fastest = Rank(fastest),
                        .fastest_step = Seconds(fast.mean()),
                        .typical_step = Seconds(typical_ / static_cast<double>(reports_)),
                        .reports = reports_,
                        .times_slowest = slow.times_slowest,
                        .step = step_};
    }

  private:
    /// @return whether the line holds the times of all ranks
    bool add_all(const Json& line) {
        const auto list = line.find("rank_seconds");
        const auto last = static_cast<std::size_t>(
            std::max(line["slowest_rank"].get<int>(), line["fastest_rank"].get<int>()));
        if (list == line.end() || !list->is_array() || list->size() <= last ||
            !std::all_of(list->begin(), list->end(),
                         [](const Json& one) { return one.is_number(); })) {
            return false;
        }
        for (std::size_t rank = 0; rank < list->size(); ++rank) {
            ranks_[static_cast<int>(rank)].add((*list)[rank].get<double>());
        }
        return true;
    }

    std::map<int, Told> ranks_;
    bool knows_all_ = true;  ///< every line did
    double typical_ = 0;
    std::int64_t reports_ = 0;
    Step step_;
};

}  // namespace

Json rank_seconds(std::span<const Seconds> of_rank) {
    Json list = Json::array();
    for (const Seconds seconds : of_rank) {
        list.push_back(std::round(seconds.value * 1e6) / 1e6);
    }
    return list;
}

std::optional<RankPace> pace_of_start(const std::filesystem::path& metrics) {
    Tally tally;
    for_each_metric(metrics, {"start", "pace"}, [&](const Json& line) {
        if (line["kind"] == "start") {
            tally = Tally();
        } else {
            tally.add(line);
        }
    });
    return tally.result();
}

}  // namespace hpml
