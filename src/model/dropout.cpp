#include "model/dropout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "base/error.h"
#include "base/philox.h"

// The sanitizers cannot follow the resolver that picks a clone at load time.
#ifdef HPML_SANITIZED
#define HPML_CLONED
#else
#define HPML_CLONED __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
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

/// Decide `blocks` groups of 64 elements. One vector lane per counter; the same integer operations
/// in every clone, hence the same bits.
HPML_CLONED void fill_blocks(const KeepRule& rule, std::size_t blocks, float* out) {
    for (std::size_t block = 0; block < blocks; ++block) {
        std::uint32_t words[4][kLanes];
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
            words[0][lane] = rule.counter[0] + static_cast<std::uint32_t>(block * kLanes) + lane;
            words[1][lane] = rule.counter[1];
            words[2][lane] = rule.counter[2];
            words[3][lane] = rule.counter[3];
        }
        std::uint32_t key0 = rule.key[0];
        std::uint32_t key1 = rule.key[1];
        for (int round = 0; round < 10; ++round) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const std::uint64_t a = std::uint64_t{0xD2511F53} * words[0][lane];
                const std::uint64_t b = std::uint64_t{0xCD9E8D57} * words[2][lane];
                words[0][lane] = static_cast<std::uint32_t>(b >> 32) ^ words[1][lane] ^ key0;
                words[1][lane] = static_cast<std::uint32_t>(b);
                words[2][lane] = static_cast<std::uint32_t>(a >> 32) ^ words[3][lane] ^ key1;
                words[3][lane] = static_cast<std::uint32_t>(a);
            }
            key0 += 0x9E3779B9U;
            key1 += 0xBB67AE85U;
        }
        for (std::size_t word = 0; word < 4; ++word) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                out[block * kBlock + word * kLanes + lane] =
                    words[word][lane] < rule.threshold ? 0.0F : rule.scale;
            }
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

void fill_keep_scale(const DropoutStream& stream, double probability, std::span<float> out) {
    expects(out.size() < (std::size_t{1} << 34), "below 2^34 elements of a sample at a site");
    KeepRule rule = keep_rule(stream, probability);
    const std::size_t blocks = out.size() / kBlock;
    fill_blocks(rule, blocks, out.data());
    const std::size_t rest = out.size() % kBlock;
    if (rest != 0) {
        std::array<float, kBlock> last{};
        rule.counter[0] += static_cast<std::uint32_t>(blocks * kLanes);
        fill_blocks(rule, 1, last.data());
        std::copy_n(last.begin(), rest, out.end() - static_cast<std::ptrdiff_t>(rest));
    }
}

}  // namespace hpml::model
