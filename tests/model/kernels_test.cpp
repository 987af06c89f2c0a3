#include "model/kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"

using namespace hpml;
using namespace hpml::model;

namespace {

std::vector<float> normal_like(std::size_t count, std::uint32_t number) {
    PhiloxStream stream(philox_key(7, RandomUse::Test), number, 0, 0);
    std::vector<float> values(count);
    for (float& value : values) {
        value = static_cast<float>(4 * stream.uniform() - 2);
    }
    return values;
}

double at(const Operand& factor, std::int64_t i, std::int64_t j) {
    return factor.values[i * factor.row_stride + j * factor.column_stride];
}

struct Shape {
    std::int64_t rows, columns, depth;
};
const Shape kShapes[] = {{1, 1, 1},   {3, 5, 7},     {8, 48, 16},  {9, 49, 17},   {16, 33, 8},
                         {5, 20, 64}, {200, 70, 31}, {2, 64, 520}, {70, 1, 1030}, {4, 1600, 3}};

struct Case {
    Shape shape;
    bool left_turned, right_turned;
    Into into;
    bool bias;
};

/// Largest difference to a product in double precision, of factors rounded by `round`.
double error_of(const std::function<void(const Product&, PackSpace)>& multiply, const Case& chosen,
                Rounding rounding, const std::function<float(float)>& round) {
    const auto [rows, columns, depth] = chosen.shape;
    const auto count = [](std::int64_t a, std::int64_t b) {
        return static_cast<std::size_t>(a * b);
    };
    const auto left = normal_like(count(rows, depth), 1);
    const auto right = normal_like(count(depth, columns), 2);
    const auto bias = normal_like(count(1, columns), 3);
    auto result = normal_like(count(rows, columns), 4);
    const auto before = result;
    std::vector<float> space(static_cast<std::size_t>(kPackFloats) + 16);
    auto* aligned =
        reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(space.data()) + 63) / 64 * 64);
    Product product;
    product.rows = rows;
    product.columns = columns;
    product.depth = depth;
    product.left =
        chosen.left_turned ? transpose_of(left.data(), rows) : rows_of(left.data(), depth);
    product.right =
        chosen.right_turned ? transpose_of(right.data(), depth) : rows_of(right.data(), columns);
    product.result = result.data();
    product.result_stride = columns;
    product.into = chosen.into;
    product.bias = chosen.bias ? bias.data() : nullptr;
    product.rounding = rounding;
    multiply(product, aligned);
    double worst = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
            const auto place = count(i, columns) + static_cast<std::size_t>(j);
            double sum = chosen.into == Into::Add ? before[place] : 0.0;
            sum += chosen.bias ? bias[static_cast<std::size_t>(j)] : 0.0F;
            for (std::int64_t k = 0; k < depth; ++k) {
                sum += static_cast<double>(round(static_cast<float>(at(product.left, i, k)))) *
                       static_cast<double>(round(static_cast<float>(at(product.right, k, j))));
            }
            worst = std::max(worst, std::abs(sum - static_cast<double>(result[place])));
        }
    }
    return worst;
}

float same(float value) { return value; }

float to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000U);
}

float to_half(float value) {
    const double size = std::abs(static_cast<double>(value));
    const int exponent = std::max(-14, size == 0 ? -14 : std::ilogb(size));
    const double spacing = std::ldexp(1.0, exponent - 10);
    const double rounded = std::nearbyint(size / spacing) * spacing;
    return static_cast<float>(std::copysign(rounded >= 65520 ? INFINITY : rounded, value));
}

void check_products(const std::string& name,
                    const std::function<void(const Product&, PackSpace)>& multiply,
                    Rounding rounding, const std::function<float(float)>& round) {
    for (const Shape& shape : kShapes) {
        for (int variant = 0; variant < 16; ++variant) {
            const Case chosen{shape, (variant & 1) != 0, (variant & 2) != 0,
                              (variant & 4) != 0 ? Into::Add : Into::Replace,
                              variant >= 8 && (variant & 4) == 0};
            BOOST_TEST(error_of(multiply, chosen, rounding, round) < 2e-3,
                       name << " " << shape.rows << " x " << shape.columns << " x " << shape.depth
                            << " variant " << variant);
        }
    }
}

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels)

BOOST_AUTO_TEST_CASE(products_of_any_shape_layout_and_instruction_set_are_right) {
    for (const Kernels& kernels : all_kernels()) {
        check_products(std::string(kernels.name), kernels.multiply, Rounding::None, same);
    }
}

BOOST_AUTO_TEST_CASE(factors_are_rounded_to_the_nearest_bf16_or_half) {
    for (const Kernels& kernels : all_kernels()) {
        check_products(std::string(kernels.name) + " bf16", kernels.multiply, Rounding::BFloat16,
                       to_bfloat16);
        check_products(std::string(kernels.name) + " fp16", kernels.multiply, Rounding::Half,
                       to_half);
    }
    if (native_bfloat16() != nullptr) {
        check_products("native bf16", native_bfloat16(), Rounding::BFloat16, to_bfloat16);
    }
}

BOOST_AUTO_TEST_CASE(half_numbers_at_the_ends_of_their_range_round_as_ieee_754_says) {
    const float values[] = {65504.0F, 65519.0F, 65520.0F, 1e30F, -7e4F,
                            6e-8F,    2e-8F,    -3.1e-5F, 0.0F};
    std::vector<float> space(static_cast<std::size_t>(kPackFloats) + 16);
    auto* aligned =
        reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(space.data()) + 63) / 64 * 64);
    for (const Kernels& kernels : all_kernels()) {
        for (const float value : values) {
            const float one = 1;
            float result = 0;
            Product product;
            product.rows = product.columns = product.depth = 1;
            product.left = rows_of(&value, 1);
            product.right = rows_of(&one, 1);
            product.result = &result;
            product.result_stride = 1;
            product.rounding = Rounding::Half;
            kernels.multiply(product, aligned);
            BOOST_TEST(result == to_half(value), value);
        }
    }
}

BOOST_AUTO_TEST_CASE(gelu_and_its_slope_are_those_of_the_normal_distribution) {
    std::vector<float> x;
    for (int i = -1200; i <= 1200; ++i) {
        x.push_back(static_cast<float>(i) * 0.01F);
    }
    for (const Kernels& kernels : all_kernels()) {
        std::vector<float> y(x.size());
        std::vector<float> slope(x.size(), 1.0F);
        kernels.gelu(static_cast<std::int64_t>(x.size()), x.data(), y.data());
        kernels.gelu_backward(static_cast<std::int64_t>(x.size()), x.data(), slope.data());
        double worst = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double v = x[i];
            const double density = std::exp(-0.5 * v * v) / std::sqrt(2 * M_PI);
            const double scale = std::max(1.0, std::abs(v));
            worst = std::max({worst, std::abs(y[i] - v * normal_distribution(v)) / scale,
                              std::abs(slope[i] - normal_distribution(v) - v * density)});
        }
        BOOST_TEST(worst < 6e-7, kernels.name);
    }
}

BOOST_AUTO_TEST_CASE(
    a_norm_of_rows_has_mean_zero_and_deviation_one_and_comes_again_from_what_is_kept) {
    constexpr std::size_t kColumns = 37;
    const auto input = normal_like(3 * kColumns, 5);
    const auto residual = normal_like(3 * kColumns, 6);
    const auto weight = normal_like(kColumns, 7);
    const auto bias = normal_like(kColumns, 8);
    for (const Kernels& kernels : all_kernels()) {
        const NormRows norm{3, kColumns, weight.data(), bias.data(), 1e-5F};
        std::vector<float> kept(input.size());
        std::vector<float> inverse(3);
        std::vector<float> output(input.size());
        std::vector<float> again(input.size());
        kernels.norm_forward(norm, input.data(), residual.data(), {kept.data(), inverse.data()},
                             output.data());
        kernels.norm_again(norm, kept.data(), again.data());
        BOOST_TEST(again == output);
        for (std::size_t r = 0; r < 3; ++r) {
            double mean = 0;
            double square = 0;
            for (std::size_t c = 0; c < kColumns; ++c) {
                const double v = input[r * kColumns + c] + residual[r * kColumns + c];
                mean += v / kColumns;
                square += v * v / kColumns;
            }
            const double deviation = std::sqrt(square - mean * mean + 1e-5);
            for (std::size_t c = 0; c < kColumns; ++c) {
                const std::size_t i = r * kColumns + c;
                const double unit = (input[i] + residual[i] - mean) / deviation;
                BOOST_TEST(std::abs(kept[i] - unit) < 1e-5);
                BOOST_TEST(std::abs(output[i] - unit * weight[c] - bias[c]) < 1e-5);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(softmax_over_any_number_of_keys_sums_to_one) {
    for (const Kernels& kernels : all_kernels()) {
        for (const std::size_t keys : {1U, 5U, 16U, 77U}) {
            auto scores = normal_like(keys, 9);
            scores[0] = 90;
            const ScoreRow row{scores.data(), static_cast<std::int64_t>(keys), 3.0F};
            double most = -1e30;
            double sum = 0;
            for (const float score : scores) {
                most = std::max(most, 3.0 * score);
            }
            for (const float score : scores) {
                sum += std::exp(3.0 * score - most);
            }
            const float log_sum = kernels.log_sum_exp(row);
            BOOST_TEST(log_sum == most + std::log(sum), boost::test_tools::tolerance(1e-6));
            kernels.probabilities(row, log_sum);
            double total = 0;
            for (const float probability : scores) {
                total += probability;
            }
            BOOST_TEST(total == 1.0, boost::test_tools::tolerance(1e-5));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
