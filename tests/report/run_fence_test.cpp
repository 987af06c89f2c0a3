#include "report/run_fence.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"

using namespace hpml;

namespace {

struct Fixture {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream{std::tmpfile(), std::fclose};
    Log log{Rank(0), true, {}, stream.get()};
    bool is_current = true;
    int asked = 0;

    [[nodiscard]] RunFence fence(Seconds interval) {
        return {"runs/a", [this] { return ++asked, is_current; }, log, interval};
    }
    [[nodiscard]] std::string said() const {
        std::string text;
        std::rewind(stream.get());
        for (int letter = std::fgetc(stream.get()); letter != EOF;
             letter = std::fgetc(stream.get())) {
            text.push_back(static_cast<char>(letter));
        }
        return text;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(run_fence, Fixture)

BOOST_AUTO_TEST_CASE(it_closes_for_good_when_a_later_start_has_begun_and_says_so_once) {
    RunFence fence = this->fence(Seconds(0));
    BOOST_TEST(fence.is_open());
    is_current = false;
    BOOST_TEST(!fence.is_open_now());
    is_current = true;
    BOOST_TEST(!fence.is_open());
    BOOST_TEST(!fence.is_open_now());
    BOOST_TEST(said() ==
               "warning: a later start has taken over runs/a; this one writes there no longer\n");
}

BOOST_AUTO_TEST_CASE(an_answer_holds_for_the_interval_unless_asked_for_now) {
    RunFence fence = this->fence(Seconds(1000));
    for (int i = 0; i < 5; ++i) {
        BOOST_TEST(fence.is_open());
    }
    BOOST_TEST(asked == 1);
    is_current = false;
    BOOST_TEST(fence.is_open());
    BOOST_TEST(!fence.is_open_now());
    BOOST_TEST(!fence.is_open());
    BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(a_question_that_fails_settles_nothing_and_is_warned_of_once) {
    RunFence fence(
        "runs/a", []() -> bool { throw IoError("the disk is away"); }, log, Seconds(0));
    BOOST_TEST(fence.is_open_now());
    BOOST_TEST(fence.is_open_now());
    const std::string text = said();
    BOOST_TEST(text.starts_with("warning: the disk is away; "), text);
    BOOST_TEST(text.find("warning: ", 1) == std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()
