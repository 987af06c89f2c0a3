#include "corpus/presence.h"

#include "corpus/shard.h"

namespace hpml::corpus {

void check_shards_on_nodes(const std::filesystem::path& data, const Manifest& manifest,
                           const mpi::Communicator& ranks) {
    if (manifest.kind == CorpusKind::MaskedRows) {
        return;  // the manifest itself was made from the files that are there
    }
    const auto node = ranks.split_by_node();
    mpi::agree(ranks, [&] {
        if (node.is_root()) {
            check_shards_present(data, manifest);
        }
    });
}

}  // namespace hpml::corpus
