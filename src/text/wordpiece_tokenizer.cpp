#include "text/wordpiece_tokenizer.h"

#include <utility>

#include "base/json.h"

namespace hpml::text {

std::string word_piece_config(bool lower_case) {
    const Json config{{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", lower_case}};
    return config.dump(2) + "\n";
}

WordPieceTokenizer::WordPieceTokenizer(Vocabulary vocabulary, LetterCase letter_case)
    : vocabulary_(std::move(vocabulary)),
      letter_case_(letter_case),
      encoder_(vocabulary_, letter_case) {}

std::string WordPieceTokenizer::decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const std::int32_t id : ids) {
        const std::string& piece = token(id);
        if (piece.starts_with("##")) {
            text += piece.substr(2);
        } else {
            text += (text.empty() ? "" : " ") + piece;
        }
    }
    return text;
}

std::vector<TokenizerFile> WordPieceTokenizer::files() const {
    return {{"vocab.txt", vocabulary_.text()},
            {"tokenizer_config.json", word_piece_config(letter_case_ == LetterCase::Lower)}};
}

}  // namespace hpml::text
