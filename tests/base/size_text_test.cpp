#include "base/size_text.h"

#include <boost/test/unit_test.hpp>

using namespace hpml;

BOOST_AUTO_TEST_CASE(a_size_is_told_in_decimal_megabytes_or_gigabytes) {
    BOOST_TEST(size_text(Bytes(0)) == "0.000 MB");
    BOOST_TEST(size_text(Bytes(4096)) == "0.004 MB");
    BOOST_TEST(size_text(Bytes(1'000'000)) == "1.0 MB");
    BOOST_TEST(size_text(Bytes(999'900'000)) == "999.9 MB");
    BOOST_TEST(size_text(Bytes(1'330'000'000)) == "1.33 GB");
}
