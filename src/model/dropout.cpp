#include "model/dropout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/error.h"
#include "base/philox.h"

// The sanitizers cannot follow the resolver that picks a clone at load time. Levels, not names of
// processors: a clone for arch=haswell is taken on its maker's processors only.
#ifdef HPML_SANITIZED
#define HPML_CLONED
#else
#define HPML_CLONED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif

namespace hpml::model {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kBlock = 4 * kLanes;  ///< elements that one group of counters decides

struct KeepRule {
    PhiloxKey key{};
    PhiloxCounter counter{};      ///< word 0 is the group's first counter
    std::uint32_t threshold = 0;  ///< words below are dropped
    float scale = 1.0F;
};

/// The ten rounds on one lane, written without a loop: GCC then keeps all lanes of a group in
/// vector registers from the first round to the last, nearly twice as fast as with a loop.
template <std::uint32_t... Round>
[[gnu::always_inline]] inline void philox_rounds(std::uint32_t (&words)[4], PhiloxKey key,
                                                 std::integer_sequence<std::uint32_t, Round...>) {
    const auto round = [&](std::uint32_t number) __attribute__((always_inline)) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * words[0];
        const std::uint64_t b = std::uint64_t{0xCD9E8D57} * words[2];
        words[0] = static_cast<std::uint32_t>(b >> 32) ^ words[1] ^ (key[0] + number * 0x9E3779B9U);
        words[1] = static_cast<std::uint32_t>(b);
        words[2] = static_cast<std::uint32_t>(a >> 32) ^ words[3] ^ (key[1] + number * 0xBB67AE85U);
        words[3] = static_cast<std::uint32_t>(a);
    };
    (round(Round), ...);
}

/// Decide `blocks` groups of 64 elements. One vector lane per counter; the same integer operations
/// in every clone, hence the same bits.
HPML_CLONED __attribute__((optimize("O3"))) void fill_blocks(const KeepRule& rule,
                                                             std::size_t blocks,
                                                             float* __restrict__ out) {
    const auto [key, counter, threshold, scale] = rule;
    const auto factor = [threshold, scale](std::uint32_t word) {
        return word < threshold ? 0.0F : scale;
    };
    for (std::size_t block = 0; block < blocks; ++block, out += kBlock) {
        const auto first = counter[0] + static_cast<std::uint32_t>(block * kLanes);
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
            std::uint32_t words[4] = {first + lane, counter[1], counter[2], counter[3]};
            philox_rounds(words, key, std::make_integer_sequence<std::uint32_t, 10>());
            out[lane] = factor(words[0]);
            out[kLanes + lane] = factor(words[1]);
            out[2 * kLanes + lane] = factor(words[2]);
            out[3 * kLanes + lane] = factor(words[3]);
        }
    }
}

KeepRule keep_rule(const DropoutStream& stream, double probability) {
    expects(probability >= 0.0 && probability < 1.0, "a dropout probability in [0, 1)");
    expects(stream.step >= 0 && stream.step < (std::int64_t{1} << 32), "a step below 2^32");
    expects(stream.sample >= 0 && stream.sample < (std::int64_t{1} << 51), "a sample below 2^51");
    expects(stream.layer >= 0 && stream.layer < (std::int64_t{1} << 10), "a layer below 2^10");
    const auto sample = static_cast<std::uint64_t>(stream.sample);
    const auto high = static_cast<std::uint32_t>(sample >> 32);
    const auto layer = static_cast<std::uint32_t>(stream.layer);
    KeepRule rule;
    rule.key = philox_key(stream.seed, RandomUse::Dropout);
    rule.counter = {0, static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(stream.step),
                    high << 13 | layer << 3 | static_cast<std::uint32_t>(stream.site)};
    rule.threshold =
        static_cast<std::uint32_t>(std::min(std::floor(probability * 0x1p32 + 0.5), 4294967295.0));
    rule.scale = static_cast<float>(1.0 / (1.0 - probability));
    return rule;
}

}  // namespace

void fill_keep_scale(const DropoutStream& stream, double probability, std::span<float> out,
                     std::size_t first) {
    expects(first + out.size() < (std::size_t{1} << 34),
            "below 2^34 elements of a sample at a site");
    KeepRule rule = keep_rule(stream, probability);
    rule.counter[0] = static_cast<std::uint32_t>(first / kBlock * kLanes);
    const auto fill_part = [&rule](std::size_t skipped, std::span<float> part) {
        std::array<float, kBlock> whole{};
        fill_blocks(rule, 1, whole.data());
        rule.counter[0] += static_cast<std::uint32_t>(kLanes);
        std::copy_n(whole.data() + skipped, part.size(), part.data());
    };
    if (const std::size_t skipped = first % kBlock; skipped != 0) {
        const std::size_t count = std::min(out.size(), kBlock - skipped);
        fill_part(skipped, out.first(count));
        out = out.subspan(count);
    }
    const std::size_t blocks = out.size() / kBlock;
    fill_blocks(rule, blocks, out.data());
    rule.counter[0] += static_cast<std::uint32_t>(blocks * kLanes);
    if (out.size() % kBlock != 0) {
        fill_part(0, out.subspan(blocks * kBlock));
    }
}

}  // namespace hpml::model
