#include "comm/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "comm/checked.h"
#include "comm/cost_model.h"
#include "comm/hierarchical.h"
#include "comm/mpi_all_reduce.h"
#include "comm/nodes.h"
#include "comm/recursive_doubling.h"
#include "comm/ring.h"
#include "comm/shm.h"
#include "comm/two_shot.h"
#include "comm/widened.h"

namespace hpml::comm {

namespace {

void require_one_node(const Topology& topology) {
    if (topology.nodes > 1) {
        throw ResourceError(
            "allreduce=shm, but the ranks are on several nodes (only those of one "
            "share memory); use auto or ring");
    }
}

/// Which of the ranks are on this one's node, and how many nodes there are.
struct Nodes {
    mpi::Communicator node;
    Topology topology;
};

Nodes find_nodes(const mpi::Communicator& ranks) {
    mpi::Communicator node = ranks.split_by_node();
    const int nodes = count_nodes(ranks, node);
    return {std::move(node), {ranks.size(), nodes}};
}

std::unique_ptr<Algorithm> widened(std::unique_ptr<Algorithm> algorithm) {
    return std::make_unique<Widened>(std::move(algorithm));
}

ShmOptions in_node(const AllReduceOptions& options) { return {.chunk = options.chunk}; }

RingOptions around(const AllReduceOptions& options, const Topology& topology) {
    RingOptions ring = topology.nodes == 1 ? RingOptions() : RingOptions::between_nodes();
    if (options.segment != Bytes(0)) {
        ring.segment = options.segment;
    }
    return ring;
}

HierarchicalOptions between_nodes(const AllReduceOptions& options, const Topology& topology) {
    return {.shm = in_node(options), .ring = around(options, topology)};
}

TwoShotOptions in_two_shots(const AllReduceOptions& options, const Topology& topology) {
    TwoShotOptions shots =
        topology.nodes == 1 ? TwoShotOptions() : TwoShotOptions::between_nodes(topology.ranks);
    shots.wire = options.wire;
    return shots;
}

using Methods = std::map<Method, std::unique_ptr<Algorithm>>;

/// Between nodes: for each buffer the method that the model finds fastest.
class BySize final : public Algorithm {
  public:
    BySize(Methods methods, const Topology& topology, const CostConstants& constants)
        : methods_(std::move(methods)), topology_(topology), constants_(constants) {
        for (const auto& [method, algorithm] : methods_) {
            candidates_.push_back(method);
            name_ += (name_.empty() ? "" : ", ") + std::string(algorithm->name());
        }
    }

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override {
        const Method best = choose(buffer.size(), topology_, constants_, candidates_);
        return methods_.at(best)->start(buffer);
    }
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override {
        const auto found = methods_.find(Method::Hierarchical);
        return found == methods_.end() ? Algorithm::allocate(size) : found->second->allocate(size);
    }

  private:
    Methods methods_;
    Topology topology_;
    CostConstants constants_;
    std::vector<Method> candidates_;
    std::string name_;
};

/// Null where the node's ranks cannot share memory, or the nodes have different numbers of them.
template <class Make>
std::unique_ptr<Algorithm> if_possible(const Make& make) {
    try {
        return make();
    } catch (const Error& obstacle) {
        if (obstacle.code() != ExitCode::Resource) {
            throw;
        }
        return nullptr;
    }
}

Methods methods_between(const Nodes& nodes, const AllReduceOptions& options,
                        const mpi::Communicator& ranks) {
    Methods methods;
    methods[Method::TwoShot] =
        std::make_unique<TwoShot>(ranks, in_two_shots(options, nodes.topology));
    // The others add in an order of their own, and in the numbers' own form.
    if (options.reproducible == Reproducible::Strict || options.wire != Wire::Same) {
        return methods;
    }
    methods[Method::Ring] = widened(std::make_unique<Ring>(ranks, around(options, nodes.topology)));
    methods[Method::RecursiveDoubling] = widened(std::make_unique<RecursiveDoubling>(ranks));
    if (nodes.topology.nodes < ranks.size()) {
        auto lanes = if_possible([&] {
            return std::make_unique<Hierarchical>(ranks, nodes.node,
                                                  between_nodes(options, nodes.topology));
        });
        if (lanes) {
            methods[Method::Hierarchical] = std::move(lanes);
        }
    }
    return methods;
}

std::unique_ptr<Algorithm> choose_algorithm(const AllReduceOptions& options, const Nodes& nodes,
                                            const mpi::Communicator& ranks) {
    if (nodes.topology.nodes == 1) {
        if (auto shared =
                if_possible([&] { return ShmAllReduce::for_node(nodes.node, in_node(options)); })) {
            return shared;
        }
    }
    return std::make_unique<BySize>(methods_between(nodes, options, ranks), nodes.topology,
                                    options.constants);
}

std::unique_ptr<Algorithm> named_algorithm(const AllReduceOptions& options, const Nodes& nodes,
                                           const mpi::Communicator& ranks) {
    const std::string& name = options.algorithm;
    if (name == "auto") {
        return choose_algorithm(options, nodes, ranks);
    }
    if (name == "shm") {
        require_one_node(nodes.topology);
        return ShmAllReduce::for_node(nodes.node, in_node(options));
    }
    if (name == "hierarchical") {
        return std::make_unique<Hierarchical>(ranks, nodes.node,
                                              between_nodes(options, nodes.topology));
    }
    if (name == "recursive_doubling") {
        return widened(std::make_unique<RecursiveDoubling>(ranks));
    }
    if (name == "ring") {
        return widened(std::make_unique<Ring>(ranks, around(options, nodes.topology)));
    }
    if (name == "twoshot") {
        return std::make_unique<TwoShot>(ranks, in_two_shots(options, nodes.topology));
    }
    return widened(std::make_unique<MpiAllReduce>(ranks));
}

}  // namespace

const std::vector<std::string>& algorithm_names() {
    static const std::vector<std::string> names = {
        "auto", "shm", "hierarchical", "ring", "twoshot", "recursive_doubling", "mpi"};
    return names;
}

std::unique_ptr<Algorithm> checked(std::unique_ptr<Algorithm> algorithm,
                                   const AllReduceOptions& options,
                                   const mpi::Communicator& ranks) {
    if (options.check != Check::Every) {
        return algorithm;
    }
    return std::make_unique<Checked>(std::move(algorithm), ranks);
}

std::unique_ptr<Algorithm> make_algorithm(const AllReduceOptions& options,
                                          const mpi::Communicator& ranks) {
    require_valid(options);
    const Nodes nodes = find_nodes(ranks);
    auto algorithm = checked(named_algorithm(options, nodes, ranks), options, ranks);
    algorithm->set_patience(Patience(cores_of(nodes.node), options.spin));
    return algorithm;
}

Bytes default_bucket_size(Bytes last_level_cache, int ranks_on_node) {
    expects(ranks_on_node > 0, "a rank on the node");
    const std::uint64_t share =
        last_level_cache.value / (2 * static_cast<std::uint64_t>(ranks_on_node));
    return std::clamp(Bytes(share), mib(1), mib(8));
}

Bytes agreed_bucket_size(Bytes mine, const mpi::Communicator& ranks) {
    std::int64_t negative = -static_cast<std::int64_t>(mine.value);
    ranks.max(std::span(&negative, 1));
    return Bytes(static_cast<std::uint64_t>(-negative));
}

Bytes last_level_cache() {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index3/size");
    std::uint64_t size = 0;
    char unit = ' ';
    if (!(file >> size)) {
        return {};
    }
    file >> unit;
    return Bytes(unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size);
}

}  // namespace hpml::comm
