// Ways in which a start ends or may not begin: signals and kills from outside, memory that runs
// out, limits, folders that cannot be used. What was safe before is safe afterwards.

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>

#include "base/clock.h"
#include "program/continuation.h"
#include "program/refusal.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

/// A control group of the kernel, version 1 or 2, whose processes may have so much memory.
class MemoryGroup {
  public:
    explicit MemoryGroup(std::int64_t bytes) {
        for (const auto& [root, limit] :
             {std::pair("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
              std::pair("/sys/fs/cgroup", "memory.max")}) {
            const fs::path group = fs::path(root) / ("hpml-test-" + std::to_string(::getpid()));
            std::error_code failure;
            if (!fs::create_directory(group, failure)) {
                continue;
            }
            write_file(group / limit, std::to_string(bytes));
            if (fs::exists(group / "memory.swap.max")) {
                write_file(group / "memory.swap.max", "0");  // it would slow a process, not end it
            }
            if (text_of(group / limit) == std::to_string(bytes) + "\n") {
                folder_ = group;
                return;
            }
            fs::remove(group, failure);
        }
    }
    ~MemoryGroup() {
        std::error_code failure;
        fs::remove(folder_, failure);
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    MemoryGroup(MemoryGroup&&) = delete;
    MemoryGroup& operator=(MemoryGroup&&) = delete;

    [[nodiscard]] bool is_there() const { return !folder_.empty(); }
    [[nodiscard]] fs::path processes() const { return folder_ / "cgroup.procs"; }

  private:
    fs::path folder_;
};

/// Not in the background, so that it stands when the next step begins.
const std::string kEverySecond = "--checkpoint-every 2 --checkpoint-in-background off";

/// What hpml_status says that rank 0 held; 0 if it says nothing.
double held_megabytes(const std::string& status) {
    const std::string before = "rank 0 held ";
    const auto place = status.find(before);
    return place == std::string::npos ? 0 : std::stod(status.substr(place + before.size()));
}

struct Scene : Continuation {
    [[nodiscard]] std::string command(const std::string& run, const std::string& more,
                                      int ranks = 2) const {
        return pretrain_command(ranks, folder.path(), run, more);
    }
    /// Without mpirun: its pid is the program's.
    [[nodiscard]] std::string alone(const std::string& run, const std::string& more) const {
        return command(run, more, 1).substr(mpirun(1).size());
    }
    [[nodiscard]] bool has(const std::string& run, const std::string& step) const {
        return fs::exists(folder / run / "checkpoints" / step);
    }
    [[nodiscard]] CommandResult verify(const std::string& run) const {
        return run_command(program("hpml_status") + " --verify " + (folder / run).string());
    }
    void check_goes_on(const std::string& run, const std::string& more, const std::string& from) {
        const auto next = run_command(command(run, more));
        BOOST_TEST(next.code == 0, next.output);
        BOOST_TEST(next.says(from), from << " in " << next.output);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stops_suite, Scene)

// Open MPI's launcher gives its processes a moment and then kills them.
BOOST_AUTO_TEST_CASE(a_launcher_that_is_asked_to_end_leaves_a_run_that_goes_on) {
    for (const int signal : {SIGTERM, SIGINT}) {
        const std::string run = "launcher-" + std::to_string(signal);
        Background job(command(run, "--steps 1000000 --checkpoint-every 4"), folder / "job.log");
        BOOST_TEST_REQUIRE(wait_until(60, [&] { return has(run, "step-00000004"); }),
                           text_of(folder / "job.log"));
        ::kill(job.pid(), signal);
        const auto ended = job.wait(30);
        BOOST_TEST(ended.code != 124, ended.output);
        BOOST_TEST((ended.code != 0 || ended.says("interrupted after step")), ended.output);
        BOOST_TEST(wait_until(
            10, [&] { return processes_of("hpml_pretrain", folder.path().string()).empty(); }));
        BOOST_TEST(verify(run).code == 0);
        check_goes_on(run, "--steps 2", "resuming after step");
    }
}

BOOST_AUTO_TEST_CASE(a_second_signal_during_a_save_leaves_at_once_and_publishes_nothing) {
    BOOST_TEST_REQUIRE(run_command(command("run", "--steps 2", 1)).code == 0);
    Background job("env 'HPML_FAULT=usr2@site=step,step=3;hang@site=checkpoint.write' " +
                       alone("run", "--steps 1000000"),
                   folder / "job.log");
    const auto temporary = folder / "run/checkpoints/.tmp-2-4";
    // It sleeps before it makes the folder; the step before is on the console.
    BOOST_TEST_REQUIRE(wait_until(
        60, [&] { return text_of(folder / "job.log").find("step 4/") != std::string::npos; }));
    BOOST_TEST(job.wait(1).code == 124);
    ::kill(job.pid(), SIGTERM);  // the save hangs for ever
    BOOST_TEST(job.wait(30).code == 128 + SIGTERM);
    BOOST_TEST(!has("run", "step-00000004"));
    BOOST_TEST(!fs::exists(temporary));
    const auto next = run_command(command("run", "--steps 4", 1));
    BOOST_TEST(next.code == 0, next.output);
    BOOST_TEST(next.says("resuming after step 2"), next.output);
    BOOST_TEST(has("run", "step-00000004"));
}

BOOST_AUTO_TEST_CASE(only_the_chosen_signals_ask_to_stop_and_nohup_is_heeded) {
    const std::string usr1 = "HPML_FAULT=usr1@site=step,step=2 ";
    const auto other =
        run_command(usr1 + alone("other", "--steps 4 --stop-signals term usr2 " + kEverySecond));
    BOOST_TEST(other.code == 128 + SIGUSR1, other.output);
    const auto chosen = run_command(usr1 + alone("chosen", "--steps 4 --stop-signals usr1"));
    BOOST_TEST(chosen.code == 0, chosen.output);
    BOOST_TEST(chosen.says("interrupted after step 3: a signal asked to stop"), chosen.output);
    const auto nohup =
        run_command("trap '' HUP; HPML_FAULT=hup@site=step,step=2 " + alone("nohup", "--steps 4"));
    BOOST_TEST(nohup.code == 0, nohup.output);
    BOOST_TEST(nohup.says("finished after step 4"), nohup.output);
    check_one_error(run_command(alone("bad", "--stop-signals usr3")), 64,
                    "one of hup, int, term, usr1, usr2, xcpu");
}

BOOST_AUTO_TEST_CASE(a_start_that_wakes_up_after_its_replacement_publishes_no_checkpoint) {
    const std::string plain = alone("run", "--steps 6 " + kEverySecond);
    Background first("env HPML_FAULT=stop@step=3,site=step " + plain, folder / "first.log");
    BOOST_TEST_REQUIRE(wait_until(60, [&] { return state_of(first.pid()) == 'T'; }),
                       text_of(folder / "first.log"));
    const auto second = run_command(plain + " --break-lock");
    BOOST_TEST_REQUIRE(second.code == 0, second.output);
    BOOST_TEST(second.says("resuming after step 2"), second.output);
    const std::string status = text_of(folder / "run/status.json");
    const std::string metrics = text_of(folder / "run/metrics.jsonl");
    const Stopwatch watch;
    BOOST_TEST(wait_until(5, [&] { return watch.elapsed() > Seconds(2.5); }));
    ::kill(first.pid(), SIGCONT);
    const auto ended = first.wait(30);
    BOOST_TEST(ended.code == 78, ended.output);
    BOOST_TEST(ended.says("a later start has taken over"), ended.output);
    BOOST_TEST((text_of(folder / "run/status.json") == status));
    BOOST_TEST((text_of(folder / "run/metrics.jsonl") == metrics));
    BOOST_TEST(verify("run").code == 0);
    check_steps("run", 6);
}

BOOST_AUTO_TEST_CASE(memory_that_runs_out_is_exit_69_and_a_kill_for_it_is_told_by_status) {
    const std::string four = "--steps 4 " + kEverySecond;
    const auto empty =
        run_command("HPML_FAULT=nomem@step=3,site=step,rank=1 " + command("run", four));
    check_one_error(empty, 69, "rank 1: out of memory");
    BOOST_TEST(empty.says("--micro-batch"), empty.output);
    BOOST_TEST(empty.says("(this process holds "), empty.output);
    BOOST_TEST(empty.says(" MB left); try "), empty.output);
    check_goes_on("run", four, "resuming after step 2");

    const auto killed = run_command("HPML_FAULT=kill@step=3,site=step " + alone("killed", four));
    BOOST_TEST(killed.code == 128 + SIGKILL, killed.output);
    const auto status = run_command(program("hpml_status") + " " + (folder / "killed").string());
    BOOST_TEST(status.says("its process is dead, and left no word (killed; if memory ran out"),
               status.output);
    BOOST_TEST(held_megabytes(status.output) > 20, status.output);
}

BOOST_AUTO_TEST_CASE(
    a_rank_that_the_kernel_kills_for_its_memory_ends_the_job_and_is_told_by_status) {
#ifdef HPML_SANITIZED
    not_run("sanitizers take more memory than the group may have");
    return;
#endif
    const MemoryGroup group(512 << 20);
    if (!group.is_there()) {
        not_run("no control group for memory can be made here (needs root)");
        return;
    }
    const std::string four = "--steps 4 " + kEverySecond;
    const auto wrapper = folder / "limited.sh";
    write_file(wrapper, "[[ \"$OMPI_COMM_WORLD_RANK\" != 0 ]] || echo $$ > " +
                            group.processes().string() + "\nexec \"$@\"\n");
    std::string line = command("run", four);
    line.insert(line.find(program("hpml_pretrain")), "bash " + wrapper.string() + " ");
    const auto killed = run_command("HPML_FAULT=eat@step=3,site=step,rank=0 " + line);
    BOOST_TEST(killed.code == 128 + SIGKILL, killed.output);
    BOOST_TEST(wait_until(
        10, [&] { return processes_of("hpml_pretrain", folder.path().string()).empty(); }));
    const auto status = run_command(program("hpml_status") + " " + (folder / "run").string());
    BOOST_TEST(status.says("left no word (killed; if memory ran out"), status.output);
    BOOST_TEST(held_megabytes(status.output) > 20, status.output);
    check_goes_on("run", four, "resuming after step 2");
}

BOOST_AUTO_TEST_CASE(a_limit_on_the_size_of_files_fails_the_save_and_not_the_run) {
    std::string line = command("run", "--steps 4 --little-space warn " + kEverySecond, 1);
    // Open MPI's own files are longer; one rank needs none of them.
    line.insert(line.find(program("hpml_pretrain")),
                "env OMPI_MCA_btl=self bash -c 'ulimit -f 40; exec \"$@\"' bash ");
    const auto limited = run_command(line);
    BOOST_TEST(limited.code == 74, limited.output);
    BOOST_TEST(limited.says("File too large"), limited.output);
    BOOST_TEST(limited.says("training goes on"), limited.output);
    BOOST_TEST(!has("run", "step-00000002"));
    BOOST_TEST(!has("run", ".tmp-1-4"));
}

BOOST_AUTO_TEST_CASE(a_run_directory_that_cannot_be_used_is_refused_before_any_work) {
    write_file(folder / "file", "mine");
    const auto is_file = run_command(command("file", "--steps 2", 1));
    check_one_error(is_file, 73, (folder / "file").string());
    BOOST_TEST(text_of(folder / "file") == "mine");
    // Root may write everywhere, but not on what is mounted for reading.
    fs::create_directories(folder / "locked");
    const std::string unshare =
        ::geteuid() == 0 ? "unshare --mount " : "unshare --mount --map-root-user ";
    const std::string mount = "mount -t tmpfs -o ro,size=1m none " + (folder / "locked").string();
    if (run_command(unshare + mount).code != 0) {
        not_run("no private mount namespace here, so nothing that is read-only for root");
        return;
    }
    write_file(folder / "script", mount + "\n" + command("locked/run", "--steps 2", 1));
    check_one_error(run_command(unshare + "bash " + (folder / "script").string()), 73,
                    "Read-only file system");
}

// Older checkpoints are renamed before they are removed, and the newest stays.
BOOST_AUTO_TEST_CASE(who_reads_a_run_that_goes_on_never_meets_half_a_checkpoint) {
    Background job(command("run", "--steps 1000000 --checkpoint-every 1 --keep-checkpoints 1"),
                   folder / "job.log");
    BOOST_TEST_REQUIRE(wait_until(60, [&] {
        return fs::exists(folder / "run/checkpoints") &&
               Continuation::newest_checkpoint(folder / "run").filename() > "step-00000003";
    }));
    int valid = 0;
    const Stopwatch watch;
    for (int i = 0; i < 40 || (valid <= 10 && watch.elapsed() < Seconds(120)); ++i) {
        const auto seen = verify("run");
        // Between two of them there may be none to be listed.
        BOOST_TEST((seen.code == 0 || seen.code == 66), seen.output);
        valid += seen.count(": valid");
    }
    BOOST_TEST(valid > 10);
    for (const int rank : children_of(job.pid())) {
        ::kill(rank, SIGKILL);
    }
    (void)job.wait(30);
    BOOST_TEST(verify("run").count(": valid") >= 1);
    check_goes_on("run", "--steps 2", "resuming after step");
}

BOOST_AUTO_TEST_SUITE_END()
