#include "apps/hpml_check_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "apps/options.h"
#include "apps/program.h"
#include "base/megabytes.h"
#include "corpus/data_folder.h"
#include "corpus/examine.h"
#include "corpus/shard.h"

namespace hpml {

namespace {

constexpr int kBarWidth = 40;

struct ShardCheck {
    std::filesystem::path data;
    int samples = 3;
    std::uint64_t seed = 42;
};

double share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_split(const char* name, const corpus::SplitStatistics& split,
                 const corpus::Manifest& manifest) {
    const std::int64_t sequence_length = manifest.sequence_length;
    const auto rows = static_cast<double>(std::max<std::int64_t>(split.rows, 1));
    const auto tokens = static_cast<double>(std::max<std::int64_t>(split.tokens, 1));
    fmt::print("{}: {} shards, {} rows, {} tokens, {:.1f} MB, {:.3f} bytes a token\n", name,
               split.shards, split.rows, split.tokens, megabytes(Bytes(split.bytes)),
               static_cast<double>(split.bytes) / tokens);
    fmt::print(
        "  rows of {} to {} tokens, {:.1f} on average; a batch padded to {} would be {:.1f} "
        "% padding; {:.3f} % of the tokens are unknown\n",
        split.shortest, split.longest, tokens / rows, sequence_length,
        100 - share(split.tokens, split.rows * sequence_length),
        share(split.unknown, split.tokens));
    if (manifest.pairs) {
        fmt::print("  pairs; in {:.1f} % of them the second part is of another document\n",
                   share(split.random_pairs, split.rows));
    }
    const std::int64_t most = *std::ranges::max_element(split.lengths);
    std::int64_t from = 1;
    for (std::size_t bin = 0; bin < corpus::kLengthBins; ++bin) {
        const std::int64_t to = sequence_length * static_cast<std::int64_t>(bin + 1) /
                                static_cast<std::int64_t>(corpus::kLengthBins);
        const std::int64_t count = split.lengths[bin];
        const auto bar = most == 0 ? 0 : (count * kBarWidth + most - 1) / most;
        fmt::print("  {:>5} to {:<5} {:>10} {:>5.1f} %  {}\n", from, to, count,
                   share(count, split.rows), std::string(static_cast<std::size_t>(bar), '#'));
        from = to + 1;
    }
}

int check(const ShardCheck& options) {
    const auto manifest = corpus::read_manifest(options.data);
    corpus::check_shards_present(options.data, manifest);
    const auto tokenizer = corpus::read_tokenizer(options.data, manifest);
    fmt::print(
        "{}: {} documents ({} for validation), {} entries in the vocabulary, unigram "
        "entropy {:.3f} nats\n",
        options.data.string(), manifest.documents, manifest.validation_documents,
        manifest.vocabulary_size, manifest.unigram_entropy_nats);
    for (const auto split : {corpus::Split::Train, corpus::Split::Validation}) {
        print_split(split == corpus::Split::Train ? "training" : "validation",
                    corpus::examine_split(options.data, manifest, split, tokenizer->special()),
                    manifest);
    }
    const std::int64_t shown = std::min<std::int64_t>(options.samples, manifest.train_rows());
    for (std::int64_t position = 0; position < shown; ++position) {
        fmt::print("sample {}: {}\n", position + 1,
                   printable(corpus::show_sample(options.data, manifest, *tokenizer, position,
                                                 options.seed)));
    }
    fmt::print("all hashes, schemas and token ids are right\n");
    return 0;
}

}  // namespace

int check_shards(int argc, const char* const* argv) {
    ShardCheck options;
    OptionTable table("hpml_check shards", "Verify a prepared corpus and show what is in it");
    table.group("Corpus")
        .add_positional("data", options.data, "Folder that hpml_prepare made")
        .placeholder("DIR")
        .required()
        .add("samples", options.samples,
             "Rows to show, the first of the training's order: [MASK:word] is predicted from "
             "[MASK], [other:word] from a random token, [=word] from itself")
        .at_least(0)
        .add("seed", options.seed, "Of order and masks, as hpml_pretrain takes it");
    table.example("hpml_check shards wiki", "all hashes, a histogram of lengths, three samples");
    return table.parse(argc, argv) == ParseResult::Exit ? 0 : check(options);
}

}  // namespace hpml
