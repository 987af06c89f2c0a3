#include "base/philox.h"

#include <boost/test/unit_test.hpp>

using namespace hpml;

BOOST_AUTO_TEST_SUITE(philox_suite)

// The known-answer vectors of the authors' Random123 distribution (kat_vectors, philox4x32 10).
BOOST_AUTO_TEST_CASE(gives_the_known_answers) {
    const PhiloxCounter zero = philox({0, 0}, {0, 0, 0, 0});
    BOOST_TEST((zero == PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    const PhiloxCounter ones = philox({~0u, ~0u}, {~0u, ~0u, ~0u, ~0u});
    BOOST_TEST((ones == PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    const PhiloxCounter pi =
        philox({0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344});
    BOOST_TEST((pi == PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

BOOST_AUTO_TEST_CASE(different_uses_have_different_keys) {
    BOOST_TEST((philox_key(42, RandomUse::Order) != philox_key(42, RandomUse::Masking)));
    BOOST_TEST((philox_key(42, RandomUse::Order) != philox_key(43, RandomUse::Order)));
}

BOOST_AUTO_TEST_CASE(numbers_below_a_bound_cover_it_evenly) {
    PhiloxStream stream(philox_key(1, RandomUse::Test), 0, 0, 0);
    std::array<int, 7> counts{};
    for (int i = 0; i < 70000; ++i) {
        ++counts[stream.below(7)];
    }
    for (const int count : counts) {
        BOOST_TEST(count > 9500);
        BOOST_TEST(count < 10500);
    }
}

BOOST_AUTO_TEST_SUITE_END()
