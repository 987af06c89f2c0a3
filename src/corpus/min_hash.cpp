#include "corpus/min_hash.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/philox.h"

// The sanitizers cannot follow the resolver that picks a clone at load time, and Clang knows no
// optimization of one function. By feature: a clone for arch=NAME is taken on the processors of
// that maker only.
#if defined(HPML_SANITIZED) || defined(__clang__) || !defined(__x86_64__)
#define HPML_CLONED
#else
#define HPML_CLONED __attribute__((target_clones("default", "avx2", "avx512f"), optimize("O3")))
#endif

namespace hpml::corpus {

namespace {

constexpr std::uint64_t kSeed = 0x6d696e68617368;  ///< any; it decides what is found
constexpr std::uint64_t kBase = 0x9E3779B97F4A7C15;
constexpr std::size_t kLanes = 16;
constexpr std::size_t kChunk = 1024;  ///< values that are looked at while they are in the L1 cache

static_assert(MinHash::kFunctions % kLanes == 0);

constexpr std::uint64_t power(std::uint64_t base, std::size_t exponent) {
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

/// The finalizer of MurmurHash3: every bit of the polynomial decides every bit of the value.
std::uint32_t mix(std::uint64_t word) {
    word = (word ^ (word >> 33)) * 0xFF51AFD7ED558CCD;
    word = (word ^ (word >> 33)) * 0xC4CEB9FE1A85EC53;
    return static_cast<std::uint32_t>(word >> 32);
}

struct Functions {
    const std::uint32_t* factors;
    const std::uint32_t* terms;
};

/// Lower `least` of kFunctions by `count` values. The values are well mixed, and so a linear
/// function modulo 2^32 of each is enough. One vector lane per function, which stay in registers
/// while the values pass.
HPML_CLONED void lower(const Functions& functions, const std::uint32_t* __restrict__ values,
                       std::size_t count, std::uint32_t* __restrict__ least) {
    for (std::size_t first = 0; first < MinHash::kFunctions; first += kLanes) {
        std::uint32_t low[kLanes];
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            low[lane] = least[first + lane];
        }
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const std::uint32_t value =
                    functions.factors[first + lane] * values[i] + functions.terms[first + lane];
                low[lane] = value < low[lane] ? value : low[lane];
            }
        }
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            least[first + lane] = low[lane];
        }
    }
}

}  // namespace

MinHash::MinHash() : factors_(kFunctions), terms_(kFunctions) {
    PhiloxStream words(philox_key(kSeed, RandomUse::Shingles), 0, 0, 0);
    for (std::size_t i = 0; i < kFunctions; ++i) {
        factors_[i] = words.next() | 1;
        terms_[i] = words.next();
    }
}

MinHash::Keys MinHash::keys(std::span<const std::int32_t> ids) const {
    expects(!ids.empty(), "a document with tokens");
    constexpr std::uint64_t kLeaving = power(kBase, kShingle);
    std::array<std::uint32_t, kFunctions> least;
    least.fill(std::numeric_limits<std::uint32_t>::max());
    std::array<std::uint32_t, kChunk> values;
    const Functions functions{factors_.data(), terms_.data()};
    std::size_t filled = 0;
    std::uint64_t polynomial = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        // One is added so that a run of tokens 0 is not one of fewer of them.
        polynomial = polynomial * kBase + static_cast<std::uint32_t>(ids[i]) + 1;
        if (i >= kShingle) {
            polynomial -= kLeaving * (static_cast<std::uint32_t>(ids[i - kShingle]) + 1);
        }
        if (i + 1 >= std::min(kShingle, ids.size())) {
            values[filled++] = mix(polynomial);
        }
        if (filled == kChunk || i + 1 == ids.size()) {
            lower(functions, values.data(), filled, least.data());
            filled = 0;
        }
    }
    Keys keys;
    std::array<std::uint32_t, kBandValues + 1> band;
    for (std::size_t i = 0; i < kBands; ++i) {
        band[0] = static_cast<std::uint32_t>(i);
        std::copy_n(least.begin() + static_cast<std::ptrdiff_t>(i * kBandValues), kBandValues,
                    band.begin() + 1);
        keys[i] = hash_bytes(std::as_bytes(std::span(band)));
    }
    return keys;
}

}  // namespace hpml::corpus
