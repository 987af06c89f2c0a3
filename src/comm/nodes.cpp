#include "comm/nodes.h"

#include <cstdint>
#include <span>

namespace hpml::comm {

int count_nodes(const mpi::Communicator& ranks, const mpi::Communicator& node) {
    std::int64_t first_of_node = node.is_root() ? 1 : 0;
    ranks.sum(std::span(&first_of_node, 1));
    return static_cast<int>(first_of_node);
}

}  // namespace hpml::comm
