#include "corpus/manifest.h"

#include <boost/test/unit_test.hpp>
#include <functional>

#include "base/json.h"
#include "corpus/corpus_fixture.h"

using namespace hpml;

namespace {

/// Write a good manifest, let `spoil` change its JSON, and read it: must fail with all words.
void spoilt_manifest_must_fail(const std::function<void(Json&)>& spoil,
                               const std::vector<std::string>& words) {
    const test::ScratchFolder data("manifest-bad");
    (void)test::write_corpus(data.path(), 20, 2);
    Json json = read_json(data / "manifest.json");
    spoil(json);
    write_json(data / "manifest.json", json);
    auto all = words;
    all.emplace_back("manifest.json");
    test::must_fail<InputError>([&] { (void)corpus::read_manifest(data.path()); }, all);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest_suite)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
    const test::ScratchFolder data("manifest-read");
    auto written = test::write_corpus(data.path(), 20, 2);
    written.lower_case = false;
    written.unigram_entropy_nats = 7.268123456789012;
    corpus::write_manifest(data.path(), written);
    const auto read = corpus::read_manifest(data.path());
    BOOST_TEST(read.sequence_length == test::kLongest);
    BOOST_TEST(read.documents == 20);
    BOOST_TEST(read.validation_documents == 1);
    BOOST_TEST(read.train_tokens == written.train_tokens);
    BOOST_TEST(read.validation_tokens == written.validation_tokens);
    BOOST_TEST(read.unigram_entropy_nats == 7.268123456789012);
    BOOST_TEST(!read.lower_case);
    BOOST_TEST(read.vocabulary_size == test::kVocabularySize);
    BOOST_TEST((read.vocabulary_hash == written.vocabulary_hash));
    BOOST_TEST((read.settings_hash == written.settings_hash));
    BOOST_TEST(read.train_rows() == 20);
    BOOST_TEST(read.validation_rows() == 10);
    BOOST_REQUIRE(read.train.size() == 2u);
    BOOST_TEST(read.train[1].name == "train-1.h5");
    BOOST_TEST(read.train[1].rows == 10);
    BOOST_TEST(read.train[1].bytes == written.train[1].bytes);
    BOOST_TEST((read.train[1].hash == written.train[1].hash));
    BOOST_TEST((read.digest() == written.digest()));
}

BOOST_AUTO_TEST_CASE(the_digest_follows_every_content_hash) {
    const test::ScratchFolder data("manifest-digest");
    const auto manifest = test::write_corpus(data.path(), 20, 2);
    auto other = manifest;
    other.train[1].hash.low ^= 1;
    BOOST_TEST((other.digest() != manifest.digest()));
    other = manifest;
    other.vocabulary_hash.high ^= 1;
    BOOST_TEST((other.digest() != manifest.digest()));
    other = manifest;
    std::swap(other.train[0], other.train[1]);
    BOOST_TEST((other.digest() != manifest.digest()));
    other = manifest;
    other.validation.insert(other.validation.begin(), other.train.back());
    other.train.pop_back();
    BOOST_TEST((other.digest() != manifest.digest()));
}

BOOST_AUTO_TEST_CASE(no_manifest_means_no_finished_preparation) {
    const test::ScratchFolder data("manifest-none");
    test::must_fail<MissingInputError>([&] { (void)corpus::read_manifest(data.path()); },
                                       {"no manifest.json", "hpml_prepare"});
    test::write_file(data / "manifest.json", "{\"format_version\": 1,");
    test::must_fail<InputError>([&] { (void)corpus::read_manifest(data.path()); },
                                {"manifest.json", "not valid JSON"});
}

BOOST_AUTO_TEST_CASE(names_that_lead_out_of_the_folder_are_refused) {
    for (const char* name :
         {"../a.h5", "/etc/passwd", "a/b.h5", "..", ".", "", "a b.h5", "a\n.h5"}) {
        spoilt_manifest_must_fail([&](Json& json) { json["train"][1]["name"] = name; },
                                  {"train[1]", "out of the data folder"});
    }
}

BOOST_AUTO_TEST_CASE(a_shard_listed_twice_is_refused) {
    spoilt_manifest_must_fail(
        [](Json& json) {
            json["train"].push_back(json["train"][0]);
            json["train_tokens"] = json["train_tokens"].get<std::int64_t>() +
                                   json["train"][0]["tokens"].get<std::int64_t>();
        },
        {"train-0.h5", "listed twice"});
    spoilt_manifest_must_fail(
        [](Json& json) { json["validation"][0]["name"] = json["train"][0]["name"]; },
        {"train-0.h5", "listed twice"});
}

BOOST_AUTO_TEST_CASE(counts_that_contradict_each_other_are_refused) {
    spoilt_manifest_must_fail([](Json& json) { json["train_tokens"] = 5; },
                              {"'train_tokens' is 5 but its shards hold"});
    spoilt_manifest_must_fail([](Json& json) { json["validation_tokens"] = 5; },
                              {"'validation_tokens' is 5"});
    spoilt_manifest_must_fail([](Json& json) { json["validation_documents"] = 21; },
                              {"'validation_documents'"});
    spoilt_manifest_must_fail([](Json& json) { json["train"][0]["rows"] = -1; },
                              {"train[0]", "impossible counts"});
    spoilt_manifest_must_fail([](Json& json) { json["train"][0]["bytes"] = 0; },
                              {"train[0]", "impossible counts"});
    spoilt_manifest_must_fail([](Json& json) { json["sequence_length"] = 2; },
                              {"'sequence_length' is below 3"});
    spoilt_manifest_must_fail([](Json& json) { json["vocabulary_size"] = 0; },
                              {"'vocabulary_size'"});
    spoilt_manifest_must_fail([](Json& json) { json["unigram_entropy_nats"] = -0.5; },
                              {"'unigram_entropy_nats'"});
}

BOOST_AUTO_TEST_CASE(missing_keys_and_wrong_kinds_are_named) {
    for (const char* key :
         {"format_version", "sequence_length", "documents", "validation_documents", "train_tokens",
          "validation_tokens", "unigram_entropy_nats", "lower_case", "vocabulary_size",
          "vocabulary_xxh3_128", "settings_xxh3_128", "train", "validation"}) {
        spoilt_manifest_must_fail([&](Json& json) { json.erase(key); },
                                  {std::string("no key '") + key + "'"});
    }
    for (const char* key : {"name", "rows", "tokens", "bytes", "xxh3_128"}) {
        spoilt_manifest_must_fail([&](Json& json) { json["validation"][0].erase(key); },
                                  {"validation[0]", std::string("no key '") + key + "'"});
    }
    spoilt_manifest_must_fail([](Json& json) { json["documents"] = 20.5; },
                              {"'documents' is not a whole number"});
    spoilt_manifest_must_fail([](Json& json) { json["lower_case"] = 1; }, {"'lower_case'"});
    spoilt_manifest_must_fail([](Json& json) { json["train"] = "train-0.h5"; },
                              {"'train' is not a list"});
    spoilt_manifest_must_fail([](Json& json) { json["format_version"] = 2; },
                              {"'format_version' is 2, this program reads 1"});
    // One more than 32 bits hold: what is left of it is a 1.
    spoilt_manifest_must_fail([](Json& json) { json["format_version"] = 0x100000001; },
                              {"'format_version' is 4294967297"});
    spoilt_manifest_must_fail([](Json& json) { json["settings_xxh3_128"] = "abc"; },
                              {"settings_xxh3_128", "'abc'", "32 hexadecimal"});
}

BOOST_AUTO_TEST_SUITE_END()
