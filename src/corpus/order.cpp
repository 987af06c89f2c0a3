#include "corpus/order.h"

#include <bit>

#include "base/error.h"
#include "base/philox.h"

namespace hpml::corpus {

namespace {

constexpr std::uint32_t kRounds = 8;

/// Bits of each half of the smallest square domain 2^(2 * bits) that holds `rows` numbers.
int half_bits(std::int64_t rows) {
    const int bits = std::bit_width(static_cast<std::uint64_t>(rows - 1));
    return bits < 2 ? 1 : (bits + 1) / 2;
}

struct Feistel {
    PhiloxKey key;
    std::uint64_t epoch;
    int bits;

    [[nodiscard]] std::uint64_t operator()(std::uint64_t number) const {
        const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
        std::uint64_t left = number >> bits;
        std::uint64_t right = number & mask;
        for (std::uint32_t round = 0; round < kRounds; ++round) {
            const PhiloxCounter words = philox(
                key, {static_cast<std::uint32_t>(right), round, static_cast<std::uint32_t>(epoch),
                      static_cast<std::uint32_t>(epoch >> 32)});
            const std::uint64_t mixed = left ^ (words[0] & mask);
            left = right;
            right = mixed;
        }
        return left << bits | right;
    }
};

}  // namespace

Order::Order(std::int64_t rows, std::uint64_t seed)
    : rows_(rows), seed_(seed), half_bits_(half_bits(rows)) {
    expects(rows > 0, "rows to put in order");
}

OrderedSample Order::at(std::int64_t position) const {
    expects(position >= 0, "a position of the order");
    const std::int64_t epoch = position / rows_;
    const Feistel permute{philox_key(seed_, RandomUse::Order), static_cast<std::uint64_t>(epoch),
                          half_bits_};
    auto number = static_cast<std::uint64_t>(position % rows_);
    // Cycle walking: the network permutes a domain up to four times as large; following its cycle
    // until it comes back among the rows is a permutation of the rows.
    do {
        number = permute(number);
    } while (number >= static_cast<std::uint64_t>(rows_));
    return {epoch, static_cast<std::int64_t>(number)};
}

}  // namespace hpml::corpus
