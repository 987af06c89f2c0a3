// hpml_prepare on real encyclopaedic text.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <string>

#include "base/hash.h"
#include "corpus/manifest.h"
#include "support/command.h"
#include "support/data.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// Prepare `input` with the vocabulary of bert-base-uncased below `data` into `output`.
/// @return the hash of every file there
std::map<std::string, std::string> prepare_on(int ranks, const std::filesystem::path& data,
                                              const std::filesystem::path& input,
                                              const std::filesystem::path& output) {
    const auto result =
        run_command(mpirun(ranks) + program("hpml_prepare") + " --input " + input.string() +
                        " --vocab " + (data / "vocab/bert-base-uncased/vocab.txt").string() +
                        " --sequences-per-shard 500 --output " + output.string(),
                    600);
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    std::printf("%s", result.output.c_str());
    std::map<std::string, std::string> hashes;
    for (const auto& entry : std::filesystem::directory_iterator(output)) {
        hashes[entry.path().filename().string()] = hash_file(entry.path()).hex();
    }
    return hashes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(real_text_suite)

BOOST_AUTO_TEST_CASE(a_wikipedia_file_gives_the_same_bytes_on_one_and_three_ranks) {
    const auto data = real_data();
    if (data.empty()) {
        return;
    }
    const ScratchFolder folder("real-text");
    const auto input = data / "wikipedia/extracted/AA/wiki_00";
    const auto one = prepare_on(1, data, input, folder / "one");
    const auto three = prepare_on(3, data, input, folder / "three");
    BOOST_TEST((one == three));
    const auto manifest = corpus::read_manifest(folder / "one");
    BOOST_TEST(manifest.documents == 38);
    BOOST_TEST(manifest.vocabulary_size == 30522);
    BOOST_TEST(manifest.train.size() >= 3U);
    // English by BERT's tokenizer: about 4.4 letters a token; entropy 7 to 7.5 nats.
    BOOST_TEST(
        static_cast<double>(manifest.train_tokens + manifest.validation_tokens) == 1034599 / 4.4,
        boost::test_tools::tolerance(0.1));
    BOOST_TEST(manifest.unigram_entropy_nats > 6.5);
    BOOST_TEST(manifest.unigram_entropy_nats < 7.5);
}

BOOST_AUTO_TEST_CASE(all_of_the_wikipedia_text_gives_the_same_bytes_on_one_and_three_ranks) {
    const auto data = real_data();
    if (data.empty()) {
        return;
    }
    const ScratchFolder folder("wikipedia");
    const auto input = data / "wikipedia/extracted";
    const auto one = prepare_on(1, data, input, folder / "one");
    const auto three = prepare_on(3, data, input, folder / "three");
    BOOST_TEST((one == three));
    BOOST_TEST(corpus::read_manifest(folder / "one").documents == 2006);
}

BOOST_AUTO_TEST_SUITE_END()
