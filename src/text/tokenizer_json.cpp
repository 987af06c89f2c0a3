#include "text/tokenizer_json.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "text/byte_pair_tokenizer.h"
#include "text/wordpiece_tokenizer.h"

namespace hpml::text {

namespace {

constexpr double kLongestMib = 64;

/// A part of a tokenizer.json and where it stands.
class Part {
  public:
    Part(const SortedJson& json, std::string where) : json_(json), where_(std::move(where)) {}

    [[nodiscard]] const SortedJson& json() const { return json_; }
    [[nodiscard]] const std::string& where() const { return where_; }
    [[nodiscard]] bool is_null() const { return json_.is_null(); }
    /// The member `key`, null if there is none.
    [[nodiscard]] Part member(const std::string& key) const {
        static const SortedJson kNull;
        if (!json_.is_object()) {
            throw InputError(where_ +
                             " is not an object; give a tokenizer.json of Hugging Face's "
                             "tokenizers");
        }
        const auto found = json_.find(key);
        return {found == json_.end() ? kNull : *found, where_ + "." + key};
    }
    /// Refuse any value but these. A file may leave `key` out if null is among them.
    void must_be(const std::string& key, std::initializer_list<SortedJson> allowed) const {
        const Part found = member(key);
        if (std::find(allowed.begin(), allowed.end(), found.json_) == allowed.end()) {
            found.refuse("is " + found.json_.dump() + " (supported: " + allowed.begin()->dump() +
                         ")");
        }
    }
    [[nodiscard]] std::string type() const {
        const Part found = member("type");
        return found.json_.is_string() ? found.json_.get<std::string>() : found.json_.dump();
    }
    [[noreturn]] void refuse(const std::string& what) const {
        throw InputError(where_ + " " + what +
                         "; only BERT's WordPiece and byte-level BPE with the parts of GPT-2 and "
                         "RoBERTa are read");
    }

  private:
    const SortedJson& json_;
    std::string where_;
};

/// Tokens by id. Every id from 0 on must be there once.
std::vector<std::string> tokens_of(const Part& vocabulary, const Part& added) {
    const SortedJson& json = vocabulary.json();
    std::vector<std::pair<std::string, const SortedJson*>> entries;
    if (json.is_object()) {
        for (const auto& [token, id] : json.items()) {
            entries.emplace_back(token, &id);
        }
    }
    if (entries.empty()) {
        throw InputError(vocabulary.where() +
                         " is not an object of tokens and ids; give a vocabulary that has some");
    }
    for (const SortedJson& token : added.json()) {
        const Part part(token, added.where());
        part.must_be("special", {true});
        const Part content = part.member("content");
        if (!content.json().is_string()) {
            content.refuse("is not a text");
        }
        const auto name = content.json().get<std::string>();
        if (!json.contains(name)) {
            entries.emplace_back(name, &part.member("id").json());
        } else if (json.at(name) != part.member("id").json()) {
            part.refuse("gives '" + name + "' another id than the vocabulary");
        }
    }
    std::vector<std::string> tokens(entries.size());
    std::vector<bool> is_there(entries.size());
    for (const auto& [token, id] : entries) {
        const bool is_id = id->is_number_integer() && *id >= 0 && *id < entries.size();
        if (!is_id || is_there[id->get<std::size_t>()]) {
            throw InputError(vocabulary.where() + ": the id of '" + token + "' is " + id->dump() +
                             " (the ids of " + std::to_string(entries.size()) +
                             " tokens are 0 to " + std::to_string(entries.size() - 1) +
                             ", each once); give the vocabulary that belongs to the model");
        }
        is_there[id->get<std::size_t>()] = true;
        tokens[id->get<std::size_t>()] = token;
    }
    return tokens;
}

LetterCase chosen_case(const Part& normalizer, CaseChoice choice) {
    const SortedJson lower = normalizer.member("lowercase").json();
    if (!lower.is_boolean()) {
        normalizer.member("lowercase").refuse("is " + lower.dump());
    }
    // Hugging Face strips accents where it lower-cases unless it is told otherwise.
    normalizer.must_be("strip_accents", {nullptr, lower});
    const LetterCase letter_case = lower == true ? LetterCase::Lower : LetterCase::Keep;
    if (choice != CaseChoice::Auto &&
        (choice == CaseChoice::Lower) != (letter_case == LetterCase::Lower)) {
        throw UsageError(normalizer.where() + ".lowercase is " + lower.dump() +
                         ", --lower-case asks for the other (the model has seen text in one form "
                         "only); leave --lower-case out");
    }
    return letter_case;
}

std::unique_ptr<Tokenizer> make_wordpiece(const Part& root, CaseChoice choice) {
    const Part model = root.member("model");
    model.must_be("unk_token", {"[UNK]"});
    model.must_be("continuing_subword_prefix", {"##"});
    model.must_be("max_input_chars_per_word", {100});
    const Part normalizer = root.member("normalizer");
    if (normalizer.is_null() || normalizer.type() != "BertNormalizer") {
        normalizer.refuse("is not a BertNormalizer");
    }
    normalizer.must_be("clean_text", {true});
    normalizer.must_be("handle_chinese_chars", {true});
    const Part splitter = root.member("pre_tokenizer");
    if (splitter.is_null() || splitter.type() != "BertPreTokenizer") {
        splitter.refuse("is not a BertPreTokenizer");
    }
    std::string text;
    for (const std::string& token : tokens_of(model.member("vocab"), root.member("added_tokens"))) {
        if (token.find('\n') != std::string::npos) {
            model.member("vocab").refuse("has a token with a line break");
        }
        text += token + "\n";
    }
    return std::make_unique<WordPieceTokenizer>(
        Vocabulary(std::move(text), model.member("vocab").where()),
        chosen_case(normalizer, choice));
}

std::pair<std::string, std::string> split_merge(std::string_view line, const std::string& where) {
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank == std::string_view::npos || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string_view::npos) {
        throw InputError(where + ": '" + std::string(line) +
                         "' is not two tokens with a blank between them; give the merges of a "
                         "byte-level vocabulary");
    }
    return {std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
}

std::vector<std::pair<std::string, std::string>> merges_of(const Part& merges) {
    std::vector<std::pair<std::string, std::string>> result;
    if (!merges.json().is_array()) {
        merges.refuse("is not a list");
    }
    for (const SortedJson& merge : merges.json()) {
        const std::string where = merges.where() + "[" + std::to_string(result.size()) + "]";
        if (merge.is_string()) {
            result.push_back(split_merge(merge.get_ref<const std::string&>(), where));
        } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                   merge[1].is_string()) {
            result.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
        } else {
            throw InputError(where +
                             " is neither a text nor a pair of texts; give the merges of a "
                             "byte-level vocabulary");
        }
    }
    return result;
}

std::unique_ptr<Tokenizer> make_byte_pair(const Part& root, CaseChoice choice) {
    const Part model = root.member("model");
    model.must_be("dropout", {nullptr});
    model.must_be("continuing_subword_prefix", {nullptr, ""});
    model.must_be("end_of_word_suffix", {nullptr, ""});
    model.must_be("byte_fallback", {false, nullptr});
    model.must_be("ignore_merges", {false, nullptr});
    const Part normalizer = root.member("normalizer");
    if (!normalizer.is_null()) {
        normalizer.refuse("is a " + normalizer.type());
    }
    const Part splitter = root.member("pre_tokenizer");
    if (splitter.is_null() || splitter.type() != "ByteLevel") {
        splitter.refuse("is not ByteLevel");
    }
    splitter.must_be("use_regex", {true, nullptr});
    splitter.must_be("add_prefix_space", {false, true});
    if (choice == CaseChoice::Lower) {
        throw UsageError(root.where() +
                         " is a byte-level BPE, which keeps capitals; leave "
                         "--lower-case out");
    }
    BytePairParts parts;
    parts.tokens = tokens_of(model.member("vocab"), root.member("added_tokens"));
    parts.merges = merges_of(model.member("merges"));
    parts.adds_prefix_space = splitter.member("add_prefix_space").json() == true;
    return std::make_unique<BytePairTokenizer>(std::move(parts), root.where());
}

}  // namespace

std::unique_ptr<Tokenizer> parse_tokenizer_json(std::string_view text, const std::string& name,
                                                CaseChoice choice) {
    const SortedJson json = parse_sorted_json(text, name, mib(kLongestMib));
    const Part root(json, name);
    const Part model = root.member("model");
    if (model.is_null()) {
        model.refuse("is missing");
    }
    // Old files of the two kinds do not say which they are.
    const bool has_merges = !model.member("merges").is_null();
    const std::string type =
        model.member("type").is_null() ? (has_merges ? "BPE" : "WordPiece") : model.type();
    if (type == "WordPiece") {
        return make_wordpiece(root, choice);
    }
    if (type == "BPE") {
        return make_byte_pair(root, choice);
    }
    model.refuse("is of type '" + type + "'");
}

BytePairParts parse_byte_pair_files(std::string_view vocabulary, std::string_view merges,
                                    const std::string& folder) {
    const std::string name = folder + "/vocab.json";
    const SortedJson json = parse_sorted_json(vocabulary, name, mib(kLongestMib));
    const SortedJson none;
    BytePairParts parts;
    parts.tokens = tokens_of(Part(json, name), Part(none, name));
    std::size_t line = 0;
    while (!merges.empty()) {
        const std::size_t end = std::min(merges.find('\n'), merges.size());
        const std::string where = folder + "/merges.txt, line " + std::to_string(++line);
        if (merges.substr(0, end).ends_with('\r')) {
            throw InputError(where +
                             ": ends in CR LF (the CR would become part of every token); "
                             "convert the file with dos2unix");
        }
        if (!merges.starts_with("#version")) {
            parts.merges.push_back(split_merge(merges.substr(0, end), where));
        }
        merges.remove_prefix(std::min(end + 1, merges.size()));
    }
    return parts;
}

}  // namespace hpml::text
