// The same bits on any number of ranks: the same eight gradients on as many ranks as this test has,
// against one rank that adds all of them.

#include "comm/elastic_sum.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/checked.h"
#include "comm/kernels/fixed_point.h"

using namespace hpml;
using comm::ElasticSum;
using Outcome = comm::ElasticSum::Outcome;

namespace {

constexpr std::size_t kTerms = 8;
constexpr std::size_t kCount = 50021;
const comm::ElasticOptions kOptions{.terms = kTerms, .block = 1000};

/// Term `index` of a step; magnitudes of many orders, in the third step far larger.
std::vector<float> term(std::size_t index, int step) {
    auto values = test::rough_values(static_cast<int>(index) + 100 * step, kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
        values[i] = std::ldexp(values[i], step == 2 ? 20 : -8 - static_cast<int>(i % 7));
    }
    return values;
}

/// The terms of a rank: rank 0 has most of them, in the reverse order, and of five ranks and more
/// some have none.
std::vector<std::size_t> own_terms(int rank, int ranks) {
    std::vector<std::size_t> mine;
    for (std::size_t index = kTerms; index-- > 0;) {
        const int owner = index < 4 ? 0 : static_cast<int>(index) % ranks;
        if (owner == rank) {
            mine.push_back(index);
        }
    }
    return mine;
}

struct Sum {
    std::vector<float> values = std::vector<float>(kCount);
    int redone = 0;
};

Sum sum_of(ElasticSum& elastic, const std::vector<std::size_t>& terms, int step) {
    Sum sum;
    Outcome outcome = Outcome::Redo;
    for (int attempt = 0; outcome == Outcome::Redo; ++attempt) {
        BOOST_TEST_REQUIRE(attempt < 3);
        sum.redone = attempt;
        elastic.begin();
        for (const std::size_t index : terms) {
            // As leaves come: the last elements first, in pieces that no block knows of.
            const auto values = term(index, step);
            const std::size_t cut = 17003 + index;
            elastic.add(cut, std::span(values).subspan(cut));
            elastic.add(0, std::span(values).first(cut));
        }
        outcome = elastic.finish(sum.values, 0.125);
    }
    BOOST_TEST((outcome == Outcome::Done));
    return sum;
}

std::vector<std::size_t> all_terms() {
    std::vector<std::size_t> all(kTerms);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elastic_sum_suite)

BOOST_DATA_TEST_CASE(the_bits_are_those_of_one_rank_also_where_a_step_is_redone,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    if (test::too_long_for(name, kCount * 2)) {
        return;
    }
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    const auto alone = test::make_algorithm("ring", {});
    ElasticSum shared(*algorithm, kCount, kOptions);
    ElasticSum single(*alone, kCount, kOptions);
    for (int step = 0; step < 4; ++step) {
        const Sum expected = sum_of(single, all_terms(), step);
        const Sum sum = sum_of(shared, own_terms(ranks.rank().value, ranks.size()), step);
        BOOST_TEST(test::same_bits(sum.values, expected.values), name << " step " << step);
        BOOST_TEST(test::same_on_all_ranks(ranks, sum.values));
        BOOST_TEST(sum.redone == expected.redone);
        BOOST_TEST(sum.redone == (step == 2 ? 1 : 0), "the step of the large terms is redone");
        BOOST_TEST(shared.limits() == single.limits());
    }
}

BOOST_AUTO_TEST_CASE(a_sum_in_fp32_does_depend_on_the_number_of_ranks) {
    // The test above could not fail otherwise.
    const auto values = [](const std::vector<std::size_t>& groups) {
        std::vector<float> sum(kCount, 0.0F);
        std::size_t index = 0;
        for (const std::size_t group : groups) {
            std::vector<float> part(kCount, 0.0F);
            for (std::size_t i = 0; i < group; ++i, ++index) {
                const auto one = term(index, 0);
                std::transform(part.begin(), part.end(), one.begin(), part.begin(), std::plus<>());
            }
            std::transform(sum.begin(), sum.end(), part.begin(), sum.begin(), std::plus<>());
        }
        return sum;
    };
    BOOST_TEST(!test::same_bits(values({8}), values({5, 3})));
    BOOST_TEST(!test::same_bits(values({4, 2, 2}), values({5, 3})));
}

BOOST_AUTO_TEST_CASE(ranks_whose_sums_differ_in_length_are_told_so) {
    const auto ranks = mpi::Communicator::world();
    if (ranks.size() == 1) {
        return;
    }
    comm::Checked algorithm(test::make_algorithm("ring", ranks), ranks);
    // One block on all ranks: nothing is amiss before the sums themselves.
    const std::size_t count = ranks.is_root() ? 100 : 101;
    ElasticSum elastic(algorithm, count, kOptions);
    elastic.begin();
    std::vector<float> result(count);
    BOOST_CHECK_THROW((void)elastic.finish(result, 1.0), MismatchError);
}

BOOST_AUTO_TEST_CASE(the_error_stays_within_the_bound_of_the_header) {
    const auto alone = test::make_algorithm("ring", {});
    ElasticSum elastic(*alone, kCount, kOptions);
    std::vector<double> limit(kCount, 32.0);
    for (int step = 0; step < 2; ++step) {
        const Sum sum = sum_of(elastic, all_terms(), step);
        std::vector<std::vector<float>> terms;
        for (const std::size_t index : all_terms()) {
            terms.push_back(term(index, step));
        }
        std::size_t outside = 0;
        for (std::size_t i = 0; i < kCount; ++i) {
            long double exact = 0;
            for (const auto& one : terms) {
                exact += static_cast<long double>(one[i]);
            }
            const float value = sum.values[i];
            const double quantum = std::ldexp(limit[i], -50);
            const double ulp = static_cast<double>(
                std::nextafter(std::abs(value), std::numeric_limits<float>::infinity()) -
                std::abs(value));
            const double bound = kTerms * quantum / 2 * 0.125 + 0.5000001 * ulp;
            const double error =
                std::abs(static_cast<double>(exact / 8 - static_cast<long double>(value)));
            outside += error <= bound ? 0 : 1;
        }
        BOOST_TEST(outside == 0U);
        for (std::size_t i = 0; i < kCount; ++i) {
            limit[i] = std::ldexp(1.0, elastic.limits()[i / kOptions.block] - 126);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_on_one_rank_is_told_to_all_and_changes_nothing) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm("auto", ranks);
    ElasticSum elastic(*algorithm, kCount, kOptions);
    const auto before = elastic.limits();
    for (const float poison :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        elastic.begin();
        auto values = term(0, 0);
        if (ranks.rank().value == ranks.size() - 1) {
            values[kCount - 1] = poison;
        }
        elastic.add(0, values);
        std::vector<float> result(kCount, 7.0F);
        BOOST_TEST((elastic.finish(result) == Outcome::NonFinite));
        BOOST_TEST(result[0] == 7.0F);
        BOOST_TEST(elastic.limits() == before);
    }
}

BOOST_AUTO_TEST_CASE(a_run_that_takes_the_limits_along_goes_on_with_the_same_bits) {
    const auto alone = test::make_algorithm("ring", {});
    ElasticSum whole(*alone, kCount, kOptions);
    (void)sum_of(whole, all_terms(), 0);
    ElasticSum resumed(*alone, kCount, kOptions);
    resumed.set_limits(whole.limits());
    BOOST_TEST(test::same_bits(sum_of(resumed, all_terms(), 1).values,
                               sum_of(whole, all_terms(), 1).values));
    ElasticSum fresh(*alone, kCount, kOptions);
    BOOST_CHECK_THROW(fresh.set_limits({1, 2, 3}), InputError);
}

BOOST_AUTO_TEST_CASE(all_instruction_sets_make_the_same_whole_numbers) {
    auto values = test::rough_values(3, 4099);
    values[5] = std::numeric_limits<float>::denorm_min();
    values[6] = 0.49999997F;
    values[7] = 0.5F;
    values[8] = 1.5F;
    std::vector<std::int64_t> expected(values.size(), 3);
    comm::add_fixed(values.data(), values.size(), -10, expected.data(),
                    comm::InstructionSet::Portable);
    BOOST_TEST(expected[7] == 3 + 512);
    for (const auto set : comm::instruction_sets()) {
        std::vector<std::int64_t> sums(values.size(), 3);
        comm::add_fixed(values.data(), values.size(), -10, sums.data(), set);
        BOOST_TEST(sums == expected);
    }
    BOOST_TEST(int{comm::largest_exponent(values.data() + 7, 2)} == 127);
    BOOST_TEST(int{comm::largest_exponent(values.data(), 0)} == 0);
}

BOOST_AUTO_TEST_SUITE_END()
