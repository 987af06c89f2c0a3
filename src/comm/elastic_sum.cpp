#include "comm/elastic_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <utility>

#include "base/error.h"
#include "comm/kernels/fixed_point.h"
#include "comm/operation_queue.h"

namespace hpml::comm {

namespace {

constexpr int kBias = 127;                    ///< of fp32 exponents
constexpr std::uint8_t kNotFinite = 255;      ///< biased exponent of infinities and NaNs
constexpr std::uint8_t kLargestFinite = 254;  ///< of 2^127
/// Of each term's whole number: what the conversion by addition to 1.5 * 2^52 can hold.
constexpr int kBitsPerTerm = 50;
constexpr int kBitsOfSum = 62;
/// At first: terms below 32.
constexpr int kFirstLimit = kBias + 4;
/// The whole numbers are reduced in pieces of 8 MiB, of which a few are under way.
constexpr std::size_t kPiece = 1U << 20;

void complete(OperationQueue& queue, Patience patience) {
    while (!queue.is_empty()) {
        if (queue.advance() == 0) {
            patience.pause();
        } else {
            patience.renew();
        }
    }
    if (const auto disagreement = queue.take_disagreement()) {
        std::rethrow_exception(disagreement);
    }
}

}  // namespace

ElasticSum::ElasticSum(Algorithm& algorithm, std::size_t count, ElasticOptions options)
    : algorithm_(algorithm), options_(options), count_(count) {
    expects(options.terms > 0 && options.block > 0 && options.headroom >= 0,
            "terms and blocks to add");
    const std::size_t blocks = (count + options.block - 1) / options.block;
    memory_ = algorithm.allocate(Bytes(std::max<std::size_t>(count, 1) * sizeof(std::int64_t)));
    sums_ = {reinterpret_cast<std::int64_t*>(memory_.get()), count};
    limits_.assign(blocks, static_cast<std::uint8_t>(kFirstLimit));
    largest_.assign(blocks, 0);
}

/// The exponent of the smallest step: terms are below 2^(limit - 126).
int ElasticSum::quantum(std::size_t block) const {
    const int bits_of_count = static_cast<int>(std::bit_width(options_.terms - 1));
    const int bits = std::min(kBitsPerTerm, kBitsOfSum - bits_of_count);
    return static_cast<int>(limits_[block]) - kBias + 1 - bits;
}

void ElasticSum::begin() {
    std::fill(sums_.begin(), sums_.end(), std::int64_t{0});
    std::fill(largest_.begin(), largest_.end(), std::uint8_t{0});
}

void ElasticSum::add(std::size_t first, std::span<const float> values) {
    expects(first <= count_ && values.size() <= count_ - first, "a part of a term");
    while (!values.empty()) {
        const std::size_t block = first / options_.block;
        const std::size_t count = std::min(values.size(), (block + 1) * options_.block - first);
        largest_[block] = std::max(largest_[block], largest_exponent(values.data(), count));
        // Of a block that has overflowed the whole numbers are not needed.
        if (largest_[block] <= limits_[block]) {
            add_fixed(values.data(), count, quantum(block), sums_.data() + first);
        }
        first += count;
        values = values.subspan(count);
    }
}

ElasticSum::Outcome ElasticSum::finish(std::span<float> result, double factor) {
    expects(result.size() == count_, "room for the result");
    const Outcome outcome = judge();
    if (outcome != Outcome::Done) {
        return outcome;
    }
    reduce_sums();
    for (std::size_t block = 0; block < limits_.size(); ++block) {
        const std::size_t first = block * options_.block;
        const std::size_t count = std::min(options_.block, count_ - first);
        from_fixed(sums_.data() + first, count, factor * std::ldexp(1.0, quantum(block)),
                   result.data() + first);
        if (largest_[block] > 0) {
            limits_[block] = static_cast<std::uint8_t>(
                std::min<int>(kLargestFinite, largest_[block] + options_.headroom));
        }
    }
    return Outcome::Done;
}

ElasticSum::Outcome ElasticSum::judge() {
    all_reduce(algorithm_, {reinterpret_cast<std::byte*>(largest_.data()), largest_.size(),
                            DataType::U8, ReduceOp::Max});
    Outcome outcome = Outcome::Done;
    for (std::size_t block = 0; block < limits_.size(); ++block) {
        if (largest_[block] == kNotFinite) {
            return Outcome::NonFinite;
        }
        if (largest_[block] > limits_[block]) {
            outcome = Outcome::Redo;
        }
    }
    if (outcome == Outcome::Redo) {
        for (std::size_t block = 0; block < limits_.size(); ++block) {
            limits_[block] = std::max(limits_[block], largest_[block]);
        }
    }
    return outcome;
}

void ElasticSum::reduce_sums() {
    OperationQueue queue(algorithm_, {});
    for (std::size_t first = 0; first < count_; first += kPiece) {
        queue.push({reinterpret_cast<std::byte*>(sums_.data() + first),
                    std::min(kPiece, count_ - first), DataType::I64, ReduceOp::Sum});
    }
    complete(queue, algorithm_.patience());
}

void ElasticSum::set_limits(std::vector<std::uint8_t> limits) {
    if (limits.size() != limits_.size()) {
        throw InputError(fmt::format("{} scales of elastic sums, where this model has {} blocks",
                                     limits.size(), limits_.size()));
    }
    limits_ = std::move(limits);
}

}  // namespace hpml::comm
