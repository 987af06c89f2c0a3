// --reproducible strict: the weights do not depend on how gradients are cut and summed.

#include <boost/test/unit_test.hpp>

#include "base/hash.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"reproducible"};
    Fixture() { prepare_sample(folder / "data"); }

    /// The weights after three steps on three ranks.
    [[nodiscard]] std::string weights(const std::string& run, const std::string& more) const {
        std::string command = pretrain_command(3, folder.path(), run, "--steps 3 " + more);
        // The last word counts, but an option may be given once.
        const std::string given = " --allreduce ring --bucket-mib 0.05";
        command.erase(command.find(given), given.size());
        const auto result = run_command(command);
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        return hash_file(folder / run / "checkpoints/step-00000003/model.safetensors").hex();
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

BOOST_AUTO_TEST_CASE(strict_says_which_algorithms_it_excludes) {
    const auto refused = run_command(
        mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() + " --run " +
        (folder / "refused").string() + " --model tiny --reproducible strict --allreduce ring");
    BOOST_TEST(refused.code == 64, refused.output);
    BOOST_TEST(refused.says("use auto, shm or twoshot"), refused.output);
}

BOOST_AUTO_TEST_SUITE_END()
