#include "optim/loss_scaler.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

using hpml::DivergedError;
using hpml::InputError;
using hpml::UsageError;
using hpml::optim::LossScaleOptions;
using hpml::optim::LossScaler;

namespace {

LossScaleOptions small_options() {
    LossScaleOptions options;
    options.initial = 16;
    options.growth_interval = 3;
    options.floor = 4;
    options.ceiling = 64;
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_scaler)

BOOST_AUTO_TEST_CASE(the_scale_grows_after_so_many_good_steps_in_a_row_up_to_its_ceiling) {
    LossScaler scaler(small_options());
    for (const double expected : {16.0, 16.0, 32.0, 32.0, 32.0, 64.0, 64.0, 64.0, 64.0}) {
        BOOST_TEST(scaler.judge(true));
        BOOST_TEST(scaler.scale() == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_bad_step_is_skipped_halves_the_scale_and_starts_the_count_again) {
    LossScaler scaler(small_options());
    BOOST_TEST(scaler.judge(true));
    BOOST_TEST(scaler.judge(true));
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 8.0);
    BOOST_TEST(scaler.skipped() == 1);
    BOOST_TEST(scaler.judge(true));
    BOOST_TEST(scaler.judge(true));
    BOOST_TEST(scaler.scale() == 8.0);
    BOOST_TEST(scaler.judge(true));
    BOOST_TEST(scaler.scale() == 16.0);
}

BOOST_AUTO_TEST_CASE(hysteresis_forgives_bad_steps_until_it_is_used_up) {
    auto options = small_options();
    options.hysteresis = 2;
    LossScaler scaler(options);
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 16.0);
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 8.0);
    // Used up until the scale has grown again.
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 4.0);
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(scaler.judge(true));
    }
    BOOST_TEST(scaler.scale() == 8.0);
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 8.0);
}

BOOST_AUTO_TEST_CASE(a_bad_step_at_the_floor_ends_the_run) {
    LossScaler scaler(small_options());
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(!scaler.judge(false));
    BOOST_TEST(scaler.scale() == 4.0);
    BOOST_CHECK_THROW((void)scaler.judge(false), DivergedError);
}

BOOST_AUTO_TEST_CASE(at_the_floor_so_many_bad_steps_in_a_row_end_the_run) {
    auto options = small_options();
    options.initial = 8;
    options.hysteresis = 2;
    options.growth_interval = 100;
    LossScaler scaler(options);
    for (const bool finite : {false, false, false, true, false, true}) {
        BOOST_TEST(scaler.judge(finite) == finite);
    }
    BOOST_TEST(scaler.scale() == 4.0);
    BOOST_TEST(!scaler.judge(false));
    // Those before a resume count.
    LossScaler restored(options);
    restored.restore(scaler.state(), "a checkpoint");
    BOOST_CHECK_THROW((void)restored.judge(false), DivergedError);
}

BOOST_AUTO_TEST_CASE(a_restored_scaler_goes_on_with_the_same_scales) {
    auto options = small_options();
    options.hysteresis = 2;
    const bool verdicts[] = {true, false, true, false, true, true, true, true, false, true, true};
    for (std::size_t cut = 0; cut <= std::size(verdicts); ++cut) {
        LossScaler straight(options);
        LossScaler first(options);
        LossScaler second(options);
        for (std::size_t i = 0; i < std::size(verdicts); ++i) {
            if (i == cut) {
                second.restore(first.state(), "a checkpoint");
            }
            (void)straight.judge(verdicts[i]);
            (void)(i < cut ? first : second).judge(verdicts[i]);
        }
        const LossScaler& last = cut == std::size(verdicts) ? first : second;
        BOOST_TEST(last.scale() == straight.scale());
        BOOST_TEST(last.skipped() == straight.skipped());
    }
}

BOOST_AUTO_TEST_CASE(a_floor_raised_since_the_checkpoint_counts) {
    LossScaler before(small_options());
    BOOST_TEST(!before.judge(false));
    auto options = small_options();
    options.floor = 16;
    options.hysteresis = 2;
    LossScaler after(options);
    after.restore(before.state(), "a checkpoint");
    BOOST_TEST(after.scale() == 16.0);
    BOOST_TEST(!after.judge(false));
    BOOST_CHECK_THROW((void)after.judge(false), DivergedError);
}

BOOST_AUTO_TEST_CASE(options_and_states_that_cannot_be_are_refused) {
    auto options = small_options();
    options.growth_factor = 1;
    BOOST_CHECK_THROW(LossScaler{options}, UsageError);
    LossScaler scaler(small_options());
    auto state = scaler.state();
    state["scale"] = 1e9;
    BOOST_CHECK_THROW(scaler.restore(state, "a checkpoint"), InputError);
    state.erase("scale");
    BOOST_CHECK_THROW(scaler.restore(state, "a checkpoint"), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
