// The order, the masking and the shard format against tests/bench/corpus_reader.py, which knows
// only data/README.md: tests/golden/make_corpus.py wrote the shards with h5py and the expected
// values with NumPy.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "corpus/loader.h"
#include "corpus/loader_bench.h"
#include "corpus/order.h"

using namespace hpml;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(HPML_SOURCE_DIR) / "tests/golden/corpus";

/// Compare one batch with the expected sequences, told one by one.
void check_batch(const corpus::Batch& batch, const Json& expected) {
    BOOST_REQUIRE(batch.sequences() == expected.size());
    Ids tokens;
    Ids positions;
    Ids labels;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        BOOST_TEST(batch.samples[i] == expected[i]["sample"].get<std::int64_t>());
        const auto begin = static_cast<std::int32_t>(tokens.size());
        BOOST_TEST(batch.cu_seqlens[i] == begin);
        for (const std::int32_t at : expected[i]["positions"].get<Ids>()) {
            positions.push_back(begin + at);
        }
        const auto row = expected[i]["tokens"].get<Ids>();
        tokens.insert(tokens.end(), row.begin(), row.end());
        const auto originals = expected[i]["labels"].get<Ids>();
        labels.insert(labels.end(), originals.begin(), originals.end());
    }
    BOOST_TEST(batch.tokens == tokens, boost::test_tools::per_element());
    BOOST_TEST(batch.segments == Ids(tokens.size(), 0), boost::test_tools::per_element());
    BOOST_TEST(batch.mlm_positions == positions, boost::test_tools::per_element());
    BOOST_TEST(batch.mlm_labels == labels, boost::test_tools::per_element());
}

corpus::LoaderOptions options_of(const corpus::Manifest& manifest, const Json& expected) {
    const auto tokenizer = corpus::read_tokenizer(kFolder, manifest);
    corpus::LoaderOptions options;
    options.global_batch = expected["global_batch"].get<std::int64_t>();
    options.micro_batch = options.global_batch;
    options.seed = expected["seed"].get<std::uint64_t>();
    options.masking.special = tokenizer->special();
    options.masking.vocabulary_size = tokenizer->size();
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(second_implementation_suite)

BOOST_AUTO_TEST_CASE(the_order_is_the_same) {
    const Json expected = read_json(kFolder / "expected.json");
    BOOST_TEST(expected["order"].size() > 50u);
    for (const Json& entry : expected["order"]) {
        const corpus::Order order(entry["rows"].get<std::int64_t>(),
                                  entry["seed"].get<std::uint64_t>());
        const auto found = order.at(entry["position"].get<std::int64_t>());
        BOOST_TEST(found.epoch == entry["at"][0].get<std::int64_t>());
        BOOST_TEST(found.sample == entry["at"][1].get<std::int64_t>());
    }
}

BOOST_AUTO_TEST_CASE(global_batches_are_the_same) {
    const Json expected = read_json(kFolder / "expected.json");
    const auto manifest = corpus::read_manifest(kFolder);
    for (const Json& step : expected["steps"]) {
        auto options = options_of(manifest, expected);
        options.masking.rate = step["rate"].get<double>();
        options.masking.max_predictions = step["max_predictions"].get<std::int64_t>();
        corpus::Loader loader(kFolder, manifest, options);
        loader.seek(Step(step["step"].get<std::int64_t>()), 0, 1);
        check_batch(loader.next(), step["batch"]);
    }
}

BOOST_AUTO_TEST_CASE(the_validation_split_is_the_same) {
    const Json expected = read_json(kFolder / "expected.json");
    const auto manifest = corpus::read_manifest(kFolder);
    const auto options = options_of(manifest, expected);
    const corpus::ValidationSet set(kFolder, manifest, 100, options.seed, options.masking);
    check_batch(set.micro_batch(0), expected["validation"]);
}

BOOST_AUTO_TEST_CASE(the_loaders_rate_is_measured) {
    corpus::LoaderOptions options;
    options.global_batch = 8;
    options.micro_batch = 4;
    const corpus::LoaderRates rates = corpus::measure_loader(kFolder, options, 50);
    BOOST_TEST(rates.micro_batches == 50);
    BOOST_TEST(rates.tokens.value > 50 * 4 * 3);
    BOOST_TEST(rates.tokens_per_second > 0);
    BOOST_TEST(rates.stalled.value <= rates.reading.value);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_of_another_hash_is_refused) {
    auto manifest = corpus::read_manifest(kFolder);
    manifest.vocabulary_hash.low ^= 1;
    BOOST_CHECK_EXCEPTION((void)corpus::read_tokenizer(kFolder, manifest), InputError,
                          [&](const InputError& error) {
                              const std::string text = error.what();
                              return text.find(manifest.vocabulary_hash.hex()) != text.npos &&
                                     text.find("vocab.txt") != text.npos;
                          });
}

BOOST_AUTO_TEST_SUITE_END()
