#include <fmt/format.h>

#include <iterator>

#include "comm/trace/summary.h"

namespace hpml::comm {

namespace {

double ms(Seconds time) { return time.value * 1e3; }

}  // namespace

std::string to_table(const TraceSummary& summary) {
    std::string text = fmt::format(
        "medians over {} steps{}, in ms; exposed: waits for sums; imbalance: of these, for the "
        "last rank\n"
        "{:>5} {:>9} {:>8} {:>9} {:>9} {:>8} {:>8} {:>7} {:>9} {:>10} {:>8} {:>7} {:>5}\n",
        summary.ranks.front().steps, summary.left_out_first ? " (without the first)" : "", "rank",
        "step", "data", "forward", "backward", "update", "exposed", "share", "imbalance",
        "overlapped", "work", "in wait", "last");
    auto out = std::back_inserter(text);
    for (const TraceRankSummary& one : summary.ranks) {
        fmt::format_to(out,
                       "{:>5} {:>9.2f} {:>8.2f} {:>9.2f} {:>9.2f} {:>8.2f} {:>8.2f} {:>6.2f}% "
                       "{:>9.2f} {:>10.2f} {:>8.2f} {:>7.2f} {:>5}\n",
                       one.rank.value, ms(one.step), ms(one.data), ms(one.forward),
                       ms(one.backward), ms(one.update), ms(one.exposed), one.exposed_share * 100,
                       ms(one.imbalance), ms(one.overlapped), ms(one.work), ms(one.work_in_wait),
                       one.came_last);
    }
    if (summary.ranks.size() > 1) {
        fmt::format_to(out, "slowest: rank {}\n", summary.slowest.value);
    }
    fmt::format_to(out, "{:>7} {:>10} {:>10} {:>11} {:>9}\n", "bucket", "MiB", "queued ms",
                   "reduced ms", "bus GB/s");
    for (const TraceBucketSummary& one : summary.buckets) {
        fmt::format_to(out, "{:>7} {:>10.2f} {:>10.3f} {:>11.3f} {:>9.2f}\n", one.bucket,
                       static_cast<double>(one.size.value) / 1048576.0, ms(one.queued),
                       ms(one.reduced), one.bus_gigabytes);
    }
    if (summary.is_part) {
        text += "this is what one rank of a run that did not end has left\n";
    }
    if (summary.lost > 0) {
        fmt::format_to(out, "{} records are missing: the writer could not keep up\n", summary.lost);
    }
    return text;
}

Json to_json(const TraceSummary& summary) {
    Json ranks = Json::array();
    for (const TraceRankSummary& one : summary.ranks) {
        ranks.push_back({{"rank", one.rank.value},
                         {"steps", one.steps},
                         {"step_seconds", one.step.value},
                         {"data_seconds", one.data.value},
                         {"forward_seconds", one.forward.value},
                         {"backward_seconds", one.backward.value},
                         {"update_seconds", one.update.value},
                         {"exposed_seconds", one.exposed.value},
                         {"exposed_share", one.exposed_share},
                         {"imbalance_seconds", one.imbalance.value},
                         {"overlapped_seconds", one.overlapped.value},
                         {"work_seconds", one.work.value},
                         {"work_in_wait_seconds", one.work_in_wait.value},
                         {"came_last", one.came_last}});
    }
    Json buckets = Json::array();
    for (const TraceBucketSummary& one : summary.buckets) {
        buckets.push_back({{"bucket", one.bucket},
                           {"bytes", one.size.value},
                           {"queued_seconds", one.queued.value},
                           {"reduced_seconds", one.reduced.value},
                           {"bus_gigabytes_per_second", one.bus_gigabytes}});
    }
    return {{"ranks", ranks},
            {"buckets", buckets},
            {"slowest_rank", summary.slowest.value},
            {"lost_records", summary.lost},
            {"is_part", summary.is_part}};
}

}  // namespace hpml::comm
