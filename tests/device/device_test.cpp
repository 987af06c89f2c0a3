#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "device/affinity.h"
#include "device/stream.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(device_suite)

BOOST_AUTO_TEST_CASE(a_cpu_stream_works_at_once_and_in_order) {
    const auto stream = device::make_cpu_stream();
    std::string order;
    const auto before = stream->record();
    stream->run([&] {
        order += "a";
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
    const auto after = stream->record();
    stream->wait_for(*after);
    stream->run([&] { order += "b"; });
    stream->synchronize();
    BOOST_TEST(order == "ab");
    BOOST_TEST(before->is_done());
    BOOST_TEST(after->since(*before).value >= 0.005);
}

BOOST_AUTO_TEST_CASE(cores_are_written_as_ranges_and_read_back) {
    using device::cores_from_text;
    using device::to_text;
    const std::vector<std::pair<std::vector<int>, std::string>> cases = {{{}, ""},
                                                                         {{0}, "0"},
                                                                         {{0, 1}, "0-1"},
                                                                         {{0, 1, 2, 3, 8}, "0-3,8"},
                                                                         {{2, 4, 6, 7}, "2,4,6-7"}};
    for (const auto& [cores, text] : cases) {
        BOOST_TEST(to_text(cores) == text);
        BOOST_TEST((cores_from_text(text) == cores), text);
    }
    for (const std::string bad :
         {"a", "0-", "3-1", "0,", ",0", "-1", "0 1", "1,1", "4,2", "0-99999999999"}) {
        BOOST_CHECK_THROW(static_cast<void>(cores_from_text(bad)), InputError);
    }
}

BOOST_AUTO_TEST_CASE(this_process_has_at_least_one_core) {
    BOOST_TEST(!device::affinity_mask().empty());
    BOOST_TEST((device::cores_from_text(device::to_text(device::affinity_mask())) ==
                device::affinity_mask()));
}

BOOST_AUTO_TEST_SUITE_END()
