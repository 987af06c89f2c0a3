#include "comm/select.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <span>

#include "base/error.h"
#include "comm/mpi_all_reduce.h"
#include "comm/ring.h"
#include "comm/shm.h"
#include "comm/widened.h"

namespace hpml::comm {

namespace {

void require_one_node(bool one_node) {
    if (!one_node) {
        throw ResourceError(
            "allreduce=shm, but the ranks are on several nodes (only those of one "
            "share memory); use auto or ring");
    }
}

}  // namespace

std::unique_ptr<Algorithm> make_algorithm(const std::string& name, const mpi::Communicator& ranks) {
    const bool is_auto = name == "auto" && ranks.size() > 1;
    if (is_auto || name == "shm") {
        const auto node = ranks.split_by_node();
        std::int64_t off_node = node.size() == ranks.size() ? 0 : 1;
        ranks.max(std::span(&off_node, 1));
        try {
            require_one_node(off_node == 0);
            return ShmAllReduce::for_node(node);
        } catch (const ResourceError&) {
            if (!is_auto) {
                throw;
            }
        }
    }
    if (name == "auto" || name == "ring") {
        return std::make_unique<Widened>(std::make_unique<Ring>(ranks));
    }
    if (name == "mpi") {
        return std::make_unique<Widened>(std::make_unique<MpiAllReduce>(ranks));
    }
    throw UsageError("allreduce=" + name + " is not known; choose auto, shm, ring or mpi");
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
