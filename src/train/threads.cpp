#include "train/threads.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hpml::train {

namespace {

/// One character per core, '1' where the process may run.
std::string own_mask() {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof(set), &set);
    std::string mask(CPU_SETSIZE, '0');
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        mask[static_cast<std::size_t>(core)] = CPU_ISSET(core, &set) ? '1' : '0';
    }
    return mask;
}

int count(const std::string& mask) {
    return static_cast<int>(std::count(mask.begin(), mask.end(), '1'));
}

}  // namespace

ThreadChoice choose_threads(const mpi::Communicator& ranks, int requested) {
    const auto node = ranks.split_by_node();
    const std::string mine = own_mask();
    std::string all(mine.size(), '0');
    int sum = 0;
    for (const std::string& mask : node.all_gather(mine)) {
        sum += count(mask);
        for (std::size_t core = 0; core < all.size(); ++core) {
            all[core] = mask[core] == '1' ? '1' : all[core];
        }
    }
    ThreadChoice choice;
    choice.ranks_on_node = node.size();
    choice.cores_on_node = count(all);
    choice.cores_of_rank = count(mine);
    choice.disjoint = sum == choice.cores_on_node;
    if (requested > 0) {
        choice.threads = requested;
    } else {
        choice.threads =
            choice.disjoint ? choice.cores_of_rank : choice.cores_on_node / node.size();
        choice.threads = std::max(choice.threads, 1);
    }
    const int used = std::min(choice.threads * node.size(), choice.cores_on_node);
    choice.idle_cores = choice.cores_on_node - used;
    choice.explanation =
        fmt::format("{} per rank, {} ({} {} on the node, {} cores{})", choice.threads,
                    requested > 0     ? "as asked"
                    : choice.disjoint ? "from the rank's own cores"
                                      : "the node's cores divided by its ranks",
                    node.size(), node.size() == 1 ? "rank" : "ranks", choice.cores_on_node,
                    choice.disjoint && node.size() > 1 ? ", each rank bound to its own" : "");
    return choice;
}

comm::ProgressFacts progress_facts(const mpi::Communicator& ranks, const ThreadChoice& threads,
                                   bool multiple_threads) {
    return {ranks.size(),     threads.ranks_on_node, threads.cores_of_rank,
            threads.disjoint, threads.threads,       multiple_threads};
}

}  // namespace hpml::train
