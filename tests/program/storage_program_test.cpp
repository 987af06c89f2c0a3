// File systems that fail, hang or lag behind, and clocks that are wrong, as the C library shows
// them to the program (tests/support/faulty_system.cpp).

#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

struct Scene : Continuation {
    /// hpml_pretrain on 3 ranks, in a system with these faults.
    [[nodiscard]] CommandResult pretrain(const std::string& faults, const std::string& run,
                                         const std::string& more) const {
        std::string line = pretrain_command(3, folder.path(), run, "--keep-checkpoints 20 " + more);
        if (!faults.empty()) {
            line.insert(line.find(program("hpml_pretrain")), "env LD_PRELOAD=" HPML_FAULTY_SYSTEM
                                                             " HPML_SYSTEM_FAULT='" +
                                                                 faults + "' ");
        }
        return run_command(line);
    }
    [[nodiscard]] bool has(const std::string& run, const std::string& step) const {
        return fs::exists(folder / run / "checkpoints" / step);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(storage_suite, Scene)

BOOST_AUTO_TEST_CASE(a_save_that_meets_any_error_is_given_up_and_the_next_one_is_whole) {
    const std::string steps = "--steps 20 --checkpoint-every 2 --checkpoint-in-background off ";
    const auto straight = pretrain("", "straight", steps);
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    struct Failure {
        int step;
        std::string fault;
        std::string told;
    };
    const Failure failures[] = {
        {2, "call=write,rank=1,errno=5", "Input/output error"},
        {4, "call=write,errno=122", "Disk quota exceeded"},
        {6, "call=open,errno=30", "Read-only file system"},
        {8, "call=open,rank=2,errno=13", "Permission denied"},
        {10, "call=open,errno=24", "Too many open files"},
        {12, "call=fsync,rank=1,errno=5", "cannot sync"},
        {14, "call=rename,errno=18", "step-00000014: Invalid cross-device link"}};
    std::string faults;
    for (const auto& [step, fault, told] : failures) {
        faults += fault + ",path=.tmp-1-" + std::to_string(step) + (step == 14 ? "$;" : "/;");
    }
    // Rank 0's thread looks whether the name is free.
    faults += "call=stat,path=checkpoints/step-00000016$,errno=5;";
    // These are no errors: an interrupted call, and a write that takes a part.
    faults += "call=write,path=.tmp-1-18/,errno=4,times=2;call=write,path=.tmp-1-18/,times=3";
    const auto result = pretrain(faults, "faulty", steps + "--max-failed-checkpoints 20");
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    for (const auto& [step, fault, told] : failures) {
        BOOST_TEST(result.says(told), told << " in " << result.output);
        // A rename has both names.
        BOOST_TEST(result.says(".tmp-1-" + std::to_string(step) + (step == 14 ? " to " : "/")),
                   result.output);
        const std::string name =
            std::string(step < 10 ? "step-0000000" : "step-000000") + std::to_string(step);
        BOOST_TEST(!has("faulty", name), name);
        BOOST_TEST(!has("faulty", ".tmp-1-" + std::to_string(step)), name);
    }
    BOOST_TEST(result.says("/step-00000016: Input/output error"), result.output);
    BOOST_TEST(!has("faulty", "step-00000016"));
    BOOST_TEST(!has("faulty", ".tmp-1-16"));
    BOOST_TEST(result.count("training goes on") == 8, result.output);
    for (const char* step : {"step-00000018", "step-00000020"}) {
        check_same("straight", "faulty", step);
    }
    check_steps("faulty", 20);
}

// What rank 0 has just renamed, another host may see late. It is no damage.
BOOST_AUTO_TEST_CASE(a_host_that_sees_a_checkpoint_late_waits_for_it_and_does_not_condemn_it) {
    BOOST_TEST_REQUIRE(pretrain("", "straight", "--steps 4").code == 0);
    BOOST_TEST_REQUIRE(pretrain("", "late", "--steps 2").code == 0);
    fs::copy(folder / "late", folder / "never", fs::copy_options::recursive);
    const std::string hidden = "call=open,rank=1,errno=2,path=step-00000002/model.safetensors";
    const auto late = pretrain(hidden + ",times=4", "late", "--steps 4");
    BOOST_TEST_REQUIRE(late.code == 0, late.output);
    BOOST_TEST(late.says("resuming after step 2"), late.output);
    check_same("straight", "late", "step-00000004");
    const auto never = pretrain(hidden, "never", "--steps 4");
    BOOST_TEST(never.code == 65, never.output);
    BOOST_TEST(never.count("error:") == 1, never.output);
    BOOST_TEST(never.says("step-00000002/model.safetensors is there for rank 0 but not on "),
               never.output);
    BOOST_TEST(has("never", "step-00000002"), never.output);
    BOOST_TEST(!has("never", "step-00000002.corrupt"), never.output);
}

BOOST_AUTO_TEST_CASE(reads_that_hang_for_a_while_and_clocks_that_jump_change_no_bit) {
    const std::string steps = "--steps 3 --prefetch 0 ";
    BOOST_TEST_REQUIRE(pretrain("", "straight", steps).code == 0);
    const auto lines_of = [&](const std::string& run) {
        std::vector<Json> records;
        std::istringstream lines(text_of(folder / run / "metrics.jsonl"));
        for (std::string line; std::getline(lines, line);) {
            records.push_back(parse_json(line, "metrics.jsonl"));
        }
        return records;
    };
    // A rank that lives gets ten times the time-out, and more where its files are slow.
    const auto slow = pretrain("call=read,rank=0,path=/data/train,sleep=1500,times=2", "slow",
                               steps + "--warn-seconds 1 --timeout-seconds 4");
    BOOST_TEST_REQUIRE(slow.code == 0, slow.output);
    BOOST_TEST(slow.says("warning: waiting for the sums of the gradients of step 1"), slow.output);
    double waited = 0;
    for (const Json& record : lines_of("slow")) {
        waited += record.value("data_wait_seconds", 0.0);
    }
    BOOST_TEST(waited > 2.9);
    check_same("straight", "slow", "step-00000003");

    const auto jumping =
        pretrain("clock=-7200,rank=1;clock=5400,rank=0", "jumping", steps + "--max-hours 1");
    BOOST_TEST_REQUIRE(jumping.code == 0, jumping.output);
    BOOST_TEST(jumping.says("finished after step 3"), jumping.output);
    BOOST_TEST(jumping.count("warning:") == 0, jumping.output);
    for (const Json& record : lines_of("jumping")) {
        const double seconds = record.value("seconds", 0.0);
        BOOST_TEST(seconds >= 0);
        BOOST_TEST(seconds < 100);
    }
    check_same("straight", "jumping", "step-00000003");
}

BOOST_AUTO_TEST_SUITE_END()
