#pragma once

#include <cstdint>

namespace hpml::corpus {

/// The position of one sample in the training order.
struct OrderedSample {
    std::int64_t epoch = 0;
    std::int64_t sample = 0;  ///< row of the training split, 0..rows-1, over all shards
};

/// The endless global order of samples: position p lies in epoch p / rows and holds there the
/// sample permutation(seed, epoch)(p mod rows). A keyed Feistel network with cycle walking gives
/// each sample in O(1): nothing to shuffle, nothing to save, any position reached at once.
class Order {
  public:
    /// @param rows  > 0
    Order(std::int64_t rows, std::uint64_t seed);
    [[nodiscard]] OrderedSample at(std::int64_t position) const;
    [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }

  private:
    std::int64_t rows_;
    std::uint64_t seed_;
    int half_bits_;
};

}  // namespace hpml::corpus
