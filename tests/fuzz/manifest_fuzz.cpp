#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "corpus/manifest.h"

namespace {

using namespace hpml;

void must(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void check_shards(const std::vector<corpus::ShardEntry>& shards, std::int64_t rows,
                  std::int64_t tokens) {
    for (const corpus::ShardEntry& shard : shards) {
        must(shard.name.find('/') == std::string::npos && !shard.name.empty());
        must(shard.name != "." && shard.name != "..");
        must(shard.rows >= 0 && shard.tokens >= shard.rows && shard.bytes > 0);
        rows -= shard.rows;
        tokens -= shard.tokens;
    }
    must(rows == 0 && tokens == 0);
}

}  // namespace

/// Whatever a manifest holds, it is refused by an error of ours or leads to nothing outside its
/// folder, with totals that are the sums of what it lists.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const corpus::Manifest manifest = corpus::parse_manifest(text, "manifest.json");
        must(manifest.format_version == 1 && manifest.sequence_length >= 3);
        must(manifest.vocabulary_size > 0);
        check_shards(manifest.train, manifest.train_rows(), manifest.train_tokens);
        check_shards(manifest.validation, manifest.validation_rows(), manifest.validation_tokens);
        (void)manifest.digest();
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
