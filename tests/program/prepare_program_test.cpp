#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/hash.h"
#include "support/command.h"
#include "support/data.h"

namespace hpml::test {
namespace {

// AddressSanitizer reserves terabytes of addresses.
#ifdef HPML_SANITIZED
const std::string kMemoryLimit;
#else
const std::string kMemoryLimit = "ulimit -v 1000000; ";
#endif

/// hpml_prepare of the sample into `output`, with more options behind.
std::string prepare_command(const std::filesystem::path& output, const std::string& more = "") {
    return program("hpml_prepare") + " --input " + source("data/sample/corpus") + " --vocab " +
           source("data/sample/vocab.txt") + " --output " + output.string() + " " + more;
}

BOOST_AUTO_TEST_SUITE(prepare_program)

BOOST_AUTO_TEST_CASE(a_second_run_says_that_all_is_there) {
    const ScratchFolder folder("prepare-program");
    const auto first = run_command(prepare_command(folder / "out"));
    BOOST_REQUIRE_MESSAGE(first.code == 0, first.output);
    BOOST_TEST(first.says("90 documents"), first.output);
    BOOST_TEST(first.says("unigram entropy"), first.output);
    BOOST_TEST(!std::filesystem::exists(folder / "out/.work"));
    const auto second = run_command(prepare_command(folder / "out"));
    BOOST_TEST(second.code == 0);
    BOOST_TEST(second.says("all is there already"), second.output);
}

BOOST_AUTO_TEST_CASE(other_settings_for_the_same_output_exit_78_once) {
    const ScratchFolder folder("prepare-program");
    BOOST_REQUIRE(run_command(prepare_command(folder / "out")).code == 0);
    const auto other = run_command(mpirun(3) + prepare_command(folder / "out", "--seed 7"));
    BOOST_TEST(other.code == 78);
    BOOST_TEST(other.count("error:") == 1, other.output);
    BOOST_TEST(other.says("there: 42   now: 7"), other.output);
}

BOOST_AUTO_TEST_CASE(an_interrupted_preparation_goes_on_to_the_same_bytes) {
    const ScratchFolder folder("prepare-program");
    BOOST_REQUIRE(run_command(prepare_command(folder / "whole")).code == 0);
    const auto killed = run_command("HPML_FAULT=kill@step=1,rank=0,site=prepare.piece " +
                                    prepare_command(folder / "out"));
    BOOST_REQUIRE_MESSAGE(killed.code != 0, killed.output);
    BOOST_TEST(!std::filesystem::exists(folder / "out/manifest.json"));
    const auto resumed = run_command(mpirun(2) + prepare_command(folder / "out"));
    BOOST_REQUIRE_MESSAGE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("2 of 3 pieces were tokenized by an earlier"), resumed.output);
    for (const char* name : {"train-00000.h5", "validation-00000.h5", "manifest.json"}) {
        BOOST_CHECK(hash_file(folder / "whole" / name) == hash_file(folder / "out" / name));
    }
}

BOOST_AUTO_TEST_CASE(a_preparation_killed_in_any_pass_of_the_ordering_goes_on_to_the_same_bytes) {
    const ScratchFolder folder("prepare-program");
    const std::string options = "--shuffle --duplicates near";
    BOOST_REQUIRE(run_command(prepare_command(folder / "whole", options)).code == 0);
    for (const std::string site : {"hashes", "spread", "sort"}) {
        const auto output = folder / site;
        const auto killed = run_command("HPML_FAULT=kill@step=0,rank=0,site=prepare." + site + " " +
                                        prepare_command(output, options));
        BOOST_REQUIRE_MESSAGE(killed.code == 137, killed.output);
        BOOST_TEST(!std::filesystem::exists(output / "manifest.json"));
        const auto resumed = run_command(mpirun(2) + prepare_command(output, options));
        BOOST_REQUIRE_MESSAGE(resumed.code == 0, resumed.output);
        BOOST_TEST(resumed.says("3 of 3 pieces were tokenized by an earlier"), resumed.output);
        BOOST_TEST(!std::filesystem::exists(output / ".work"));
        for (const char* name : {"train-00000.h5", "validation-00000.h5", "manifest.json"}) {
            BOOST_CHECK(hash_file(folder / "whole" / name) == hash_file(output / name));
        }
    }
}

BOOST_AUTO_TEST_CASE(bad_input_exits_with_its_code_and_one_message) {
    const ScratchFolder folder("prepare-program");
    write_file(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\nriver\n");
    const auto vocabulary = run_command(
        mpirun(2) + program("hpml_prepare") + " --input " + source("data/sample/corpus") +
        " --vocab " + (folder / "vocab.txt").string() + " --output " + (folder / "out").string());
    BOOST_TEST(vocabulary.code == 65);
    BOOST_TEST(vocabulary.count("error:") == 1, vocabulary.output);
    BOOST_TEST(vocabulary.says("vocab.txt, line 7"), vocabulary.output);
    const auto absent =
        run_command(mpirun(2) + program("hpml_prepare") + " --input /nonexistent --vocab " +
                    source("data/sample/vocab.txt") + " --output " + (folder / "out").string());
    BOOST_TEST(absent.code == 66);
    BOOST_TEST(absent.count("error:") == 1, absent.output);
    BOOST_TEST(run_command(program("hpml_prepare") + " --input x").code == 64);
}

BOOST_AUTO_TEST_CASE(memory_stays_bounded_for_a_giant_line) {
    const ScratchFolder folder("prepare-program");
    const std::string big = (folder / "big.txt").string();
    BOOST_REQUIRE(run_command("{ printf 'one river\\n\\n'; head -c 400000000 /dev/zero | tr '\\0' "
                              "'x'; printf '\\n\\ntwo rivers\\n'; } > " +
                              big)
                      .code == 0);
    const auto result =
        run_command(kMemoryLimit + program("hpml_prepare") + " --input " + big + " --vocab " +
                    source("data/sample/vocab.txt") + " --output " + (folder / "out").string());
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("3 documents"), result.output);
    BOOST_TEST(result.says("1 documents were longer than 16 MiB"), result.output);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::test
