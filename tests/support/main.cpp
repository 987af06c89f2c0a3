#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include "support/skip.h"

namespace {
bool start_suite() { return true; }
}  // namespace

int main(int argc, char** argv) {
    return hpml::test::with_skips(boost::unit_test::unit_test_main(start_suite, argc, argv));
}
