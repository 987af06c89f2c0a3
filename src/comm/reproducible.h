#pragma once

#include <cstdint>
#include <string>

namespace hpml::comm {

/// What the bits of a sum may depend on, beside the numbers. Each level promises what those before
/// it do.
enum class Reproducible : std::uint8_t {
    Off,      ///< on anything: `auto` goes by what the network does at the start
    Run,      ///< on the set-up: ranks, nodes, buckets, algorithm; not on timing
    Strict,   ///< on the number of ranks alone: elements are added in the order of the ranks
    Elastic,  ///< on nothing: ElasticSum, whatever the number of ranks
};

/// "off", "run", "strict", "elastic".
[[nodiscard]] std::string to_text(Reproducible level);

/// Whether an algorithm (one of algorithm_names()) adds every element in the order of the ranks,
/// wherever buffers and messages are cut.
[[nodiscard]] bool adds_in_rank_order(const std::string& algorithm);

}  // namespace hpml::comm
