#include "fusion/schedule.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.h"
#include "model/work.h"

using namespace hpml;

namespace {

model::LeafSpec leaf(const std::string& name, std::int64_t count) {
    return {{{name, {count}, model::Init::Zeros, true}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule_suite)

BOOST_AUTO_TEST_CASE(a_bucket_is_ready_when_the_work_of_its_first_leaf_is_done) {
    // From the end: 16 elements in bucket 0 after 1 of 8 parts, 32 in bucket 1 after 1 + 2 + 3.
    const auto plan =
        fusion::make_plan({leaf("a", 16), leaf("b", 16), leaf("c", 16), leaf("d", 16)}, Bytes(128));
    const double work[] = {2, 3, 2, 1};
    const auto schedule = fusion::backward_schedule(plan, work);
    BOOST_TEST_REQUIRE(schedule.size() == 2U);
    BOOST_TEST(schedule[0].size.value == 128U);
    BOOST_TEST(schedule[0].ready == 3.0 / 8);
    BOOST_TEST(schedule[1].ready == 1.0);
}

BOOST_AUTO_TEST_CASE(a_models_buckets_become_ready_in_order_and_hold_all_of_it) {
    const auto config = model::named_model("mini");
    const auto leaves = model::leaf_specs(config, model::Head::MaskedLm);
    const auto work = model::forward_flops(config, model::Head::MaskedLm, {});
    for (const double size : {0.01, 1.0, 25.0}) {
        const auto plan = fusion::make_plan(leaves, mib(size));
        const auto schedule = fusion::backward_schedule(plan, work);
        BOOST_TEST(schedule.size() == plan.buckets.size());
        double before = 0;
        std::uint64_t bytes = 0;
        for (const auto& bucket : schedule) {
            BOOST_TEST(bucket.ready >= before);
            before = bucket.ready;
            bytes += bucket.size.value;
        }
        BOOST_TEST(before == 1.0, boost::test_tools::tolerance(1e-12));
        BOOST_TEST(bytes == static_cast<std::uint64_t>(plan.total) * sizeof(float));
    }
}

BOOST_AUTO_TEST_CASE(the_work_of_another_plan_is_our_bug) {
    const auto plan = fusion::make_plan({leaf("a", 16), leaf("b", 16)}, Bytes(64));
    const double one[] = {1};
    const double nothing[] = {0, 0};
    BOOST_CHECK_THROW((void)fusion::backward_schedule(plan, one), InternalError);
    BOOST_CHECK_THROW((void)fusion::backward_schedule(plan, nothing), InternalError);
}

BOOST_AUTO_TEST_SUITE_END()
