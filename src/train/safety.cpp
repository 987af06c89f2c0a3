#include "train/safety.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/host.h"

namespace hpml::train {

namespace {

/// The hash that most ranks have; of several equally frequent ones that of the lowest rank.
std::string most_frequent(const std::vector<std::string>& hashes) {
    std::map<std::string, int> counts;
    for (const std::string& hash : hashes) {
        ++counts[hash];
    }
    return *std::ranges::max_element(hashes, {},
                                     [&](const std::string& hash) { return counts.at(hash); });
}

}  // namespace

void require_equal_replicas(const at::Tensor& parameters, const mpi::Communicator& ranks,
                            Step step) {
    if (ranks.size() == 1) {
        return;
    }
    const at::Tensor host = parameters.cpu().contiguous();
    const auto bytes =
        std::as_bytes(std::span(static_cast<const char*>(host.const_data_ptr()), host.nbytes()));
    const std::vector<std::string> hashes = ranks.all_gather(hash_bytes(bytes).hex());
    const std::string usual = most_frequent(hashes);
    if (std::ranges::all_of(hashes, [&](const std::string& hash) { return hash == usual; })) {
        return;
    }
    const std::vector<std::string> hosts = ranks.all_gather(host_name());
    std::string others;
    for (std::size_t rank = 0; rank < hashes.size(); ++rank) {
        if (hashes[rank] != usual) {
            others += fmt::format("{}rank {} on {}", others.empty() ? "" : ", ", rank, hosts[rank]);
        }
    }
    throw ReplicaError(fmt::format(
        "after step {} the parameters of {} differ from those of the other ranks (from here on "
        "they would train different models); look for memory errors on that host, and start the "
        "same command again: it goes on from the last checkpoint",
        step.value, others));
}

}  // namespace hpml::train
