// The table of what operators took.

#include "train/operator_profile.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace hpml::train;

namespace {

const OperatorTime* find(const std::vector<OperatorTime>& times, const std::string& part) {
    const auto found = std::ranges::find_if(
        times, [&](const OperatorTime& time) { return time.name.find(part) != std::string::npos; });
    return found == times.end() ? nullptr : &*found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(operator_profile_suite)

BOOST_AUTO_TEST_CASE(operators_of_both_passes_are_counted_and_timed) {
    const at::Tensor a = at::ones({64, 64}).requires_grad_(true);
    (void)at::mm(a, a);  // not in the profile
    OperatorProfile profile;
    for (int i = 0; i < 3; ++i) {
        at::mm(a, a).sum().backward();
    }
    const auto times = profile.finish();
    (void)at::mm(a, a);  // nor this
    const OperatorTime* const product = find(times, "aten::mm");
    BOOST_TEST_REQUIRE(product != nullptr);
    BOOST_TEST(product->calls == 9);  // one forward, two backward
    BOOST_TEST(find(times, "MmBackward") != nullptr);
    for (std::size_t i = 0; i < times.size(); ++i) {
        BOOST_TEST(times[i].self_seconds <= times[i].total_seconds);
        BOOST_TEST((i == 0 || times[i].self_seconds <= times[i - 1].self_seconds));
    }
}

BOOST_AUTO_TEST_CASE(the_table_has_the_rest_in_one_line) {
    const std::string text =
        to_text({{"a", 2, 0.4, 0.3}, {"b", 1, 0.1, 0.1}, {"c", 4, 0.1, 0.1}}, 1.0, 1);
    BOOST_TEST(text.find("a ") != std::string::npos);
    BOOST_TEST(text.find("30.0%") != std::string::npos);
    BOOST_TEST(text.find("2 others") != std::string::npos);
    BOOST_TEST(text.find("20.0%") != std::string::npos);
    BOOST_TEST(text.find("50.0%") != std::string::npos);  // outside
}

BOOST_AUTO_TEST_SUITE_END()
