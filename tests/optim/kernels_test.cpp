#include "optim/kernels/kernels.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/philox.h"

using namespace hpml;
using namespace hpml::optim;

namespace {

using Values = std::vector<float>;

/// Numbers of many sizes; `stream` keeps arrays apart.
Values random_values(std::size_t count, std::uint32_t stream) {
    Values values(count);
    for (std::size_t i = 0; i < count; ++i) {
        const PhiloxCounter bits = philox({stream, 0}, {static_cast<std::uint32_t>(i), 0, 0, 0});
        values[i] = std::ldexp(static_cast<float>(static_cast<std::int32_t>(bits[0])),
                               -31 - static_cast<int>(bits[1] % 12));
    }
    return values;
}

/// Everything that the kernels write, computed by one set of them.
struct Results {
    std::vector<Values> arrays;
    std::vector<double> sums;
    std::vector<std::vector<std::uint16_t>> narrow;

    bool operator==(const Results&) const = default;
};

MomentFactors factors() {
    MomentFactors some;
    some.gradient_scale = 0.37F;
    some.l2 = 0.02F;
    some.mean_keep = 0.9F;
    some.mean_gain = 0.1F;
    some.square_keep = 0.999F;
    some.square_gain = 0.001F;
    some.root_scale = 3.1F;
    some.epsilon = 1e-6F;
    some.mean_scale = 1.9F;
    some.decay = 0.01F;
    some.keep = 0.999F;
    some.rate = 0.013F;
    return some;
}

Values squares(std::size_t count) {
    Values values = random_values(count, 3);
    for (float& value : values) {
        value = value * value;
    }
    return values;
}

void run_moments(const Kernels& kernels, std::size_t count, Results& results) {
    for (const bool is_narrow : {false, true}) {
        Values parameters = random_values(count, 0);
        const Values gradients = random_values(count, 1);
        Values mean = random_values(count, 2);
        std::vector<std::uint16_t> narrow_mean(count, 0x3f80);
        Values square = squares(count);
        MomentBlock block{parameters.data(), gradients.data(), nullptr,
                          nullptr,           square.data(),    count};
        (is_narrow ? static_cast<void>(block.narrow_mean = narrow_mean.data())
                   : static_cast<void>(block.mean = mean.data()));
        kernels.adam(block, factors());
        Values update = gradients;
        const Squares found = kernels.lamb_prepare(block, factors(), update.data());
        kernels.lamb_apply(parameters.data(), update.data(), 0.013F, count);
        results.sums.insert(results.sums.end(), {found.parameters, found.update});
        results.narrow.push_back(narrow_mean);
        results.arrays.insert(results.arrays.end(), {parameters, mean, square});
    }
    for (const bool has_buffer : {false, true}) {
        Values parameters = random_values(count, 0);
        const Values gradients = random_values(count, 1);
        Values buffer = random_values(count, 2);
        kernels.momentum(
            {parameters.data(), gradients.data(), has_buffer ? buffer.data() : nullptr, count},
            {0.37F, 0.02F, 0.9F, 1.0F, 0.9F, 0.013F});
        results.arrays.insert(results.arrays.end(), {parameters, buffer});
    }
    results.sums.push_back(kernels.sum_of_squares(random_values(count, 4).data(), count));
}

void run_adafactor(const Kernels& kernels, std::size_t columns, Results& results) {
    constexpr std::size_t kRows = 3;
    const std::size_t count = kRows * columns;
    const Values gradients = random_values(count, 5);
    const Rows rows{gradients.data(), kRows, columns, 0.37F};
    Values row_sums(kRows);
    Values column_sums(columns);
    kernels.row_and_column_sums(rows, row_sums.data(), column_sums.data());
    results.sums.push_back(kernels.factored_squares(rows, row_sums.data(), column_sums.data()));
    Values square = squares(count);
    const VectorMoment vector{gradients.data(), square.data(), count, 0.37F, 0.9F, 0.1F, 1e-30F};
    results.sums.push_back(kernels.vector_moment(vector));
    for (const bool has_mean : {false, true}) {
        Values parameters = random_values(count, 6);
        Values mean = random_values(count, 7);
        const FactoredUpdate update{parameters.data(),
                                    has_mean ? mean.data() : nullptr,
                                    row_sums.data(),
                                    column_sums.data(),
                                    0.9F,
                                    0.1F,
                                    0.99F,
                                    0.02F};
        kernels.factored_apply(rows, update);
        kernels.vector_apply(vector, update);
        results.arrays.insert(results.arrays.end(), {parameters, mean});
    }
    results.arrays.insert(results.arrays.end(), {row_sums, column_sums, square});
}

Results run(const Kernels& kernels, std::size_t count) {
    Results results;
    run_moments(kernels, count, results);
    run_adafactor(kernels, count, results);
    return results;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_suite)

BOOST_AUTO_TEST_CASE(every_instruction_set_gives_the_same_bits) {
    for (const std::size_t count : {1, 15, 16, 17, 100, 768, 8192}) {
        const Results portable = run(*all_kernels().front().second, count);
        for (const auto& [name, kernels] : all_kernels()) {
            BOOST_TEST((run(*kernels, count) == portable), name << " with " << count);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_narrow_first_moment_is_rounded_to_nearest_even) {
    // m = 0 keep + g: 1 + 2^-8 lies between two bfloat16 and goes to the even one, as 1 + 3 2^-8
    // does; a bit more goes up.
    const Values gradients = {1.00390625F, 1.01171875F, 1.0041F, -1.00390625F, 0.0F, 3e38F};
    const std::vector<std::uint16_t> wanted = {0x3f80, 0x3f82, 0x3f81, 0xbf80, 0x0000, 0x7f62};
    for (const auto& [name, kernels] : all_kernels()) {
        Values parameters(gradients.size());
        Values square(gradients.size());
        std::vector<std::uint16_t> mean(gradients.size());
        MomentFactors plain;
        plain.mean_gain = 1;
        plain.epsilon = 1;
        kernels->adam({parameters.data(), gradients.data(), nullptr, mean.data(), square.data(),
                       gradients.size()},
                      plain);
        BOOST_TEST(mean == wanted, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_SUITE_END()
