#include "corpus/batch_ramp.h"

#include <boost/test/unit_test.hpp>

using hpml::corpus::BatchRamp;

BOOST_AUTO_TEST_SUITE(batch_ramp_suite)

BOOST_AUTO_TEST_CASE(without_a_ramp_every_step_has_the_full_batch) {
    const BatchRamp ramp{.full = 32};
    for (const std::int64_t step : {0, 1, 1000}) {
        BOOST_TEST(ramp.batch(step) == 32);
        BOOST_TEST(ramp.first_sequence(step) == 32 * step);
    }
    BOOST_TEST(ramp.steps_for(0) == 0);
    BOOST_TEST(ramp.steps_for(64) == 2);
    BOOST_TEST(ramp.steps_for(65) == 3);
}

BOOST_AUTO_TEST_CASE(each_size_lasts_for_about_as_many_sequences) {
    // Three sizes below 32, 80 sequences each: 10 steps of 8, 5 of 16, 4 of 24.
    const BatchRamp ramp{.full = 32, .start = 8, .increment = 8, .sequences = 240};
    for (std::int64_t step = 0; step < 40; ++step) {
        const std::int64_t wanted = step < 10 ? 8 : step < 15 ? 16 : step < 19 ? 24 : 32;
        BOOST_TEST(ramp.batch(step) == wanted, "step " << step);
    }
}

BOOST_AUTO_TEST_CASE(batches_follow_each_other_without_a_gap) {
    for (const BatchRamp& ramp :
         {BatchRamp{.full = 32, .start = 8, .increment = 8, .sequences = 240},
          BatchRamp{.full = 100, .start = 4, .increment = 2, .sequences = 1000},
          BatchRamp{.full = 10, .start = 1, .increment = 3, .sequences = 0},
          BatchRamp{.full = 10, .start = 10, .increment = 3, .sequences = 50}}) {
        std::int64_t taken = 0;
        for (std::int64_t step = 0; step < 300; ++step) {
            BOOST_TEST_REQUIRE(ramp.first_sequence(step) == taken);
            BOOST_TEST_REQUIRE(ramp.steps_for(taken) == step);
            BOOST_TEST_REQUIRE(ramp.steps_for(taken + 1) == step + 1);
            taken += ramp.batch(step);
        }
        BOOST_TEST(ramp.batch(300) == ramp.full);
    }
}

BOOST_AUTO_TEST_SUITE_END()
