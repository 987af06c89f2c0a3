#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

namespace {
bool start_suite() { return true; }
}  // namespace

int main(int argc, char** argv) {
    return boost::unit_test::unit_test_main(start_suite, argc, argv);
}
