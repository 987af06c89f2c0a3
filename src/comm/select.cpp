#include "comm/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <span>
#include <utility>

#include "base/error.h"
#include "comm/cost_model.h"
#include "comm/hierarchical.h"
#include "comm/mpi_all_reduce.h"
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
    Nodes found{ranks.split_by_node(), {ranks.size(), 0}};
    std::int64_t first_of_node = found.node.is_root() ? 1 : 0;
    ranks.sum(std::span(&first_of_node, 1));
    found.topology.nodes = static_cast<int>(first_of_node);
    return found;
}

std::unique_ptr<Algorithm> widened(std::unique_ptr<Algorithm> algorithm) {
    return std::make_unique<Widened>(std::move(algorithm));
}

ShmOptions in_node(const AllReduceOptions& options) {
    return {.chunk = options.chunk, .spin = options.spin};
}

RingOptions around(const AllReduceOptions& options) { return {.segment = options.segment}; }

HierarchicalOptions between_nodes(const AllReduceOptions& options) {
    return {.shm = in_node(options), .ring = around(options)};
}

/// Between nodes: by the size of each buffer.
class BySize final : public Algorithm {
  public:
    BySize(const mpi::Communicator& ranks, const Nodes& nodes, const AllReduceOptions& options)
        : topology_(nodes.topology),
          short_(widened(std::make_unique<RecursiveDoubling>(ranks))),
          long_(std::make_unique<Hierarchical>(ranks, nodes.node, between_nodes(options))) {}

    [[nodiscard]] std::string_view name() const override {
        return "hierarchical, recursive_doubling";
    }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override {
        const bool is_short = choose(buffer.size(), topology_) == Method::RecursiveDoubling;
        return is_short ? short_->start(buffer) : long_->start(buffer);
    }
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override {
        return long_->allocate(size);
    }

  private:
    Topology topology_;
    std::unique_ptr<Algorithm> short_;
    std::unique_ptr<Algorithm> long_;
};

/// @throw ResourceError where the nodes do not allow anything better than the ring
std::unique_ptr<Algorithm> fastest(const AllReduceOptions& options,
                                   const mpi::Communicator& ranks) {
    const Nodes nodes = find_nodes(ranks);
    if (nodes.topology.nodes == 1) {
        return ShmAllReduce::for_node(nodes.node, in_node(options));
    }
    if (nodes.topology.ranks_per_node() == 1) {
        throw ResourceError("one rank on each node");
    }
    return std::make_unique<BySize>(ranks, nodes, options);
}

std::unique_ptr<Algorithm> choose_algorithm(const AllReduceOptions& options,
                                            const mpi::Communicator& ranks) {
    if (ranks.size() > 1) {
        try {
            return fastest(options, ranks);
        } catch (const Error& obstacle) {
            if (obstacle.code() != ExitCode::Resource) {
                throw;
            }
        }
    }
    return widened(std::make_unique<Ring>(ranks, around(options)));
}

}  // namespace

const std::vector<std::string>& algorithm_names() {
    static const std::vector<std::string> names = {
        "auto", "shm", "hierarchical", "ring", "twoshot", "recursive_doubling", "mpi"};
    return names;
}

std::unique_ptr<Algorithm> make_algorithm(const AllReduceOptions& options,
                                          const mpi::Communicator& ranks) {
    require_valid(options);
    const std::string& name = options.algorithm;
    if (name == "auto") {
        return choose_algorithm(options, ranks);
    }
    if (name == "shm") {
        const Nodes nodes = find_nodes(ranks);
        require_one_node(nodes.topology);
        return ShmAllReduce::for_node(nodes.node, in_node(options));
    }
    if (name == "hierarchical") {
        return std::make_unique<Hierarchical>(ranks, ranks.split_by_node(), between_nodes(options));
    }
    if (name == "recursive_doubling") {
        return widened(std::make_unique<RecursiveDoubling>(ranks));
    }
    if (name == "ring") {
        return widened(std::make_unique<Ring>(ranks, around(options)));
    }
    if (name == "twoshot") {
        return std::make_unique<TwoShot>(ranks);
    }
    return widened(std::make_unique<MpiAllReduce>(ranks));
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
