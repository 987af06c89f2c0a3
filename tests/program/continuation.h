#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sstream>
#include <string>

#include "base/hash.h"
#include "program/sample.h"
#include "support/process.h"

namespace hpml::test {

/// Runs of the sample that are interrupted and continued, beside one that is not.
struct Continuation {
    ScratchFolder folder{"continuation"};
    Continuation() { prepare_sample(folder / "data"); }

    [[nodiscard]] std::string digest(const std::string& run, const std::string& step,
                                     const std::string& file) const {
        return hash_file(folder / run / "checkpoints" / step / file).hex();
    }
    /// The checkpoints of `step` of two runs, byte for byte.
    void check_same(const std::string& a, const std::string& b, const std::string& step) const {
        for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
            BOOST_TEST(digest(a, step, file) == digest(b, step, file), run_names(a, b) << file);
        }
    }
    /// The folder of the newest checkpoint of a run.
    [[nodiscard]] static std::filesystem::path newest_checkpoint(const std::filesystem::path& run) {
        std::filesystem::path newest;
        for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints")) {
            newest = std::max(newest, entry.path());
        }
        return newest;
    }
    /// metrics.jsonl holds the steps 1, 2, ..., `last` once each.
    void check_steps(const std::string& run, std::int64_t last) const {
        std::int64_t expected = 1;
        std::istringstream lines(text_of(folder / run / "metrics.jsonl"));
        for (std::string line; std::getline(lines, line);) {
            if (line.find("\"train\"") != std::string::npos) {
                BOOST_TEST(
                    line.find("\"step\":" + std::to_string(expected) + ",") != std::string::npos,
                    line);
                ++expected;
            }
        }
        BOOST_TEST(expected == last + 1);
    }
    /// In front of a command of `steps` steps: SIGKILL for a rank before step `k` + 1, or, if that
    /// is behind the last one, while the rank writes the last checkpoint.
    [[nodiscard]] static std::string kill_after(std::int64_t k, std::int64_t steps, int rank) {
        return "HPML_FAULT=kill@step=" + std::to_string(k) + ",rank=" + std::to_string(rank) +
               ",site=" + (k < steps ? "step " : "checkpoint.part ");
    }
    /// A run of 10 steps on 3 ranks whose rank `rank` is killed after step `k` of 1 to 10 ends as
    /// the run "straight", which was not.
    void check_kill_after(std::int64_t k, int rank) const {
        const std::string run = "killed-" + std::to_string(k);
        const auto killed = run_command(kill_after(k, 10, rank) + ten_steps(run));
        BOOST_TEST(killed.code != 0);
        BOOST_TEST(!std::filesystem::exists(folder / run / "checkpoints" / "step-00000010"));
        const auto resumed = run_command(ten_steps(run));
        BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
        // The save of step 2 runs beside steps 3 and 4.
        if (k < 2 || k > 3) {
            BOOST_TEST(resumed.says("resuming after step") == (k > 3), resumed.output);
        }
        check_same("straight", run, "step-00000010");
        check_steps(run, 10);
    }
    /// `command` with another optimizer.
    [[nodiscard]] static std::string with_optimizer(std::string command, const std::string& name) {
        const std::string lamb = "--optimizer lamb";
        return command.replace(command.find(lamb), lamb.size(), "--optimizer " + name);
    }
    /// On 3 ranks with two micro-batches each a step, and dropout.
    [[nodiscard]] std::string on_three_ranks(const std::string& run,
                                             const std::string& more) const {
        std::string command = pretrain_command(3, folder.path(), run, "--dropout 0.1 " + more);
        const std::string one_row = "--micro-batch 1 ";  // of 12 a step
        return command.replace(command.find(one_row), one_row.size(), "--micro-batch 2 ");
    }
    /// On 3 ranks, with a checkpoint every second step.
    [[nodiscard]] std::string ten_steps(const std::string& run) const {
        return on_three_ranks(run, "--steps 10 --checkpoint-every 2 --keep-checkpoints 20");
    }

  private:
    static std::string run_names(const std::string& a, const std::string& b) {
        return a + " and " + b + ": ";
    }
};

}  // namespace hpml::test
