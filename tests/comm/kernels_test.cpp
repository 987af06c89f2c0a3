#include "comm/kernels/kernels.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/philox.h"

using namespace hpml;
using comm::DataType;
using comm::InstructionSet;
using comm::ReduceOp;
using comm::Reduction;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Three inputs and an output of one type, at an odd address.
template <class T>
struct Inputs {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<std::byte> result;
    std::size_t count;

    explicit Inputs(const std::vector<std::vector<T>>& values) : count(values.front().size()) {
        for (const auto& input : values) {
            bytes.emplace_back(count * sizeof(T) + 1);
            std::memcpy(bytes.back().data() + 1, input.data(), count * sizeof(T));
        }
        result.resize(count * sizeof(T) + 1);
    }
    comm::Found found;
    std::vector<T> reduce(Reduction work, InstructionSet set) {
        std::vector<const std::byte*> inputs;
        for (const auto& input : bytes) {
            inputs.push_back(input.data() + 1);
        }
        std::byte* output = result.data() + 1;
        work.inputs = inputs.data();
        work.input_count = inputs.size();
        work.outputs = &output;
        work.output_count = 1;
        work.count = count;
        found = comm::reduce(work, set);
        std::vector<T> values(count);
        std::memcpy(values.data(), output, count * sizeof(T));
        return values;
    }
};

/// One element of one input, rounded to a 16-bit type and widened again.
std::uint16_t rounded(float value, DataType type) {
    // An fp32 sum of one summand leaves through the same narrowing as a bf16 or fp16 sum: reduce
    // 2^k times a number that the type can hold, so that only the scale makes rounding necessary.
    const std::uint16_t one = type == DataType::F16 ? 0x3C00 : 0x3F80;
    Inputs<std::uint16_t> inputs(std::vector<std::vector<std::uint16_t>>{{one}});
    return inputs.reduce({.type = type, .scale = value}, InstructionSet::Portable)[0];
}

float widened(std::uint16_t bits, DataType type) {
    if (type == DataType::BF16) {
        return std::bit_cast<float>(std::uint32_t{bits} << 16);
    }
    const int exponent = (bits >> 10) & 31;
    const int mantissa = bits & 1023;
    float value = exponent == 0    ? std::ldexp(static_cast<float>(mantissa), -24)
                  : exponent == 31 ? (mantissa == 0 ? kInfinity : kNan)
                                   : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    return (bits & 0x8000) != 0 ? -value : value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_suite)

BOOST_AUTO_TEST_CASE(every_16_bit_number_comes_back_as_it_was) {
    for (const DataType type : {DataType::F16, DataType::BF16}) {
        std::vector<std::uint16_t> all(65536);
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = static_cast<std::uint16_t>(i);
        }
        for (const InstructionSet set : comm::instruction_sets()) {
            const auto back = Inputs<std::uint16_t>(std::vector<std::vector<std::uint16_t>>{all})
                                  .reduce({.type = type}, set);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < all.size(); ++i) {
                const bool nan = std::isnan(widened(all[i], type));
                wrong += (nan ? std::isnan(widened(back[i], type)) : back[i] == all[i]) ? 0 : 1;
            }
            BOOST_TEST(wrong == 0U, name_of(type) << " with " << name_of(set));
        }
    }
}

BOOST_AUTO_TEST_CASE(sixteen_bit_results_are_rounded_to_nearest_even_once) {
    PhiloxStream stream(philox_key(3, RandomUse::Test), 0, 0, 0);
    for (const DataType type : {DataType::F16, DataType::BF16}) {
        for (int i = 0; i < 20000; ++i) {
            const float fraction = stream.uniform() - 0.5F;
            const float value = std::ldexp(fraction, static_cast<int>(stream.below(48)) - 30);
            const std::uint16_t result = rounded(value, type);
            const double here = widened(result, type);
            const auto sideways = [&](int step) {
                return static_cast<double>(
                    widened(static_cast<std::uint16_t>(result + step), type));
            };
            const double error = std::abs(here - value);
            if (std::isinf(here)) {
                BOOST_TEST(std::abs(value) >= 65520.0F, name_of(type) << " of " << value);
                continue;
            }
            const bool at_zero = (result & 0x7FFF) == 0;
            const bool is_nearest = error <= std::abs(sideways(1) - value) &&
                                    (at_zero || error <= std::abs(sideways(-1) - value));
            const bool tie = !at_zero && (error == std::abs(sideways(1) - value) ||
                                          error == std::abs(sideways(-1) - value));
            BOOST_TEST(is_nearest, name_of(type) << " of " << value);
            BOOST_TEST((!tie || (result & 1) == 0), name_of(type) << " of " << value);
        }
    }
    BOOST_TEST(rounded(65519.0F, DataType::F16) == 0x7BFF);
    BOOST_TEST(rounded(65520.0F, DataType::F16) == 0x7C00);  // half-way to 2^16: infinity
    BOOST_TEST(rounded(0x1p-25F, DataType::F16) == 0x0000);  // half of the least: even is zero
    BOOST_TEST(rounded(0x1.8p-24F, DataType::F16) == 0x0002);
    BOOST_TEST(rounded(-0.0F, DataType::F16) == 0x8000);
    BOOST_TEST(rounded(0x1.01p0F, DataType::BF16) == 0x3F80);  // a tie: even
    BOOST_TEST(rounded(0x1.03p0F, DataType::BF16) == 0x3F82);
    BOOST_TEST(rounded(3.4e38F, DataType::BF16) == 0x7F80);
}

BOOST_AUTO_TEST_CASE(a_16_bit_sum_is_made_in_fp32_and_rounded_once) {
    // 2048 + 1 + 1 in binary16 is 2048 if every addition is rounded, 2050 if only the last is.
    const std::uint16_t large = 0x6800;
    const std::uint16_t one = 0x3C00;
    for (const InstructionSet set : comm::instruction_sets()) {
        Inputs<std::uint16_t> inputs({{large}, {one}, {one}});
        BOOST_TEST(widened(inputs.reduce({.type = DataType::F16}, set)[0], DataType::F16) == 2050);
        // The scale comes before the rounding: 4 * 32768 would overflow, a quarter of it does not.
        Inputs<std::uint16_t> big({{0x7800}, {0x7800}, {0x7800}});
        BOOST_TEST(widened(big.reduce({.type = DataType::F16, .scale = 0.25}, set)[0],
                           DataType::F16) == 24576);
    }
}

BOOST_AUTO_TEST_CASE(all_instruction_sets_give_the_same_bits) {
    PhiloxStream stream(philox_key(5, RandomUse::Test), 0, 0, 0);
    for (const DataType type : {DataType::U8, DataType::I8, DataType::I32, DataType::I64,
                                DataType::F16, DataType::BF16, DataType::F32, DataType::F64}) {
        const std::size_t bytes = 5003 * comm::size_of(type);
        std::vector<std::vector<std::uint8_t>> values(3, std::vector<std::uint8_t>(bytes));
        for (auto& input : values) {
            for (std::size_t i = 0; i < bytes; ++i) {
                // Below 2: which of two NaNs an addition hands on is the compiler's choice.
                const bool top = i % comm::size_of(type) == comm::size_of(type) - 1;
                input[i] = static_cast<std::uint8_t>(stream.below(256) & (top ? 0xBFU : 0xFFU));
            }
        }
        for (const ReduceOp op :
             {ReduceOp::Sum, ReduceOp::Avg, ReduceOp::Min, ReduceOp::Max, ReduceOp::Prod}) {
            std::vector<std::vector<std::uint8_t>> results;
            std::vector<comm::Found> found;
            for (const InstructionSet set : comm::instruction_sets()) {
                Inputs<std::uint8_t> inputs(values);
                std::vector<const std::byte*> from;
                for (const auto& input : inputs.bytes) {
                    from.push_back(input.data() + 1);
                }
                std::byte* to = inputs.result.data() + 1;
                found.push_back(comm::reduce({.inputs = from.data(),
                                              .input_count = 3,
                                              .outputs = &to,
                                              .output_count = 1,
                                              .count = 5003,
                                              .type = type,
                                              .op = op,
                                              .divisor = op == ReduceOp::Avg ? 3U : 1U,
                                              .examine = comm::Examine::Yes},
                                             set));
                results.emplace_back(bytes);
                std::memcpy(results.back().data(), to, bytes);
                BOOST_TEST((results.back() == results.front()),
                           name_of(type) << ' ' << name_of(op) << " with " << name_of(set));
                BOOST_TEST(std::bit_cast<std::uint64_t>(found.back().sum_of_squares) ==
                           std::bit_cast<std::uint64_t>(found.front().sum_of_squares));
                BOOST_TEST(found.back().non_finite == found.front().non_finite);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(whole_numbers_wrap_and_their_mean_does_not) {
    for (const InstructionSet set : comm::instruction_sets()) {
        Inputs<std::uint8_t> bytes({{200}, {100}});
        BOOST_TEST(bytes.reduce({.type = DataType::U8}, set)[0] == 44);
        BOOST_TEST(
            bytes.reduce({.type = DataType::U8, .op = ReduceOp::Avg, .divisor = 2}, set)[0] == 150);
        BOOST_TEST(bytes.reduce({.type = DataType::U8, .op = ReduceOp::Prod}, set)[0] ==
                   static_cast<std::uint8_t>(20000));
        Inputs<std::int8_t> signs({{-7}, {4}});
        BOOST_TEST(
            signs.reduce({.type = DataType::I8, .op = ReduceOp::Avg, .divisor = 2}, set)[0] == -1);
        BOOST_TEST(signs.reduce({.type = DataType::I8, .op = ReduceOp::Min}, set)[0] == -7);
        BOOST_TEST(signs.reduce({.type = DataType::I8, .op = ReduceOp::Max}, set)[0] == 4);
        Inputs<std::int32_t> words({{std::numeric_limits<std::int32_t>::max()}, {1}});
        BOOST_TEST(words.reduce({.type = DataType::I32}, set)[0] ==
                   std::numeric_limits<std::int32_t>::min());
    }
}

BOOST_AUTO_TEST_CASE(a_nan_wins_and_is_found) {
    for (const InstructionSet set : comm::instruction_sets()) {
        for (const ReduceOp op : {ReduceOp::Min, ReduceOp::Max, ReduceOp::Sum, ReduceOp::Prod}) {
            for (std::size_t where = 0; where < 3; ++where) {
                std::vector<std::vector<float>> values = {{1, 2}, {3, 4}, {5, 6}};
                values[where][1] = kNan;
                Inputs<float> inputs(values);
                const auto result = inputs.reduce({.op = op, .examine = comm::Examine::Yes}, set);
                BOOST_TEST(std::isnan(result[1]));
                BOOST_TEST(!std::isnan(result[0]));
                BOOST_TEST(inputs.found.non_finite);
            }
        }
        Inputs<float> overflow({{3e38F}, {3e38F}});
        BOOST_TEST(overflow.reduce({.examine = comm::Examine::Yes}, set)[0] == kInfinity);
        BOOST_TEST(overflow.found.non_finite);
        BOOST_TEST(overflow.reduce({.scale = 0.25, .examine = comm::Examine::Yes}, set)[0] ==
                   kInfinity);
    }
}

BOOST_AUTO_TEST_CASE(the_norm_is_that_of_the_results) {
    for (const InstructionSet set : comm::instruction_sets()) {
        for (const std::size_t count : {1U, 15U, 16U, 511U, 512U, 513U, 2000U}) {
            std::vector<std::vector<float>> values(2, std::vector<float>(count));
            double expected = 0;
            for (std::size_t i = 0; i < count; ++i) {
                values[0][i] = static_cast<float>(i % 7);
                values[1][i] = static_cast<float>(i % 3);
                expected += (values[0][i] + values[1][i]) * (values[0][i] + values[1][i]) / 4;
            }
            Inputs<float> inputs(values);
            (void)inputs.reduce({.scale = 0.5, .examine = comm::Examine::Yes}, set);
            BOOST_TEST(inputs.found.sum_of_squares == expected);
            BOOST_TEST(!inputs.found.non_finite);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
