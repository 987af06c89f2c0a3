// Ids against those of Hugging Face's tokenizers, which tests/golden/make_tokenizers.py wrote down.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "base/json.h"
#include "support/data.h"
#include "text/random_text.h"
#include "text/tokenizer.h"

namespace hpml::text {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = HPML_SOURCE_DIR;
const fs::path kGolden = kSource / "tests/golden";
constexpr std::uint32_t kRandomTexts = 20000;

std::unique_ptr<Tokenizer> own_tokenizer(const std::string& name) {
    if (name == "small-bpe") {
        return load_tokenizer(kGolden / "small_bpe", CaseChoice::Auto);
    }
    return load_tokenizer(kSource / "data/sample/vocab.txt",
                          name == "sample-lower" ? CaseChoice::Lower : CaseChoice::Keep);
}

std::vector<std::int32_t> encode(const Tokenizer& tokenizer, std::string_view text) {
    std::vector<std::int32_t> ids;
    tokenizer.encode(text, ids);
    return ids;
}

/// FNV-1a over the number of ids of every text and the ids.
class IdDigest {
  public:
    void add(const Tokenizer& tokenizer, std::string_view text) {
        ids_.clear();
        tokenizer.encode(text, ids_);
        add(static_cast<std::uint32_t>(ids_.size()));
        for (const std::int32_t id : ids_) {
            add(static_cast<std::uint32_t>(id));
        }
    }
    [[nodiscard]] std::string hex() const { return fmt::format("{:016x}", value_); }

  private:
    void add(std::uint64_t word) { value_ = (value_ ^ word) * 0x100000001B3u; }

    std::vector<std::int32_t> ids_;
    std::uint64_t value_ = 0xCBF29CE484222325u;
};

void check_digests(const Tokenizer& tokenizer, const std::string& name) {
    const Json expected = read_json(kGolden / "tokenizer_digests.json").at(name);
    IdDigest scalars;
    for (char32_t point = 0; point < 0x110000; ++point) {
        if (point < 0xD800 || point > 0xDFFF) {
            char utf8[4];
            scalars.add(tokenizer, {utf8, put_character(point, utf8)});
        }
    }
    BOOST_TEST(scalars.hex() == expected.at("scalars").get<std::string>(), name);
    IdDigest random;
    for (std::uint32_t number = 0; number < kRandomTexts; ++number) {
        random.add(tokenizer, test::random_text(number));
    }
    BOOST_TEST(random.hex() == expected.at("random").get<std::string>(), name);
}

BOOST_AUTO_TEST_SUITE(tokenizer_golden)

BOOST_AUTO_TEST_CASE(ids_of_awkward_texts_are_those_of_hugging_face) {
    const Json cases = read_json(kGolden / "tokenizers.json");
    for (const char* name : {"sample-lower", "sample-keep", "small-bpe"}) {
        const auto tokenizer = own_tokenizer(name);
        int compared = 0;
        for (const Json& entry : cases) {
            if (json_member<std::string>(entry, "tokenizer", "case") != name) {
                continue;
            }
            const auto text = json_member<std::string>(entry, "text", "case");
            const auto expected = json_member<std::vector<std::int32_t>>(entry, "ids", "case");
            BOOST_CHECK_MESSAGE(encode(*tokenizer, text) == expected,
                                name << " gives other ids for: " << text);
            ++compared;
        }
        BOOST_TEST(compared >= 25);
    }
}

BOOST_AUTO_TEST_CASE(ids_of_every_scalar_and_of_random_strings_are_those_of_hugging_face) {
    for (const char* name : {"sample-lower", "sample-keep", "small-bpe"}) {
        check_digests(*own_tokenizer(name), name);
    }
}

BOOST_AUTO_TEST_CASE(so_they_are_with_the_published_vocabularies) {
    const fs::path data = test::real_data();
    if (data.empty()) {
        return;
    }
    for (const char* name : {"bert-base-uncased", "bert-base-cased", "gpt2", "roberta-base"}) {
        const CaseChoice choice =
            std::string(name) == "bert-base-cased" ? CaseChoice::Keep : CaseChoice::Auto;
        check_digests(*load_tokenizer(data / "vocab" / name, choice), name);
    }
}

BOOST_AUTO_TEST_CASE(a_tokenizer_json_is_the_same_as_its_two_files) {
    const auto files = own_tokenizer("small-bpe");
    const auto one = load_tokenizer(kGolden / "small_bpe.json", CaseChoice::Auto);
    BOOST_TEST((one->hash() == files->hash()));
    BOOST_TEST(one->special().mask == files->special().mask);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
