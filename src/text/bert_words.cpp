#include "text/bert_words.h"

namespace hpml::text {

BertWords::BertWords(LetterCase letter_case) : lower_(letter_case == LetterCase::Lower) {
    for (std::size_t byte = 0; byte < kAscii; ++byte) {
        const bool is_capital = byte >= 'A' && byte <= 'Z';
        ascii_[byte] = static_cast<char>(lower_ && is_capital ? byte + ('a' - 'A') : byte);
    }
}

}  // namespace hpml::text
