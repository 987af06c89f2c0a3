#include <fmt/format.h>

#include <string_view>

#include "comm/scaling.h"

namespace hpml::comm {

namespace {

std::string size_text(Bytes size) {
    return size.value >= (1U << 20) ? fmt::format("{} MiB", size.value >> 20)
                                    : fmt::format("{} KiB", size.value >> 10);
}

std::string_view name_of_way(const Way& way) {
    return way.method ? name_of(*way.method) : std::string_view("auto");
}

double exposed_percent(const Way& way) { return 100 * way.step.exposed / way.step.seconds; }

std::string headline(const SimulationReport& report) {
    const ScalingRow& result = report.result;
    const SimulatedStep& step = result.best.step;
    return fmt::format(
        "{}: {} ranks on {} nodes, {} sequences of {} tokens each\n"
        "step {:.1f} ms, of it {:.1f} ms computing and {:.1f} ms ({:.1f} %) exposed communication; "
        "efficiency {:.3f}, {:.0f} tokens/s\n"
        "best: buckets of {}, {}; its all-reduces alone take {:.1f} ms\n",
        report.cluster.name, result.topology.ranks, result.topology.nodes, result.sequences,
        report.options.sequence_length, step.seconds * 1e3, report.compute_seconds * 1e3,
        step.exposed * 1e3, exposed_percent(result.best), result.efficiency,
        result.tokens_per_second, size_text(report.buckets[result.best.plan]),
        name_of_way(result.best), step.all_reduce * 1e3);
}

/// A line per bucket size, a column per algorithm; the ways come plan by plan.
std::string sweep_text(const SimulationReport& report) {
    std::string text = "\nexposed communication in ms, by bucket and algorithm\n  bucket";
    for (const Way& way : report.ways) {
        if (way.plan == 0) {
            text += fmt::format(" {:>18}", name_of_way(way));
        }
    }
    std::size_t plan = report.buckets.size();
    for (const Way& way : report.ways) {
        if (way.plan != plan) {
            plan = way.plan;
            text += fmt::format("\n{:>8}", size_text(report.buckets[plan]));
        }
        text += fmt::format(" {:>18.1f}", way.step.exposed * 1e3);
    }
    return text + "\n";
}

std::string prediction_text(const SimulationReport& report) {
    std::string text = "\nall-reduce of one buffer in ms\n    size";
    for (const auto& [method, seconds] : report.all_reduces.front().seconds) {
        text += fmt::format(" {:>18}", name_of(method));
    }
    text += "  auto takes\n";
    for (const AllReducePrediction& one : report.all_reduces) {
        text += fmt::format("{:>8}", size_text(one.size));
        for (const auto& [method, seconds] : one.seconds) {
            text += fmt::format(" {:>18.3f}", seconds * 1e3);
        }
        text += fmt::format("  {}\n", name_of(one.chosen));
    }
    return text;
}

std::string scaling_text(const SimulationReport& report, const std::vector<ScalingRow>& rows) {
    std::string text = fmt::format(
        "{:>8} {:>8} {:>10} {:>8}  {:<18} {:>10} {:>11} {:>7} {:>13} {:>10}\n", "ranks", "nodes",
        "sequences", "bucket", "algorithm", "step ms", "exposed ms", "%", "tokens/s", "efficiency");
    for (const ScalingRow& row : rows) {
        text += fmt::format(
            "{:>8} {:>8} {:>10} {:>8}  {:<18} {:>10.1f} {:>11.1f} {:>7.1f} {:>13.0f} {:>10.3f}\n",
            row.topology.ranks, row.topology.nodes, row.sequences,
            size_text(report.buckets[row.best.plan]), name_of_way(row.best),
            row.best.step.seconds * 1e3, row.best.step.exposed * 1e3, exposed_percent(row.best),
            row.tokens_per_second, row.efficiency);
    }
    return text;
}

Json json_of(const SimulationReport& report, const Way& way) {
    return {{"bucket_bytes", report.buckets[way.plan].value},
            {"allreduce", name_of_way(way)},
            {"step_seconds", way.step.seconds},
            {"exposed_seconds", way.step.exposed},
            {"all_reduce_seconds", way.step.all_reduce}};
}

Json json_of(const SimulationReport& report, const ScalingRow& row) {
    Json json = {{"ranks", row.topology.ranks},
                 {"nodes", row.topology.nodes},
                 {"sequences_per_rank", row.sequences}};
    json.update(json_of(report, row.best));
    json["tokens_per_second"] = row.tokens_per_second;
    json["efficiency"] = row.efficiency;
    return json;
}

Json json_of(const SimulationReport& report, const std::vector<ScalingRow>& rows) {
    Json list = Json::array();
    for (const ScalingRow& row : rows) {
        list.push_back(json_of(report, row));
    }
    return list;
}

Json json_of(const std::vector<AllReducePrediction>& predictions) {
    Json list = Json::array();
    for (const AllReducePrediction& one : predictions) {
        Json seconds = Json::object();
        for (const auto& [method, value] : one.seconds) {
            seconds[std::string(name_of(method))] = value;
        }
        list.push_back({{"bytes", one.size.value},
                        {"seconds", std::move(seconds)},
                        {"auto", name_of(one.chosen)}});
    }
    return list;
}

}  // namespace

std::string to_table(const SimulationReport& report) {
    return headline(report) + sweep_text(report) + prediction_text(report) +
           fmt::format("\nweak scaling: {} sequences on each rank\n",
                       report.options.sequences_per_rank) +
           scaling_text(report, report.weak) +
           fmt::format("\nstrong scaling: {} sequences on all ranks together\n",
                       report.options.global_batch) +
           scaling_text(report, report.strong);
}

Json to_json(const SimulationReport& report) {
    Json json = {{"cluster", to_json(report.cluster)},
                 {"sequence_length", report.options.sequence_length},
                 {"global_batch", report.options.global_batch},
                 {"compute_seconds", report.compute_seconds}};
    json.update(json_of(report, report.result));
    Json ways = Json::array();
    for (const Way& way : report.ways) {
        ways.push_back(json_of(report, way));
    }
    json["sweep"] = std::move(ways);
    json["predictions"] = json_of(report.all_reduces);
    json["weak_scaling"] = json_of(report, report.weak);
    json["strong_scaling"] = json_of(report, report.strong);
    return json;
}

}  // namespace hpml::comm
