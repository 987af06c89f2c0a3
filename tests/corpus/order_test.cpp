#include "corpus/order.h"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

#include "base/error.h"

using namespace hpml;
using corpus::Order;

namespace {

std::vector<std::int64_t> epoch_of(const Order& order, std::int64_t epoch) {
    std::vector<std::int64_t> samples;
    for (std::int64_t i = 0; i < order.rows(); ++i) {
        const corpus::OrderedSample at = order.at(epoch * order.rows() + i);
        BOOST_REQUIRE(at.epoch == epoch);
        samples.push_back(at.sample);
    }
    return samples;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(order_suite)

BOOST_AUTO_TEST_CASE(every_epoch_holds_every_row_once) {
    for (const std::int64_t rows :
         {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 64, 65, 97, 255, 256, 257, 1009, 4096, 4097, 65537}) {
        const Order order(rows, 42);
        for (const std::int64_t epoch : {0, 1, 5}) {
            std::vector<bool> seen(static_cast<std::size_t>(rows));
            for (const std::int64_t sample : epoch_of(order, epoch)) {
                BOOST_REQUIRE(sample >= 0);
                BOOST_REQUIRE(sample < rows);
                BOOST_REQUIRE(!seen[static_cast<std::size_t>(sample)]);
                seen[static_cast<std::size_t>(sample)] = true;
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(epochs_and_seeds_differ) {
    const Order order(1009, 42);
    const Order other(1009, 43);
    BOOST_TEST((epoch_of(order, 0) != epoch_of(order, 1)));
    BOOST_TEST((epoch_of(order, 0) != epoch_of(other, 0)));
    BOOST_TEST((epoch_of(order, 3) == epoch_of(Order(1009, 42), 3)));
}

// In a random permutation the mean of |sample - place| is a third of the rows, and one row stays in
// its place on average.
BOOST_AUTO_TEST_CASE(an_epoch_looks_shuffled) {
    const std::int64_t rows = 10007;
    const auto samples = epoch_of(Order(rows, 1), 0);
    double distance = 0;
    int in_place = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
        const auto moved = static_cast<double>(samples[static_cast<std::size_t>(i)] - i);
        distance += moved < 0 ? -moved : moved;
        in_place += moved == 0 ? 1 : 0;
    }
    const double mean = distance / static_cast<double>(rows) / static_cast<double>(rows);
    BOOST_TEST(mean > 0.32);
    BOOST_TEST(mean < 0.347);
    BOOST_TEST(in_place < 8);
}

BOOST_AUTO_TEST_CASE(positions_far_away_are_reached_at_once) {
    const Order order(3'000'000'019, 7);
    const auto far = order.at(2'999'999'999'999'999);
    BOOST_TEST(far.epoch == 2'999'999'999'999'999 / 3'000'000'019);
    BOOST_TEST(far.sample >= 0);
    BOOST_TEST(far.sample < 3'000'000'019);
}

BOOST_AUTO_TEST_CASE(impossible_arguments_are_our_bug) {
    BOOST_CHECK_THROW(Order(0, 1), InternalError);
    BOOST_CHECK_THROW((void)Order(5, 1).at(-1), InternalError);
}

BOOST_AUTO_TEST_SUITE_END()
