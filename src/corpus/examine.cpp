#include "corpus/examine.h"

#include <algorithm>
#include <limits>

#include "corpus/masking.h"
#include "corpus/order.h"
#include "corpus/shard.h"
#include "corpus/split_reader.h"

namespace hpml::corpus {

namespace {

/// A token as it reads within a word, without the space that may begin it.
std::string shown(const text::Tokenizer& tokenizer, std::int32_t id) {
    const std::string text = tokenizer.decode(std::span(&id, 1));
    return text.size() > 1 && text.front() == ' ' ? text.substr(1) : text;
}

}  // namespace

SplitStatistics examine_split(const std::filesystem::path& data, const Manifest& manifest,
                              Split split, const text::SpecialTokens& special) {
    const auto& entries = split == Split::Train ? manifest.train : manifest.validation;
    const ShardFormat format = shard_format(manifest);
    SplitStatistics found;
    found.shortest = std::numeric_limits<std::int64_t>::max();
    std::vector<std::int32_t> tokens;
    for (const ShardEntry& entry : entries) {
        const ShardReader shard(data, entry, format);
        ++found.shards;
        found.bytes += entry.bytes;
        for (std::int64_t row = 0; row < shard.rows(); ++row) {
            shard.read_row(row, tokens);
            found.random_pairs += shard.pair(row).is_random ? 1 : 0;
            const auto length = static_cast<std::int64_t>(tokens.size());
            ++found.rows;
            found.tokens += length;
            found.unknown += std::ranges::count(tokens, special.unknown);
            found.shortest = std::min(found.shortest, length);
            found.longest = std::max(found.longest, length);
            const std::int64_t bin =
                (length * static_cast<std::int64_t>(kLengthBins) - 1) / manifest.sequence_length;
            ++found.lengths[static_cast<std::size_t>(bin)];
        }
    }
    found.shortest = found.rows == 0 ? 0 : found.shortest;
    return found;
}

std::string show_sample(const std::filesystem::path& data, const Manifest& manifest,
                        const text::Tokenizer& tokenizer, std::int64_t position,
                        std::uint64_t seed) {
    const SplitReader reader(data, manifest, Split::Train, Presence::Known);
    const OrderedSample sample = Order(reader.rows(), seed).at(position);
    std::vector<std::int32_t> tokens;
    const RowPair pair = reader.read_row(sample.sample, tokens);
    Batch batch;
    batch.clear();
    Masker(masking_for(tokenizer, MaskWhole::Tokens), seed)
        .append(batch, tokens, std::vector<std::int32_t>(tokens.size(), 0),
                {sample.sample, sample.epoch});
    std::string text = !manifest.pairs  ? ""
                       : pair.is_random ? "(second part of another document) "
                                        : "(second part follows) ";
    auto predicted = batch.mlm_positions.begin();
    for (std::size_t at = 0; at < tokens.size(); ++at) {
        const bool continues = tokenizer.continues_word(tokens[at]);
        std::string word = shown(tokenizer, tokens[at]);
        if (predicted != batch.mlm_positions.end() && static_cast<std::size_t>(*predicted) == at) {
            ++predicted;
            const std::int32_t seen = batch.tokens[at];
            const std::string from = seen == tokenizer.special().mask ? "MASK:"
                                     : seen == tokens[at]             ? "="
                                                          : shown(tokenizer, seen) + ":";
            word = "[" + from + word + "]";
        }
        text += (at == 0 || continues ? "" : " ") + word;
    }
    return text;
}

}  // namespace hpml::corpus
