#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"

namespace hpml::corpus {

/// Finds near duplicates by locality-sensitive hashing of MinHash signatures (Broder, "On the
/// resemblance and containment of documents", 1997; banding as in Leskovec, Rajaraman and Ullman,
/// "Mining of Massive Datasets", chapter 3). A document is the set of its runs of five tokens. The
/// signature is the least value of that set under each of 112 functions: two documents agree in one
/// of them with a probability of J, the size of both sets' intersection over that of their union.
/// It is cut in 14 bands of 8 values, and documents that agree in a whole band have a key in
/// common: the probability is 1 - (1 - J^8)^14, that is 5 % for J = 0.5, half for 0.68, 92 % for
/// 0.8 and 99.96 % for 0.9. The functions are fixed: the keys depend on the tokens only.
class MinHash {
  public:
    static constexpr std::size_t kShingle = 5;  ///< tokens
    static constexpr std::size_t kBands = 14;
    static constexpr std::size_t kBandValues = 8;
    static constexpr std::size_t kFunctions = kBands * kBandValues;
    using Keys = std::array<Digest, kBands>;

    MinHash();
    /// @param ids  of a document, not empty; one of less than five tokens is one run
    [[nodiscard]] Keys keys(std::span<const std::int32_t> ids) const;

  private:
    std::vector<std::uint32_t> factors_;  ///< [kFunctions] odd
    std::vector<std::uint32_t> terms_;    ///< [kFunctions]
};

}  // namespace hpml::corpus
