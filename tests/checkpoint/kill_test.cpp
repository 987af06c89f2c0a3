// A writer is killed at random moments; what stands afterwards must be a valid checkpoint. The same
// loop with a writer that overwrites its files in place shows that the test has power.

#include <ATen/ops/zeros.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/philox.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/sample.h"
#include "manifest/manifest.h"
#include "support/data.h"

using namespace hpml;
using namespace hpml::checkpoint;
using test::sample_contents;
namespace fs = std::filesystem;

namespace {

const Log kQuiet(Rank(0), false);

/// Run `write` in a child for a random time up to `window` microseconds, then kill it. The time
/// counts from the child's first instruction: on a busy machine that may be long after the fork.
template <class Write>
void kill_during(PhiloxStream& random, std::uint32_t window, const Write& write) {
    int begun[2];
    BOOST_TEST_REQUIRE(::pipe(begun) == 0);
    const pid_t child = ::fork();
    BOOST_TEST_REQUIRE(child >= 0);
    if (child == 0) {
        try {
            (void)!::write(begun[1], "", 1);
            for (std::int64_t i = 0;; ++i) {
                write(i);
            }
        } catch (...) {
            ::_exit(1);
        }
    }
    char sign = 0;
    BOOST_TEST(::read(begun[0], &sign, 1) == 1);
    ::close(begun[0]);
    ::close(begun[1]);
    ::usleep(500 + random.below(window));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_TEST(WIFSIGNALED(status), "the writer failed by itself");
}

/// Whether every tensor of a checkpoint that claims to be valid holds its step's number.
bool holds_its_step(const Checkpoint& found) {
    const model::SafetensorsFile file(found.folder / "model.safetensors");
    const at::Tensor weight = at::zeros({3000}, at::kFloat);
    file.read_into("bert.weight", weight);
    const auto* values = weight.const_data_ptr<float>();
    return std::all_of(values, values + 3000,
                       [&](float value) { return value == static_cast<float>(found.step.value); });
}

/// The files and the manifest of a step, over those of the step before.
void write_in_place(const fs::path& folder, std::int64_t step) {
    const std::string weights(200'000, static_cast<char>('a' + step % 26));
    test::write_file(folder / "model.safetensors", weights);
    const Manifest manifest{
        Step(1), {whole_file("model.safetensors", Bytes(weights.size()), hash_text(weights))}};
    test::write_file(folder / "MANIFEST.json", manifest_text(manifest));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kill_suite)

BOOST_AUTO_TEST_CASE(a_killed_writer_never_leaves_a_bad_checkpoint) {
    const test::ScratchFolder run("kill");
    const Stopwatch watch;
    for (int step = 0; step < 4; ++step) {
        write_checkpoint(run.path(), 0, sample_contents(step));
    }
    // Some three saves, whatever the disk needs for one: kills fall into every part of a save. It
    // follows the disk's speed, which changes while other tests run.
    double window = std::clamp(0.75e6 * watch.elapsed().value, 4e3, 120e3);
    PhiloxStream random(philox_key(7, RandomUse::Test), 0, 0, 0);
    std::int64_t newest = 3;
    for (int round = 0; round < 200; ++round) {
        kill_during(random, static_cast<std::uint32_t>(window), [&](std::int64_t i) {
            write_checkpoint(run.path(), round, sample_contents(newest + 1 + i));
            retain(run.path(), 3);
        });
        const auto found = newest_checkpoint(run.path(), kQuiet);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST_REQUIRE(found->step.value >= newest);
        BOOST_TEST_REQUIRE(holds_its_step(*found));
        window = std::clamp(found->step.value > newest ? window * 0.95 : window * 1.05, 4e3, 4e6);
        newest = found->step.value;
    }
    BOOST_TEST_MESSAGE("200 kills, newest step " << newest);
    BOOST_TEST(newest > 10, "the writer hardly got to write: " << newest);
    for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
        BOOST_TEST(entry.path().filename().string().find("corrupt") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_same_loop_catches_a_writer_in_place) {
    const test::ScratchFolder run("naive");
    const fs::path folder = run / "step-00000001";
    fs::create_directories(folder);
    PhiloxStream random(philox_key(8, RandomUse::Test), 0, 0, 0);
    int rejected = 0;
    int rounds = 0;
    // A busy machine may let the child do nothing in its time.
    for (; rejected <= 5 && rounds < 3000; ++rounds) {
        write_in_place(folder, 0);
        kill_during(random, 11000, [&](std::int64_t i) { write_in_place(folder, i); });
        try {
            (void)verify_checkpoint(folder);
        } catch (const InputError&) {
            ++rejected;
        }
    }
    BOOST_TEST_MESSAGE(rejected << " of " << rounds << " bad after a writer in place");
    BOOST_TEST(rejected > 5);
}

BOOST_AUTO_TEST_SUITE_END()
