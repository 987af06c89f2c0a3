// --reproducible strict: the weights do not depend on how gradients are cut and summed.

#include <boost/test/unit_test.hpp>
#include <utility>

#include "base/hash.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"reproducible"};
    Fixture() { prepare_sample(folder / "data"); }

    /// With neither an algorithm nor a size of buckets, which an option may give once only.
    [[nodiscard]] std::string command(int ranks, const std::string& run,
                                      const std::string& more) const {
        std::string text = pretrain_command(ranks, folder.path(), run, more);
        const std::string given = " --allreduce ring --bucket-mib 0.05";
        return text.erase(text.find(given), given.size());
    }
    /// Up to a step on three ranks.
    [[nodiscard]] CommandResult train(const std::string& run, int steps,
                                      const std::string& more) const {
        auto result = run_command(
            command(3, run, "--schedule constant --steps " + std::to_string(steps) + more));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        return result;
    }
    [[nodiscard]] std::string weights_after(const std::string& run, int steps) const {
        return hash_file(folder / run / ("checkpoints/step-0000000" + std::to_string(steps)) /
                         "model.safetensors")
            .hex();
    }
    /// The weights after three steps.
    [[nodiscard]] std::string weights(const std::string& run, const std::string& more) const {
        (void)train(run, 3, " " + more);
        return weights_after(run, 3);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reproducible_suite, Fixture)

BOOST_AUTO_TEST_CASE(strict_weights_depend_neither_on_buckets_nor_on_the_algorithm) {
    const std::string expected = weights("whole", "--reproducible strict --bucket-mib 4");
    BOOST_TEST(weights("cut", "--reproducible strict --bucket-mib 0.01 --chunk-kib 1") == expected);
    BOOST_TEST(weights("two", "--reproducible strict --bucket-mib 0.05 --allreduce twoshot") ==
               expected);
    // Otherwise the test would show nothing.
    BOOST_TEST(weights("ring", "--allreduce ring --bucket-mib 4") !=
               weights("rings", "--allreduce ring --bucket-mib 0.01"));
}

BOOST_AUTO_TEST_CASE(strict_state_is_the_same_sharded_over_the_ranks) {
    const auto state_of = [&](int ranks, const std::string& name, const std::string& more) {
        const auto result = run_command(
            command(ranks, name,
                    "--reproducible strict --schedule constant --dropout 0.1 --steps 3" + more));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        const auto folder_of_step = folder / name / "checkpoints" / "step-00000003";
        return hash_file(folder_of_step / "model.safetensors").hex() +
               hash_file(folder_of_step / "optimizer.safetensors").hex();
    };
    for (const int ranks : {2, 3}) {
        const std::string name = std::to_string(ranks);
        BOOST_TEST(
            state_of(ranks, "sharded-" + name, " --zero1") == state_of(ranks, "whole-" + name, ""),
            ranks << " ranks");
    }
}

BOOST_AUTO_TEST_CASE(elastic_weights_do_not_depend_on_the_number_of_ranks) {
    const auto run = [&](int ranks, const std::string& name, int steps) {
        const auto result = run_command(pretrain_command(
            ranks, folder.path(), name,
            "--reproducible elastic --schedule constant --dropout 0.1 --checkpoint-every 5 "
            "--keep-checkpoints 20 --steps " +
                std::to_string(steps)));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        BOOST_TEST(!result.says("summed otherwise"), result.output);
        const std::string shares = ranks == 5
                                       ? "12 sequences = 12 micro-batches of 1 over 5 ranks"
                                       : "12 sequences = " + std::to_string(ranks) + " ranks x " +
                                             std::to_string(12 / ranks) + " micro-batches of 1";
        BOOST_TEST(result.says(shares), result.output);
    };
    const auto state_of = [&](const std::string& name) {
        const auto folder_of_step = folder / name / "checkpoints" / "step-00000050";
        return hash_file(folder_of_step / "model.safetensors").hex() +
               hash_file(folder_of_step / "optimizer.safetensors").hex();
    };
    run(1, "one", 50);
    const std::string expected = state_of("one");
    for (const int ranks : {2, 3, 4}) {
        run(ranks, std::to_string(ranks), 50);
        BOOST_TEST(state_of(std::to_string(ranks)) == expected, ranks << " ranks");
    }
    // 12 micro-batches on 5 ranks: some have one more than others.
    for (const auto& [ranks, steps] :
         {std::pair{4, 10}, std::pair{2, 15}, std::pair{1, 30}, std::pair{5, 50}}) {
        run(ranks, "changing", steps);
    }
    BOOST_TEST(state_of("changing") == expected);
    // Otherwise the test would show nothing.
    const auto plain = [&](int ranks, const std::string& name) {
        const auto result = run_command(pretrain_command(
            ranks, folder.path(), name, "--schedule constant --dropout 0.1 --steps 50"));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
    };
    plain(1, "plain-one");
    plain(3, "plain-three");
    BOOST_TEST(state_of("plain-one") != state_of("plain-three"));
}

BOOST_AUTO_TEST_CASE(a_start_that_goes_on_cuts_buckets_as_the_checkpoint_has_recorded) {
    const std::string cut = " --allreduce ring --bucket-mib 0.01 --first-bucket-mib 0";
    (void)train("whole", 4, cut);
    (void)train("stopped", 2, cut);
    const auto resumed = train("stopped", 4, " --allreduce ring --first-bucket-mib 0");
    BOOST_TEST(!resumed.says("summed otherwise"), resumed.output);
    BOOST_TEST(weights_after("stopped", 4) == weights_after("whole", 4));
    (void)train("changed", 2, cut);
    const auto changed =
        train("changed", 4, " --allreduce ring --bucket-mib 4 --first-bucket-mib 0");
    BOOST_TEST(changed.says("summed otherwise"), changed.output);
    BOOST_TEST(changed.says("bucket_bytes 4194304, was 10486"), changed.output);
    BOOST_TEST(weights_after("changed", 4) != weights_after("whole", 4));
}

BOOST_AUTO_TEST_CASE(strict_says_which_algorithms_it_excludes) {
    const auto refused = run_command(
        mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() + " --run " +
        (folder / "refused").string() + " --model tiny --reproducible strict --allreduce ring");
    BOOST_TEST(refused.code == 64, refused.output);
    BOOST_TEST(refused.says("use auto, shm or twoshot"), refused.output);
}

BOOST_AUTO_TEST_SUITE_END()
