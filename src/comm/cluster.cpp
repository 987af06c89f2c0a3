#include "comm/cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace hpml::comm {

namespace {

constexpr int kMostRanksPerNode = 4096;
constexpr int kMostLinks = 64;

/// An object of the file: every key is known, every value in its range.
class Section {
  public:
    Section(const Json& json, std::string where, const std::vector<std::string>& keys)
        : json_(json), where_(std::move(where)) {
        if (!json.is_object()) {
            throw InputError(where_ + " is not an object; it may hold " + listed(keys));
        }
        for (const auto& [key, value] : json.items()) {
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
                throw InputError(fmt::format("{}: key '{}' is not known; allowed: {}", where_, key,
                                             listed(keys)));
            }
        }
    }

    [[nodiscard]] bool has(const char* key) const { return json_.contains(key); }
    /// A finite number above 0.
    [[nodiscard]] double above_zero(const char* key) const {
        const double value = number(key);
        if (!(value > 0) || !std::isfinite(value)) {
            throw InputError(fmt::format("{}: '{}' is {} (a number above 0 is needed)", where_, key,
                                         json_.at(key).dump()));
        }
        return value;
    }
    /// A finite number, 0 or above.
    [[nodiscard]] double zero_or_above(const char* key) const {
        const double value = number(key);
        return value == 0 ? 0 : above_zero(key);
    }
    [[nodiscard]] int whole(const char* key, int most) const {
        const auto value = json_member<double>(json_, key, where_);
        if (!json_.at(key).is_number_integer() || value < 1 || value > most) {
            throw InputError(fmt::format("{}: '{}' is {} (a whole number from 1 to {} is needed)",
                                         where_, key, json_.at(key).dump(), most));
        }
        return static_cast<int>(value);
    }
    [[nodiscard]] std::string text(const char* key) const {
        return json_member<std::string>(json_, key, where_);
    }
    [[nodiscard]] Section section(const char* key, const std::vector<std::string>& keys) const {
        return {json_.at(key), fmt::format("{}: '{}'", where_, key), keys};
    }
    [[nodiscard]] const std::string& where() const { return where_; }

  private:
    [[nodiscard]] static std::string listed(const std::vector<std::string>& keys) {
        return fmt::format("{}", fmt::join(keys, ", "));
    }
    [[nodiscard]] double number(const char* key) const {
        if (has(key) && !json_.at(key).is_number()) {
            throw InputError(fmt::format("{}: '{}' is {} (a number is needed)", where_, key,
                                         json_.at(key).dump()));
        }
        return json_member<double>(json_, key, where_);
    }

    const Json& json_;
    std::string where_;
};

void read_network(const Section& network, CostConstants& constants) {
    constants.network_alpha = network.zero_or_above("latency_seconds");
    constants.network_beta = 1 / network.above_zero("bytes_per_second");
    if (network.has("message_seconds")) {
        constants.message_overhead = network.zero_or_above("message_seconds");
    }
    if (network.has("links_per_node")) {
        constants.links = network.whole("links_per_node", kMostLinks);
    }
}

void read_node(const Section& node, CostConstants& constants) {
    constants.shared_alpha = node.zero_or_above("latency_seconds");
    constants.shared_beta = 1 / node.above_zero("bytes_per_second");
    constants.sum_beta = 1 / node.above_zero("sum_bytes_per_second");
}

ComputeRate read_compute(const Section& compute) {
    ComputeRate rate;
    if (compute.has("flops_per_second") == compute.has("forward_seconds")) {
        throw InputError(compute.where() +
                         " needs either flops_per_second or forward_seconds and backward_seconds");
    }
    if (compute.has("flops_per_second")) {
        rate.flops_per_second = compute.above_zero("flops_per_second");
    } else {
        rate.forward_seconds = compute.above_zero("forward_seconds");
        rate.backward_seconds = compute.above_zero("backward_seconds");
    }
    if (compute.has("update_seconds")) {
        rate.update_seconds = compute.zero_or_above("update_seconds");
    }
    return rate;
}

}  // namespace

Cluster cluster_from_json(const Json& json, const std::string& where) {
    const Section file(json, where, {"name", "ranks_per_node", "network", "node", "compute"});
    Cluster cluster;
    cluster.name = file.has("name") ? file.text("name") : where;
    cluster.ranks_per_node = file.whole("ranks_per_node", kMostRanksPerNode);
    cluster.has_network = file.has("network");
    if (cluster.has_network) {
        read_network(file.section("network", {"latency_seconds", "bytes_per_second",
                                              "message_seconds", "links_per_node"}),
                     cluster.constants);
    }
    if (!file.has("node")) {
        throw InputError(where + " has no key 'node'");
    }
    read_node(file.section("node", {"latency_seconds", "bytes_per_second", "sum_bytes_per_second"}),
              cluster.constants);
    if (file.has("compute")) {
        cluster.compute =
            read_compute(file.section("compute", {"flops_per_second", "forward_seconds",
                                                  "backward_seconds", "update_seconds"}));
    }
    return cluster;
}

Json to_json(const Cluster& cluster) {
    const CostConstants& constants = cluster.constants;
    Json json = {{"name", cluster.name}, {"ranks_per_node", cluster.ranks_per_node}};
    if (cluster.has_network) {
        json["network"] = {{"latency_seconds", constants.network_alpha},
                           {"bytes_per_second", 1 / constants.network_beta},
                           {"message_seconds", constants.message_overhead},
                           {"links_per_node", constants.links}};
    }
    json["node"] = {{"latency_seconds", constants.shared_alpha},
                    {"bytes_per_second", 1 / constants.shared_beta},
                    {"sum_bytes_per_second", 1 / constants.sum_beta}};
    if (cluster.compute) {
        const ComputeRate& rate = *cluster.compute;
        Json compute = rate.flops_per_second > 0
                           ? Json{{"flops_per_second", rate.flops_per_second}}
                           : Json{{"forward_seconds", rate.forward_seconds},
                                  {"backward_seconds", rate.backward_seconds}};
        compute["update_seconds"] = rate.update_seconds;
        json["compute"] = std::move(compute);
    }
    return json;
}

Topology topology_of(const Cluster& cluster, int ranks) {
    expects(ranks > 0, "a rank");
    if (ranks <= cluster.ranks_per_node) {
        return {ranks, 1};
    }
    if (!cluster.has_network) {
        throw InputError(fmt::format(
            "{} has no key 'network' ({} ranks need more than one node of {}); add one, or "
            "calibrate on two nodes",
            cluster.name, ranks, cluster.ranks_per_node));
    }
    if (ranks % cluster.ranks_per_node != 0) {
        throw UsageError(
            fmt::format("{} ranks do not fill the nodes of {} ({} on each); give a "
                        "multiple",
                        ranks, cluster.name, cluster.ranks_per_node));
    }
    return {ranks, ranks / cluster.ranks_per_node};
}

}  // namespace hpml::comm
