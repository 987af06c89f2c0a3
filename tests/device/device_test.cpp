#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "device/affinity.h"
#include "device/memory.h"
#include "device/stream.h"
#include "support/data.h"

using namespace hpml;

namespace {

void write_below(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    test::write_file(path, text);
}

}  // namespace

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

BOOST_AUTO_TEST_CASE(the_report_sees_what_this_process_takes) {
    const auto before = device::memory_report();
    const std::vector<char> taken(64 << 20, 1);
    const auto after = device::memory_report();
    BOOST_TEST(before.resident.value > 0U);
    BOOST_TEST(before.proportional.value > 0U);
    BOOST_TEST(before.available.value > 0U);
    BOOST_TEST(after.resident.value >= before.resident.value + (60U << 20));
    BOOST_TEST(after.peak.value >= (60U << 20));
    BOOST_TEST(taken.back() == 1);
}

BOOST_AUTO_TEST_CASE(the_tightest_control_group_limits_the_headroom) {
    const test::ScratchFolder root("cgroup");
    write_below(root / "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:   8000 kB\n");
    write_below(root / "proc/self/cgroup", "0::/job/step\n");
    write_below(root / "sys/fs/cgroup/job/step/memory.max", "max\n");
    write_below(root / "sys/fs/cgroup/job/memory.max", "4096000\n");
    write_below(root / "sys/fs/cgroup/job/memory.current", "1024000\n");
    const auto report = device::memory_report_below(root.path());
    BOOST_REQUIRE(report.limit.has_value());
    BOOST_TEST(report.limit->value == 4096000U);
    BOOST_TEST(device::headroom(report).value == 3072000U);
}

BOOST_AUTO_TEST_CASE(a_version_1_group_without_limit_is_no_limit) {
    const test::ScratchFolder root("cgroup1");
    write_below(root / "proc/meminfo", "MemAvailable:   8000 kB\n");
    write_below(root / "proc/self/cgroup", "5:memory:/job\n");
    write_below(root / "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    const auto open = device::memory_report_below(root.path());
    BOOST_TEST(!open.limit.has_value());
    BOOST_TEST(device::headroom(open).value == 8192000U);
    write_below(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
    write_below(root / "sys/fs/cgroup/memory/memory.usage_in_bytes", "2000\n");
    BOOST_TEST(device::headroom(device::memory_report_below(root.path())).value == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
