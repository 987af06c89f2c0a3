#include "text/tokenizer.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/json.h"
#include "support/data.h"
#include "support/text.h"
#include "text/byte_alphabet.h"

namespace hpml::text {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(HPML_SOURCE_DIR) / "tests/golden";
const std::string kWords = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\n##s\nÉcole\necole\n";

std::vector<std::int32_t> encode(const Tokenizer& tokenizer, std::string_view text) {
    std::vector<std::int32_t> ids;
    tokenizer.encode(text, ids);
    return ids;
}

std::unique_ptr<Tokenizer> small_bpe() {
    return load_tokenizer(kGolden / "small_bpe", CaseChoice::Auto);
}

Json bpe_json() { return read_json(kGolden / "small_bpe.json"); }

Json wordpiece_json(bool lower) {
    return Json::parse(R"({"added_tokens": [{"id": 0, "content": "[PAD]", "special": true}],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": )" +
                       std::string(lower ? "true" : "false") + R"(},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2,
            "[SEP]": 3, "[MASK]": 4, "river": 5, "##s": 6, "École": 7, "ecole": 8}}})");
}

struct Folder {
    test::ScratchFolder path{"tokenizer"};

    std::unique_ptr<Tokenizer> load(const Json& json, CaseChoice choice = CaseChoice::Auto) const {
        test::write_file(path / "tokenizer.json", json.dump());
        return load_tokenizer(path / "tokenizer.json", choice);
    }
    std::string refusal(const Json& json, CaseChoice choice = CaseChoice::Auto) const {
        try {
            (void)load(json, choice);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    }
    std::string byte_pair_refusal(const std::string& vocabulary, const std::string& merges) const {
        test::write_file(path / "vocab.json", vocabulary);
        test::write_file(path / "merges.txt", merges);
        try {
            (void)load_tokenizer(path.path(), CaseChoice::Auto);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    }
};

/// The 256 bytes and more tokens as a vocab.json.
std::string vocabulary_json(const std::vector<std::string>& more) {
    const ByteAlphabet alphabet;
    Json json = Json::object();
    for (int byte = 0; byte < 256; ++byte) {
        json[alphabet.character(static_cast<unsigned char>(byte))] = byte;
    }
    for (const std::string& token : more) {
        json[token] = json.size();
    }
    return json.dump();
}

using test::contains;

BOOST_FIXTURE_TEST_SUITE(tokenizer, Folder)

BOOST_AUTO_TEST_CASE(the_copied_files_give_the_same_tokenizer) {
    test::write_file(path / "words.txt", kWords);
    for (const auto& made : {small_bpe(), load_tokenizer(path / "words.txt", CaseChoice::Keep)}) {
        const test::ScratchFolder copy("tokenizer-copy");
        for (const TokenizerFile& file : made->files()) {
            test::write_file(copy / file.name, file.text);
        }
        const auto again = load_tokenizer(copy.path(), CaseChoice::Auto);
        BOOST_TEST((again->hash() == made->hash()));
        BOOST_TEST((again->kind() == made->kind()));
        BOOST_TEST((again->letter_case() == made->letter_case()));
    }
}

BOOST_AUTO_TEST_CASE(special_tokens_have_the_ids_of_their_family) {
    const auto bpe = small_bpe();
    BOOST_TEST(bpe->special().cls == 0);
    BOOST_TEST(bpe->special().pad == 1);
    BOOST_TEST(bpe->special().sep == 2);
    BOOST_TEST(bpe->special().unknown == 3);
    BOOST_TEST(bpe->special().mask == 4);
    BOOST_TEST(bpe->special().missing() == "");
}

BOOST_AUTO_TEST_CASE(missing_special_tokens_are_named) {
    BOOST_TEST(byte_pair_refusal(vocabulary_json({"<s>", "[PAD]"}), "#version: 0.2\n") ==
               "accepted");
    const auto loaded = load_tokenizer(path.path(), CaseChoice::Auto);
    BOOST_TEST(loaded->special().cls == 256);
    BOOST_TEST(loaded->special().pad == 257);
    BOOST_TEST(loaded->special().missing() == "<unk> or [UNK], </s> or [SEP], <mask> or [MASK]");
}

BOOST_AUTO_TEST_CASE(no_text_gives_a_special_token) {
    const auto bpe = small_bpe();
    for (const std::int32_t id : encode(*bpe, "<s> <pad></s><unk> <mask>")) {
        BOOST_TEST(!bpe->special().contains(id));
    }
}

BOOST_AUTO_TEST_CASE(decoding_byte_pairs_gives_the_text_again) {
    const auto bpe = small_bpe();
    const std::string text = "  The river 北京\n\n we'll É😀 \t ";
    BOOST_TEST(bpe->decode(encode(*bpe, text)) == text);
    const std::vector<std::int32_t> ids{bpe->special().cls, bpe->special().mask};
    BOOST_TEST(bpe->decode(ids) == "<s><mask>");
}

BOOST_AUTO_TEST_CASE(decoding_word_pieces_joins_continuations) {
    test::write_file(path / "words.txt", kWords);
    const auto words = load_tokenizer(path / "words.txt", CaseChoice::Auto);
    BOOST_TEST(words->decode(std::vector<std::int32_t>{2, 5, 6, 5, 4}) ==
               "[CLS] rivers river [MASK]");
}

BOOST_AUTO_TEST_CASE(pieces_inside_a_word_continue_it) {
    const auto bpe = small_bpe();
    const auto ids = encode(*bpe, " zqx zq");
    BOOST_REQUIRE(ids.size() >= 4u);
    BOOST_TEST(!bpe->continues_word(ids[0]));
    BOOST_TEST(bpe->continues_word(ids[1]));
    BOOST_TEST(!bpe->continues_word(bpe->special().cls));
    test::write_file(path / "words.txt", kWords);
    const auto words = load_tokenizer(path / "words.txt", CaseChoice::Auto);
    BOOST_TEST(!words->continues_word(5));
    BOOST_TEST(words->continues_word(6));
}

BOOST_AUTO_TEST_CASE(an_invalid_byte_reads_as_the_replacement_character) {
    const auto bpe = small_bpe();
    BOOST_TEST(encode(*bpe, "ri\x80ver \xE2(") == encode(*bpe, "ri\uFFFDver \uFFFD("),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_million_letters_take_no_quadratic_time) {
    const auto bpe = small_bpe();
    const std::string word(1000000, 't');
    BOOST_TEST(bpe->decode(encode(*bpe, word)) == word);
}

BOOST_AUTO_TEST_CASE(the_letter_case_is_that_of_the_file_or_the_option) {
    test::write_file(path / "words.txt", kWords);
    for (const CaseChoice choice : {CaseChoice::Auto, CaseChoice::Lower}) {
        BOOST_TEST(encode(*load_tokenizer(path / "words.txt", choice), "École")[0] == 8);
    }
    BOOST_TEST(encode(*load_tokenizer(path / "words.txt", CaseChoice::Keep), "École")[0] == 7);
    test::write_file(path / "tokenizer_config.json", R"({"do_lower_case": false})");
    BOOST_TEST(encode(*load_tokenizer(path / "words.txt", CaseChoice::Auto), "École")[0] == 7);
    BOOST_TEST(
        encode(*load(wordpiece_json(true)), "École rivers") == (std::vector<std::int32_t>{8, 5, 6}),
        boost::test_tools::per_element());
    BOOST_TEST(encode(*load(wordpiece_json(false)), "École")[0] == 7);
    BOOST_TEST(contains(refusal(wordpiece_json(false), CaseChoice::Lower), "--lower-case"));
    BOOST_TEST(contains(refusal(bpe_json(), CaseChoice::Lower), "--lower-case"));
}

BOOST_AUTO_TEST_CASE(a_prefix_space_is_added_where_the_file_asks_for_it) {
    Json json = bpe_json();
    json["pre_tokenizer"]["add_prefix_space"] = true;
    const auto spaced = load(json);
    const auto plain = small_bpe();
    BOOST_TEST(encode(*spaced, "The river") == encode(*plain, " The river"),
               boost::test_tools::per_element());
    BOOST_TEST(encode(*spaced, " The") == encode(*plain, " The"), boost::test_tools::per_element());
    BOOST_TEST(encode(*spaced, "").empty());
    BOOST_TEST((spaced->hash() != plain->hash()));
}

BOOST_AUTO_TEST_CASE(what_a_tokenizer_json_has_beyond_the_two_kinds_is_named) {
    const auto spoilt = [](Json json, const char* pointer, const Json& value) {
        json[Json::json_pointer(pointer)] = value;
        return json;
    };
    const Json words = wordpiece_json(true);
    const Json bpe = bpe_json();
    BOOST_TEST(contains(refusal(spoilt(words, "/model/type", "Unigram")), "type 'Unigram'"));
    BOOST_TEST(contains(refusal(spoilt(words, "/model/unk_token", "<unk>")), "model.unk_token"));
    BOOST_TEST(contains(refusal(spoilt(words, "/normalizer", nullptr)), "BertNormalizer"));
    BOOST_TEST(contains(refusal(spoilt(words, "/normalizer/strip_accents", false)),
                        "normalizer.strip_accents"));
    BOOST_TEST(contains(refusal(spoilt(words, "/pre_tokenizer/type", "Whitespace")),
                        "pre_tokenizer is not a BertPreTokenizer"));
    BOOST_TEST(
        contains(refusal(spoilt(words, "/added_tokens/0/special", false)), "added_tokens.special"));
    BOOST_TEST(contains(refusal(spoilt(words, "/model/vocab/river", 3)), "'river' is 3"));
    BOOST_TEST(contains(refusal(spoilt(words, "/model/vocab/river", 9)), "'river' is 9"));
    BOOST_TEST(contains(refusal(spoilt(bpe, "/normalizer", Json{{"type", "NFC"}})), "is a NFC"));
    BOOST_TEST(contains(refusal(spoilt(bpe, "/pre_tokenizer/use_regex", false)), "use_regex"));
    BOOST_TEST(contains(refusal(spoilt(bpe, "/model/dropout", 0.1)), "model.dropout is 0.1"));
    BOOST_TEST(contains(refusal(spoilt(bpe, "/model/end_of_word_suffix", "</w>")), "</w>"));
    BOOST_TEST(contains(refusal(spoilt(bpe, "/model/merges", 3)), "merges is not a list"));
    BOOST_TEST(contains(refusal(Json::array()), "is not an object"));
    BOOST_TEST(contains(refusal(Json::object()), "model is missing"));
}

BOOST_AUTO_TEST_CASE(bad_byte_pair_files_are_named_by_line) {
    const std::string vocabulary = vocabulary_json({"ab"});
    BOOST_TEST(byte_pair_refusal(vocabulary, "#version: 0.2\na b\n") == "accepted");
    BOOST_TEST(contains(byte_pair_refusal(vocabulary, "a b\nab c\n"), "merge 2: 'abc' is not in"));
    BOOST_TEST(
        contains(byte_pair_refusal(vocabulary, "a b\na b\n"), "merge 2: 'a b' stands twice"));
    BOOST_TEST(contains(byte_pair_refusal(vocabulary, "a b c\n"), "merges.txt, line 1: 'a b c'"));
    BOOST_TEST(
        contains(byte_pair_refusal(vocabulary, "a b\r\n"), "merges.txt, line 1: ends in CR"));
    BOOST_TEST(contains(byte_pair_refusal(R"({"a": 0})", ""), "no token '"));
    BOOST_TEST(contains(byte_pair_refusal(R"({"a": 1})", ""), "the id of 'a' is 1"));
    BOOST_TEST(contains(byte_pair_refusal("[]", ""), "is not an object of tokens"));
}

BOOST_AUTO_TEST_CASE(a_folder_without_a_tokenizer_is_a_missing_input) {
    BOOST_CHECK_THROW((void)load_tokenizer(path.path(), CaseChoice::Auto), MissingInputError);
    test::write_file(path / "vocab.json", vocabulary_json({}));
    BOOST_CHECK_THROW((void)load_tokenizer(path.path(), CaseChoice::Auto), MissingInputError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
