// The Boost libraries of this machine are not for the other processor: the test framework as
// headers.
#define BOOST_TEST_MODULE kernels
#include <boost/test/included/unit_test.hpp>
