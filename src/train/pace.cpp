#include "train/pace.h"

#include <algorithm>
#include <cstddef>

#include "base/host.h"

namespace hpml::train {

Pace::Pace(const mpi::Communicator& ranks) : ranks_(ranks), hosts_(ranks.all_gather(host_name())) {}

std::optional<PaceReport> Pace::add(Seconds own) {
    sum_ = sum_ + own;
    if (ranks_.size() == 1 || ++steps_ < kStepsOfPace) {
        return std::nullopt;
    }
    std::vector<double> seconds(hosts_.size(), 0.0);
    seconds[static_cast<std::size_t>(ranks_.rank().value)] = sum_.value / steps_;
    ranks_.sum(seconds);
    steps_ = 0;
    sum_ = Seconds(0);
    const auto slowest = std::max_element(seconds.begin(), seconds.end());
    const auto place = static_cast<std::size_t>(slowest - seconds.begin());
    PaceReport report;
    report.slowest = Rank(static_cast<int>(place));
    report.host = hosts_[place];
    report.slowest_step = Seconds(*slowest);
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>((seconds.size() - 1) / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    report.typical_step = Seconds(*middle);
    report.lags = report.slowest_step.value >= kLag * report.typical_step.value;
    return report;
}

}  // namespace hpml::train
