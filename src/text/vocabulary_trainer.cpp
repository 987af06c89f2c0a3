#include "text/vocabulary_trainer.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/byte_pair_tokenizer.h"
#include "text/pair_trainer.h"
#include "text/utf8.h"
#include "text/wordpiece_tokenizer.h"

namespace hpml::text {

namespace {

using Counted = std::vector<std::pair<std::string, std::int64_t>>;
using TokenIds = std::unordered_map<std::string, std::int32_t>;

constexpr const char* kContinuation = "##";

std::vector<std::string> characters_of(std::string_view word) {
    std::vector<std::string> characters;
    while (!word.empty()) {
        const std::size_t length = first_character(word).length;
        characters.emplace_back(word.substr(0, length));
        word.remove_prefix(length);
    }
    return characters;
}

/// The most frequent characters, in the order of their numbers.
std::set<std::string> alphabet_of(const Counted& words, std::size_t most) {
    std::map<std::string, std::int64_t> counts;
    for (const auto& [word, count] : words) {
        for (std::string& character : characters_of(word)) {
            counts[std::move(character)] += count;
        }
    }
    Counted sorted(counts.begin(), counts.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::set<std::string> alphabet;
    for (std::size_t i = 0; i < std::min(most, sorted.size()); ++i) {
        alphabet.insert(sorted[i].first);
    }
    return alphabet;
}

TokenIds ids_of(const std::vector<std::string>& tokens) {
    TokenIds ids;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        ids.emplace(tokens[id], static_cast<std::int32_t>(id));
    }
    return ids;
}

}  // namespace

VocabularyTrainer::VocabularyTrainer(const VocabularyOptions& options)
    : options_(options), bert_(options.letter_case), counts_(options.most_words) {}

void VocabularyTrainer::add(std::string_view document) {
    if (options_.kind == TokenizerKind::WordPiece) {
        BertWord word;
        const auto count = [&](const BertWord& one) {
            if (!one.is_too_long()) {
                counts_.add(one.text());
            }
        };
        for (std::size_t at = 0; at < document.size();) {
            at = bert_.next(document, at, word, count);
        }
        return;
    }
    const std::string repaired = is_utf8(document) ? std::string() : repaired_utf8(document);
    const std::string_view text = repaired.empty() ? document : std::string_view(repaired);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = splitter_.next(text, at);
        counts_.add(text.substr(at, end - at));
        at = end;
    }
}

void VocabularyTrainer::check_size(std::size_t tokens) const {
    if (static_cast<std::int64_t>(tokens) >= options_.size) {
        throw UsageError("a vocabulary of " + std::to_string(options_.size) +
                         " tokens has no room beside the " + std::to_string(tokens) +
                         " special tokens and characters; give a larger --size or a smaller "
                         "--alphabet");
    }
}

std::unique_ptr<Tokenizer> VocabularyTrainer::train() const {
    return options_.kind == TokenizerKind::WordPiece ? train_word_piece() : train_byte_pair();
}

std::unique_ptr<Tokenizer> VocabularyTrainer::train_word_piece() const {
    const Counted words = counts_.sorted();
    if (words.empty()) {
        throw InputError("the input holds no word (nothing can be learned from it); give text");
    }
    std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    const auto alphabet = alphabet_of(words, static_cast<std::size_t>(options_.alphabet));
    tokens.insert(tokens.end(), alphabet.begin(), alphabet.end());
    // Then the characters as continuations, of those that are any.
    std::set<std::string> continuations;
    std::vector<std::vector<std::string>> spelled;
    for (const auto& [word, count] : words) {
        std::vector<std::string>& pieces = spelled.emplace_back();
        for (std::string& character : characters_of(word)) {
            if (alphabet.contains(character)) {
                pieces.push_back(pieces.empty() ? std::move(character) : kContinuation + character);
            }
        }
        if (pieces.size() > 1) {
            continuations.insert(pieces.begin() + 1, pieces.end());
        }
    }
    tokens.insert(tokens.end(), continuations.begin(), continuations.end());
    check_size(tokens.size());
    const TokenIds ids = ids_of(tokens);
    std::vector<TrainingWord> training(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
        training[i].count = words[i].second;
        for (const std::string& piece : spelled[i]) {
            training[i].pieces.push_back(ids.at(piece));
        }
    }
    (void)train_pairs(std::move(training), tokens,
                      {options_.size, options_.least_count, kContinuation});
    std::string text;
    for (const std::string& token : tokens) {
        text += token + "\n";
    }
    return std::make_unique<WordPieceTokenizer>(Vocabulary(std::move(text), "the vocabulary"),
                                                options_.letter_case);
}

std::unique_ptr<Tokenizer> VocabularyTrainer::train_byte_pair() const {
    const Counted words = counts_.sorted();
    if (words.empty()) {
        throw InputError("the input holds no word (nothing can be learned from it); give text");
    }
    BytePairParts parts;
    parts.tokens = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    const ByteAlphabet alphabet;
    std::set<std::string> characters;
    for (int byte = 0; byte < 256; ++byte) {
        characters.insert(alphabet.character(static_cast<unsigned char>(byte)));
    }
    parts.tokens.insert(parts.tokens.end(), characters.begin(), characters.end());
    check_size(parts.tokens.size());
    const TokenIds ids = ids_of(parts.tokens);
    std::vector<TrainingWord> training(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
        training[i].count = words[i].second;
        for (const char byte : words[i].first) {
            training[i].pieces.push_back(
                ids.at(alphabet.character(static_cast<unsigned char>(byte))));
        }
    }
    const auto merges =
        train_pairs(std::move(training), parts.tokens, {options_.size, options_.least_count, ""});
    for (const auto& [left, right] : merges) {
        parts.merges.emplace_back(parts.tokens[static_cast<std::size_t>(left)],
                                  parts.tokens[static_cast<std::size_t>(right)]);
    }
    return std::make_unique<BytePairTokenizer>(std::move(parts), "the vocabulary");
}

}  // namespace hpml::text
