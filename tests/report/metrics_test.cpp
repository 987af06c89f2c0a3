#include "report/metrics.h"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <limits>
#include <vector>

#include "support/data.h"

using namespace hpml;

namespace {

Json line(std::int64_t step, const char* kind = "train") {
    return {{"kind", kind}, {"step", step}, {"loss", 1.0 / static_cast<double>(step + 1)}};
}

std::vector<std::int64_t> steps_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::int64_t> steps;
    for (std::string text; std::getline(file, text);) {
        steps.push_back(Json::parse(text)["step"].get<std::int64_t>());
    }
    return steps;
}

void write_steps(const std::filesystem::path& path, Step from, std::int64_t last) {
    MetricsLog log(path, from, [](const std::string& reason) { BOOST_ERROR(reason); });
    for (auto step = from.value + 1; step <= last; ++step) {
        log.append(line(step));
    }
}

/// Files of this process cannot grow beyond a size, as on a full disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        set(bytes);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    FileSizeLimit(FileSizeLimit&&) = delete;
    FileSizeLimit& operator=(FileSizeLimit&&) = delete;

    void set(rlim_t bytes) const {
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }

  private:
    rlimit before_{};
    void (*handler_)(int) = SIG_DFL;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(a_resume_continues_at_its_step_without_gap_or_repetition) {
    const test::ScratchFolder folder("metrics");
    const auto path = folder / "metrics.jsonl";
    write_steps(path, Step(0), 10);
    write_steps(path, Step(6), 12);
    std::vector<std::int64_t> expected;
    for (std::int64_t step = 1; step <= 12; ++step) {
        expected.push_back(step);
    }
    BOOST_TEST(steps_in(path) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(half_a_line_left_by_a_kill_is_cut) {
    const test::ScratchFolder folder("metrics");
    const auto path = folder / "metrics.jsonl";
    write_steps(path, Step(0), 3);
    std::ofstream(path, std::ios::app) << R"({"kind":"train","step":4,"lo)";
    write_steps(path, Step(3), 5);
    BOOST_TEST(steps_in(path) == (std::vector<std::int64_t>{1, 2, 3, 4, 5}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_becomes_null) {
    const test::ScratchFolder folder("metrics");
    MetricsLog log(folder / "m", Step(0), [](const std::string&) {});
    log.append(
        {{"kind", "train"}, {"step", 1}, {"loss", std::numeric_limits<double>::quiet_NaN()}});
    const auto last = last_metric(folder / "m", "train");
    BOOST_REQUIRE(last.has_value());
    BOOST_TEST((*last)["loss"].is_null());
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_once_and_leaves_whole_lines) {
    const test::ScratchFolder folder("metrics");
    const auto path = folder / "metrics.jsonl";
    int warnings = 0;
    MetricsLog log(path, Step(0), [&](const std::string&) { ++warnings; });
    {
        FileSizeLimit limit(250);
        for (std::int64_t step = 1; step <= 50; ++step) {
            log.append(line(step));
        }
        BOOST_TEST(warnings == 1);
        BOOST_TEST(std::filesystem::file_size(path) == log.size().value);
        BOOST_TEST(log.size().value <= 250u);
    }
    log.append(line(51));
    BOOST_TEST(steps_in(path).back() == 51);
    BOOST_TEST(warnings == 1);
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_opened_warns_and_nothing_more) {
    int warnings = 0;
    MetricsLog log("/no/such/folder/metrics.jsonl", Step(0),
                   [&](const std::string&) { ++warnings; });
    log.append(line(1));
    BOOST_TEST(warnings == 1);
    BOOST_TEST(!log.is_writing());
}

BOOST_AUTO_TEST_CASE(the_last_line_of_a_kind_is_found) {
    const test::ScratchFolder folder("metrics");
    MetricsLog log(folder / "m", Step(0), [](const std::string&) {});
    log.append(line(1, "validation"));
    log.append(line(2, "validation"));
    log.append(line(3));
    BOOST_TEST((*last_metric(folder / "m", "validation"))["step"].get<int>() == 2);
    BOOST_TEST(!last_metric(folder / "m", "start").has_value());
    BOOST_TEST(!last_metric(folder / "absent", "train").has_value());
}

BOOST_AUTO_TEST_CASE(only_the_whole_lines_at_the_end_are_looked_at_when_asked) {
    const test::ScratchFolder folder("metrics");
    const auto path = folder / "m";
    MetricsLog log(path, Step(0), [](const std::string&) {});
    std::vector<Bytes> ends;
    for (std::int64_t step = 1; step <= 5; ++step) {
        log.append(line(step));
        ends.push_back(log.size());
    }
    const auto seen = [&](Bytes last) {
        std::vector<std::int64_t> steps;
        for_each_metric(
            path, {"train"}, [&](const Json& one) { steps.push_back(one["step"]); }, last);
        return steps;
    };
    const std::uint64_t three = ends[4].value - ends[1].value;
    const std::vector<std::int64_t> all{1, 2, 3, 4, 5};
    const std::vector<std::int64_t> newest{3, 4, 5};
    const std::vector<std::int64_t> fewer{4, 5};
    BOOST_TEST(seen(Bytes(0)) == all, boost::test_tools::per_element());
    BOOST_TEST(seen(mib(1)) == all, boost::test_tools::per_element());
    BOOST_TEST(seen(Bytes(three)) == newest, boost::test_tools::per_element());
    BOOST_TEST(seen(Bytes(three - 1)) == fewer, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
