// Exact continuation: steps in one go, or in pieces with a SIGKILL between, give the same bytes.

#include <boost/test/unit_test.hpp>

#include "program/continuation.h"
#include "program/refusal.h"

using namespace hpml;
using namespace hpml::test;

BOOST_FIXTURE_TEST_SUITE(resume_suite, Continuation)

BOOST_AUTO_TEST_CASE(a_run_killed_at_several_steps_continues_to_the_same_bytes_on_three_ranks) {
    const auto straight = run_command(ten_steps("straight"));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    for (const std::int64_t k : {1, 4, 7, 10}) {
        check_kill_after(k, 1);
    }
}

BOOST_AUTO_TEST_CASE(a_chain_of_planned_stops_gives_the_same_bytes) {
    const std::string more = "--steps 10 --keep-checkpoints 20";
    BOOST_TEST_REQUIRE(run_command(on_three_ranks("one", more)).code == 0);
    const auto first = run_command("HPML_FAULT=term@step=3,rank=2 " + on_three_ranks("two", more));
    BOOST_TEST(first.code == 0, first.output);
    BOOST_TEST(first.says("interrupted after step 4"), first.output);
    BOOST_TEST(run_command(program("hpml_status") + " --brief " + (folder / "two").string())
                   .says("interrupted"));
    BOOST_TEST(run_command(on_three_ranks("two", more)).code == 0);
    check_same("one", "two", "step-00000010");
}

BOOST_AUTO_TEST_CASE(
    three_ranks_leave_a_damaged_checkpoint_together_and_refuse_where_none_is_valid) {
    const auto run = [&](const std::string& more) {
        return run_command(on_three_ranks("run", "--schedule constant " + more));
    };
    const auto damage = [&](const std::string& step) {
        const auto file = folder / "run" / "checkpoints" / step / "model.safetensors";
        std::string bytes = text_of(file);
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        write_file(file, bytes);
    };
    BOOST_TEST_REQUIRE(run("--steps 2 --checkpoint-every 1").code == 0);
    damage("step-00000002");
    const auto older = run("--steps 2");
    BOOST_TEST(older.code == 0, older.output);
    BOOST_TEST(older.count("its content was changed") == 1, older.output);
    BOOST_TEST(older.says("resuming after step 1"), older.output);
    damage("step-00000001");
    damage("step-00000002");
    const auto none = run("--steps 2");
    check_one_error(none, 65, "is valid (training must not silently start anew)");
    const auto anew = run("--steps 2 --restart-from-scratch");
    BOOST_TEST(anew.code == 0, anew.output);
    BOOST_TEST(anew.says("finished after step 2"), anew.output);
}

// A comparison that cannot fail proves nothing: another seed must give other bytes.
BOOST_AUTO_TEST_CASE(another_seed_gives_other_bytes) {
    std::string other = pretrain_command(2, folder.path(), "b", "--steps 10");
    other.replace(other.find("--seed 7"), 8, "--seed 8");
    BOOST_TEST_REQUIRE(run_command(pretrain_command(2, folder.path(), "a", "--steps 10")).code ==
                       0);
    BOOST_TEST_REQUIRE(run_command(other).code == 0);
    BOOST_TEST(digest("a", "step-00000010", "model.safetensors") !=
               digest("b", "step-00000010", "model.safetensors"));
}

BOOST_AUTO_TEST_SUITE_END()
