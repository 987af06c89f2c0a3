#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "comm/all_reduce.h"

namespace hpml::comm {

struct ElasticOptions {
    std::size_t terms = 1;     ///< vectors that are added in all, over all ranks
    std::size_t block = 4096;  ///< elements that share a scale
    /// Powers of two by which a block may grow from one sum to the next before it is done again.
    int headroom = 4;
};

/// The sum of a fixed number of vectors, the terms, of which each rank adds some: its bits depend
/// on the terms alone, not on the number of ranks, on who adds which term in what order, or on how
/// buffers are cut and reduced.
///
/// Every block of elements has a scale, a power of two, that is known before the first term comes:
/// from the largest magnitude in any term of the sum before. Terms are added as whole numbers of
/// 64 bits, and whole numbers add up exactly in any order. A term too large for its block's scale
/// is an overflow; all ranks learn of it, the scale grows, and the sum is done again. That, too,
/// depends on the terms alone.
///
/// Error: with L the limit of a block, 2^(headroom + 1) times the power of two at or below the
/// largest magnitude of the sum before (or 32 at first), a term is rounded to a multiple of
/// q = L * 2^-50 (terms <= 4096; beyond, q grows with their number), so that the sum differs from
/// the exact one by at most terms * q / 2, and half a unit in the last place for fp32 (plus 2^-29
/// of it: the sum passes through fp64). For comparison, adding n fp32 numbers one after the other
/// may be off by (n - 1) * 2^-24 times the sum of their magnitudes.
///
/// The idea of sums that can be reproduced by whole numbers is old (e.g. Hallberg and Adcroft,
/// "An order-invariant real-to-integer conversion sum", Parallel Computing 40, 2014).
class ElasticSum {
  public:
    /// Collective if `algorithm.allocate` is. The algorithm must outlive this.
    /// @param count  elements of a term
    ElasticSum(Algorithm& algorithm, std::size_t count, ElasticOptions options);

    /// Forget what was added: for the next sum, or to do this one again.
    void begin();
    /// Add a part of a term, elements `first` and following. Local.
    void add(std::size_t first, std::span<const float> values);

    enum class Outcome {
        Done,
        Redo,       ///< a block has overflowed: begin(), and add every term once more
        NonFinite,  ///< an infinity or a NaN in any term; nothing was changed
    };
    /// Collective; the same outcome on every rank.
    /// @param result  of `count` elements, written if Done: factor * sum
    Outcome finish(std::span<float> result, double factor = 1);

    /// The state that a later run needs for the same bits: the biased fp32 exponent that each block
    /// must not exceed.
    [[nodiscard]] const std::vector<std::uint8_t>& limits() const { return limits_; }
    /// @throw InputError if it is not for as many blocks
    void set_limits(std::vector<std::uint8_t> limits);

  private:
    [[nodiscard]] int quantum(std::size_t block) const;
    [[nodiscard]] Outcome judge();
    void reduce_sums();

    Algorithm& algorithm_;
    ElasticOptions options_;
    std::size_t count_;
    std::shared_ptr<std::byte> memory_;
    std::span<std::int64_t> sums_;
    std::vector<std::uint8_t> limits_;
    std::vector<std::uint8_t> largest_;  ///< biased exponents of this sum's terms
};

}  // namespace hpml::comm
