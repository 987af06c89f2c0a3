#include "fusion/plan.h"

#include <boost/test/unit_test.hpp>

using namespace hpml;

namespace {

model::LeafSpec leaf(const std::string& name, std::int64_t count) {
    return {{{name, {count}, model::Init::Zeros, true}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_suite)

BOOST_AUTO_TEST_CASE(leaves_are_aligned_and_buckets_tile_the_buffer_from_the_end) {
    const auto plan =
        fusion::make_plan({leaf("a", 100), leaf("b", 7), leaf("c", 33), leaf("d", 1)}, Bytes(200));
    for (const auto& placement : plan.leaves) {
        BOOST_TEST(placement.offset % 16 == 0);
    }
    std::int64_t end = plan.total;
    for (const auto& bucket : plan.buckets) {
        BOOST_TEST(bucket.end == end);
        end = bucket.begin;
    }
    BOOST_TEST(end == 0);
    BOOST_TEST(plan.buckets.front().last_leaf == 3u);
    BOOST_TEST(plan.buckets.back().first_leaf == 0u);
}

BOOST_AUTO_TEST_CASE(a_leaf_larger_than_a_bucket_is_a_bucket_of_its_own) {
    const auto plan =
        fusion::make_plan({leaf("small", 8), leaf("large", 5000), leaf("tail", 8)}, Bytes(1024));
    BOOST_TEST_REQUIRE(plan.buckets.size() == 3u);
    BOOST_TEST(plan.buckets[1].first_leaf == 1u);
    BOOST_TEST(plan.buckets[1].last_leaf == 1u);
}

BOOST_AUTO_TEST_CASE(one_bucket_holds_all_when_it_is_large_enough) {
    BOOST_TEST(fusion::make_plan({leaf("a", 10), leaf("b", 20)}, mib(1)).buckets.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_digest_tells_plans_apart) {
    const auto small = fusion::make_plan({leaf("a", 100), leaf("b", 100)}, Bytes(64));
    const auto large = fusion::make_plan({leaf("a", 100), leaf("b", 100)}, mib(1));
    BOOST_TEST(small.digest().hex() != large.digest().hex());
    BOOST_TEST(small.digest().hex() ==
               fusion::make_plan({leaf("a", 100), leaf("b", 100)}, Bytes(64)).digest().hex());
}

BOOST_AUTO_TEST_SUITE_END()
