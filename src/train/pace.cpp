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
    PaceReport report;
    for (const double mean : seconds) {
        report.steps.emplace_back(mean);
    }
    const auto [fastest, slowest] = std::minmax_element(seconds.begin(), seconds.end());
    report.slowest = Rank(static_cast<int>(slowest - seconds.begin()));
    report.fastest = Rank(static_cast<int>(fastest - seconds.begin()));
    report.host = hosts_[static_cast<std::size_t>(report.slowest.value)];
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>((seconds.size() - 1) / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    report.typical_step = Seconds(*middle);
    report.lags = report.slowest_step().value >= kLag * report.typical_step.value;
    return report;
}

}  // namespace hpml::train
