// A run directory's lock, generation and status, as a second job and a script see them.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "manifest/manifest.h"
#include "report/checkpoint_text.h"
#include "report/run_lock.h"
#include "report/status.h"
#include "report/status_text.h"
#include "support/data.h"

using namespace hpml;

namespace {

/// Of a table the line that begins with `name`; empty if there is none.
std::string line_of(const std::string& table, const std::string& name) {
    const auto begin = table.find("\n" + name);
    return begin == std::string::npos
               ? ""
               : table.substr(begin + 1, table.find('\n', begin + 1) - begin);
}

/// The identity of a process of this host that has ended.
ProcessIdentity dead_process() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    ProcessIdentity process = this_process();
    process.pid = child;
    process.started = 1;
    return process;
}

void write_lock(const std::filesystem::path& run, const ProcessIdentity& holder) {
    write_json(run / "run.lock", {{"host", holder.host},
                                  {"pid", holder.pid},
                                  {"boot", holder.boot},
                                  {"process_started", holder.started},
                                  {"job", holder.job},
                                  {"since", "2026-01-02T03:04:05Z"},
                                  {"generation", 1}});
}

std::string refusal(const std::filesystem::path& run) {
    try {
        const RunLock lock(run, BreakLock::No);
        return "";
    } catch (const OutputError& error) {
        return error.what();
    }
}

RunStatus sample_status() {
    RunStatus status;
    status.program = "hpml_pretrain";
    status.step = 120;
    status.steps = 1000;
    status.loss = 6.25;
    status.learning_rate = 1e-3;
    status.tokens_per_second = 40249;
    status.checkpoint = "step-00000100";
    status.started = "2026-01-02T03:04:05Z";
    status.seconds = 65;
    status.process = this_process();
    status.ranks = 2;
    status.generation = 1;
    return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_folder)

BOOST_AUTO_TEST_CASE(each_start_has_the_next_generation) {
    const test::ScratchFolder run("lock");
    BOOST_TEST(read_generation(run.path()) == 0);
    {
        const RunLock lock(run.path(), BreakLock::No);
        BOOST_TEST(lock.generation() == 1);
        BOOST_TEST(lock.is_current());
        BOOST_TEST(lock.notice() == "");
    }
    const RunLock lock(run.path(), BreakLock::No);
    BOOST_TEST(lock.generation() == 2);
    BOOST_TEST(lock.notice() == "");
}

BOOST_AUTO_TEST_CASE(a_second_job_is_refused_and_changes_nothing) {
    const test::ScratchFolder run("lock");
    ::setenv("SLURM_JOB_ID", "1234", 1);
    const RunLock first(run.path(), BreakLock::No);
    ::unsetenv("SLURM_JOB_ID");
    std::string message = refusal(run.path());
    const std::string start = "run is locked by job 1234 on " + this_process().host + " since 20";
    BOOST_TEST(message.substr(0, start.size()) == start);
    BOOST_TEST(message.find("--break-lock") != std::string::npos);
    BOOST_TEST(read_generation(run.path()) == 1);
    BOOST_TEST(first.is_current());
}

BOOST_AUTO_TEST_CASE(the_lock_of_a_dead_process_of_this_host_is_taken_over) {
    const test::ScratchFolder run("lock");
    write_lock(run.path(), dead_process());
    const RunLock lock(run.path(), BreakLock::No);
    BOOST_TEST(lock.notice().starts_with("took over the lock of process "));
    BOOST_TEST(lock.generation() == 1);
}

BOOST_AUTO_TEST_CASE(a_lock_of_another_host_needs_break_lock) {
    const test::ScratchFolder run("lock");
    write_lock(run.path(), {"node07", 4711, "", 0, "99"});
    BOOST_TEST(refusal(run.path()) ==
               "run is locked by job 99 on node07 since 2026-01-02T03:04:05Z (two jobs would "
               "overwrite each other in " +
                   run.path().string() +
                   "); wait for it, or if it is surely dead, give --break-lock");
    const RunLock lock(run.path(), BreakLock::Yes);
    BOOST_TEST(lock.notice().starts_with("broke the lock of job 99 on node07"));
}

BOOST_AUTO_TEST_CASE(a_lock_of_another_host_is_taken_over_when_the_batch_system_has_ended_its_job) {
    const test::ScratchFolder run("lock");
    const test::ScratchFolder tools("squeue");
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (tools.path().string() + ":" + path).c_str(), 1);
    const auto squeue_says = [&](const std::string& what) {
        test::write_file(tools / "squeue", "#!/bin/sh\n" + what + "\n");
        std::filesystem::permissions(tools / "squeue", std::filesystem::perms::owner_all);
        write_lock(run.path(), {"node07", 4711, "", 0, "99"});
    };
    for (const char* alive : {"echo RUNNING", "echo REQUEUED", "echo cannot connect >&2; exit 1"}) {
        squeue_says(alive);
        BOOST_TEST(refusal(run.path()).starts_with("run is locked by job 99 on node07"), alive);
    }
    for (const char* over : {"true", "echo TIMEOUT",
                             "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1"}) {
        squeue_says(over);
        const RunLock lock(run.path(), BreakLock::No);
        BOOST_TEST(lock.notice().starts_with("took over the lock of job 99 on node07"), over);
    }
    squeue_says("true");  // would be Ended, had it been asked
    write_lock(run.path(), {"node07", 4711, "", 0, "99; rm"});
    BOOST_TEST(refusal(run.path()).starts_with("run is locked by job 99; rm on node07"));
    ::setenv("PATH", path.c_str(), 1);
}

BOOST_AUTO_TEST_CASE(a_requeued_job_takes_over_from_itself) {
    const test::ScratchFolder run("lock");
    write_lock(run.path(), {"node07", 4711, "", 0, "99"});
    ::setenv("SLURM_JOB_ID", "99", 1);
    BOOST_TEST(refusal(run.path()) != "");
    ::setenv("SLURM_RESTART_COUNT", "1", 1);
    BOOST_TEST(refusal(run.path()) == "");
    ::unsetenv("SLURM_JOB_ID");
    ::unsetenv("SLURM_RESTART_COUNT");
}

BOOST_AUTO_TEST_CASE(a_replaced_job_learns_that_it_may_not_publish) {
    const test::ScratchFolder run("lock");
    std::optional<RunLock> zombie;
    zombie.emplace(run.path(), BreakLock::No);
    const RunLock next(run.path(), BreakLock::Yes);
    BOOST_TEST(!zombie->is_current());
    BOOST_TEST(next.is_current());
    zombie.reset();
    BOOST_TEST(refusal(run.path()) != "");
}

BOOST_AUTO_TEST_CASE(damaged_lock_files_do_not_pass_for_free_ones) {
    const test::ScratchFolder run("lock");
    test::write_file(run / "run.lock", "{\"host\": ");
    BOOST_TEST(refusal(run.path()).starts_with("run is locked by process 0 on an unknown host"));
    test::write_file(run / "run.lock", "");
    test::write_file(run / "run_generation", "7x\n");
    BOOST_CHECK_THROW(RunLock(run.path(), BreakLock::No), InputError);
}

BOOST_AUTO_TEST_CASE(a_status_reads_back_as_written) {
    const test::ScratchFolder run("status");
    BOOST_TEST(!read_status(run.path()).has_value());
    RunStatus status = sample_status();
    status.state = RunState::Interrupted;
    status.exit_code = 0;
    status.message = "stopped by SIGUSR1";
    status.validation_loss = std::numeric_limits<double>::quiet_NaN();
    status.memory = Bytes(812);
    write_status(run.path(), status);
    const auto read = read_status(run.path());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((read->state == RunState::Interrupted));
    BOOST_TEST(read->step == 120);
    BOOST_TEST(read->loss.value_or(0) == 6.25);
    BOOST_TEST(!read->validation_loss.has_value());
    BOOST_TEST(read->message == "stopped by SIGUSR1");
    BOOST_TEST(read->process.pid == ::getpid());
    BOOST_TEST(!read->updated.empty());
    BOOST_TEST(read->memory.value_or(Bytes()).value == 812U);
    BOOST_TEST(!read->memory_left.has_value());
}

BOOST_AUTO_TEST_CASE(the_verdict_sees_through_a_dead_process) {
    const test::ScratchFolder run("status");
    BOOST_TEST(state_word(run_verdict(run.path())) == "none");
    RunStatus status = sample_status();
    write_status(run.path(), status);
    BOOST_TEST(state_word(run_verdict(run.path())) == "running");
    status.process = dead_process();
    write_status(run.path(), status);
    BOOST_TEST(state_word(run_verdict(run.path())) == "failed");
    status.process.host = "node07";
    write_status(run.path(), status);
    BOOST_TEST(state_word(run_verdict(run.path())) == "running");
    for (const RunState state : {RunState::Finished, RunState::Interrupted, RunState::Failed}) {
        status.state = state;
        write_status(run.path(), status);
        BOOST_TEST(state_word(run_verdict(run.path())) == state_word(state));
    }
}

BOOST_AUTO_TEST_CASE(a_pid_used_again_is_another_process) {
    ProcessIdentity process = this_process();
    BOOST_TEST((liveness(process) == Liveness::Alive));
    process.started += 1;
    BOOST_TEST((liveness(process) == Liveness::Dead));
    process = this_process();
    process.boot = "another-boot";
    BOOST_TEST((liveness(process) == Liveness::Dead));
}

BOOST_AUTO_TEST_CASE(a_damaged_status_is_bad_input) {
    const test::ScratchFolder run("status");
    test::write_file(run / "status.json", "{\"state\": \"sleeping\"}");
    BOOST_CHECK_THROW((void)run_verdict(run.path()), InputError);
    test::write_file(run / "status.json", "");
    BOOST_CHECK_THROW((void)run_verdict(run.path()), InputError);
}

BOOST_AUTO_TEST_CASE(one_screen_shows_progress_and_checkpoints) {
    const test::ScratchFolder run("status");
    write_status(run.path(), sample_status());
    test::write_file(run / "metrics.jsonl",
                     "{\"kind\":\"validation\",\"step\":100,\"validation_loss\":6.5}\n");
    const auto all = run.path() / "checkpoints";
    for (const char* name : {"step-00000050", "step-00000100", "step-00000105", "step-00000110",
                             "step-00000120", ".tmp-1-120", "step-7"}) {
        std::filesystem::create_directories(all / name);
    }
    const auto manifest = [](std::int64_t step) {
        return checkpoint::manifest_text(
            {Step(step), {checkpoint::whole_file("model.safetensors", Bytes(2'500'000), {})}});
    };
    test::write_file(all / "step-00000100/MANIFEST.json", manifest(100));
    std::string flipped = manifest(105);  // JSON it is, but not what its hash is of
    flipped.replace(flipped.find("105"), 3, "104");
    test::write_file(all / "step-00000105/MANIFEST.json", flipped);
    test::write_file(all / "step-00000110/MANIFEST.json", "{");
    test::write_file(all / "step-00000120/MANIFEST.json", manifest(100));
    const std::string text = status_text(run.path());
    for (const char* part :
         {"state           running\n", "step            120/1000 12.0%\n",
          "loss            6.2500\n", "tokens/s        40.2k\n", "elapsed         01:05\n",
          "validation      loss 6.5000 at step 100\n", "step-00000100"}) {
        BOOST_TEST(text.find(part) != std::string::npos, part);
    }
    BOOST_TEST(text.find(".tmp-") == std::string::npos);
    BOOST_TEST(text.find("step-7") == std::string::npos);
    const std::string list = checkpoints_text(run.path());
    BOOST_TEST(line_of(text, "step-00000100").find(" 2.5 MB ") != std::string::npos, text);
    BOOST_TEST(line_of(list, "step-00000100").find(" 2.5 MB ") != std::string::npos, list);
    for (const auto& [name, state] :
         {std::pair("step-00000050", "no MANIFEST.json"), std::pair("step-00000100", "complete"),
          std::pair("step-00000105", "damaged"), std::pair("step-00000110", "damaged"),
          std::pair("step-00000120", "damaged")}) {
        BOOST_TEST(line_of(text, name).find(state) != std::string::npos, name << " in " << text);
        BOOST_TEST(line_of(list, name).find(state) != std::string::npos, name << " in " << list);
    }
    BOOST_TEST(status_text(run / "absent").find("No run has started here") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
