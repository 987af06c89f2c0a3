#include "base/process_memory.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/data.h"

using namespace hpml;

namespace {

void write_below(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    test::write_file(path, text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process_memory_suite)

BOOST_AUTO_TEST_CASE(the_report_sees_what_this_process_takes) {
    const auto before = memory_report();
    const std::vector<char> taken(64 << 20, 1);
    const auto after = memory_report();
    BOOST_TEST(before.resident.value > 0U);
    BOOST_TEST(proportional_memory().value > 0U);
    BOOST_TEST(before.available.value > 0U);
    BOOST_TEST(before.machine.value >= before.available.value);
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
    const auto report = memory_report_below(root.path());
    BOOST_REQUIRE(report.limit.has_value());
    BOOST_TEST(report.limit->value == 4096000U);
    BOOST_TEST(headroom(report).value == 3072000U);
}

BOOST_AUTO_TEST_CASE(a_version_1_group_without_limit_is_no_limit) {
    const test::ScratchFolder root("cgroup1");
    write_below(root / "proc/meminfo", "MemAvailable:   8000 kB\n");
    write_below(root / "proc/self/cgroup", "5:memory:/job\n");
    write_below(root / "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    const auto open = memory_report_below(root.path());
    BOOST_TEST(!open.limit.has_value());
    BOOST_TEST(headroom(open).value == 8192000U);
    write_below(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
    write_below(root / "sys/fs/cgroup/memory/memory.usage_in_bytes", "2000\n");
    BOOST_TEST(headroom(memory_report_below(root.path())).value == 0U);
}

BOOST_AUTO_TEST_CASE(the_text_has_what_is_held_and_every_limit_that_there_is) {
    const test::ScratchFolder root("memory");
    write_below(root / "proc/self/status", "VmHWM:   913000 kB\nVmRSS:  812000 kB\n");
    write_below(root / "proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:   8000000 kB\n");
    const std::string limits = "Limit   Soft Limit   Hard Limit   Units\nMax address space   ";
    write_below(root / "proc/self/limits", limits + "unlimited   unlimited   bytes\n");
    BOOST_TEST(to_text(memory_report_below(root.path())) ==
               "this process holds 831 MB (935 MB at most until now); the machine has 8192 of 9216 "
               "MB left");
    write_below(root / "proc/self/limits", limits + "2000000000   unlimited   bytes\n");
    write_below(root / "proc/self/cgroup", "0::/job\n");
    write_below(root / "sys/fs/cgroup/job/memory.max", "1000000000\n");
    write_below(root / "sys/fs/cgroup/job/memory.current", "999000000\n");
    BOOST_TEST(to_text(memory_report_below(root.path())) ==
               "this process holds 831 MB (935 MB at most until now); ulimit -v allows it 2000 MB "
               "of addresses; its control group has 999 of 1000 MB; the machine has 8192 of 9216 "
               "MB left");
}

BOOST_AUTO_TEST_SUITE_END()
