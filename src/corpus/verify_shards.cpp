#include "corpus/verify_shards.h"

#include <cstddef>
#include <vector>

#include "corpus/shard.h"

namespace hpml::corpus {

void verify_shards(const std::filesystem::path& data, const Manifest& manifest,
                   const mpi::Communicator& ranks) {
    std::vector<const ShardEntry*> entries;
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& entry : *split) {
            entries.push_back(&entry);
        }
    }
    const auto node = ranks.split_by_node();
    mpi::agree(ranks, [&] {
        if (node.is_root()) {
            check_shards_present(data, manifest);
        }
    });
    // Neighbouring shards for neighbouring ranks: the lowest failing rank, which speaks for all,
    // holds the first bad shard.
    const auto rank = static_cast<std::size_t>(node.rank().value);
    const auto size = static_cast<std::size_t>(node.size());
    const std::size_t last = entries.size() * (rank + 1) / size;
    mpi::agree(ranks, [&] {
        for (std::size_t i = entries.size() * rank / size; i < last; ++i) {
            verify_shard(data, *entries[i]);
        }
    });
}

}  // namespace hpml::corpus
