#include "base/patience.h"

#include <boost/test/unit_test.hpp>

#include "base/clock.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(patience_suite)

BOOST_AUTO_TEST_CASE(waits_grow_and_come_to_an_end) {
    Patience patience(Seconds(0.05));
    const Stopwatch watch;
    int waits = 0;
    while (patience.wait()) {
        ++waits;
    }
    BOOST_TEST(waits == 3);  // 10, 20 and the remaining 20 ms
    BOOST_TEST(watch.elapsed().value >= 0.05);
    BOOST_TEST(!patience.wait());
}

BOOST_AUTO_TEST_CASE(without_patience_nothing_is_waited_for) {
    Patience patience(Seconds(0));
    BOOST_TEST(!patience.wait());
}

BOOST_AUTO_TEST_SUITE_END()
