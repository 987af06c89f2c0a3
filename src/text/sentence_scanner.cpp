#include "text/sentence_scanner.h"

namespace hpml::text {

namespace {

bool is_terminator(SentenceClass kind) {
    return kind == SentenceClass::Period || kind == SentenceClass::Stop;
}

}  // namespace

std::size_t SentenceScanner::next() {
    begin_ = at_;
    while (at_ < text_.size()) {
        if (!classes_.is_notable(static_cast<unsigned char>(text_[at_]))) {
            ++at_;
            continue;
        }
        const Character character = look(at_);
        if (character.kind == SentenceClass::Separator) {
            at_ = separator_end(at_);
            break;
        }
        if (!is_terminator(character.kind)) {
            at_ = character.end;
        } else if (ends_at_terminator(at_, character)) {
            break;
        }
    }
    return at_;
}

/// Move behind a terminator: to the sentence's end if there is one (rule SB11), else to where the
/// scan goes on. Rules SB5 to SB10.
bool SentenceScanner::ends_at_terminator(std::size_t at, const Character& terminator) {
    const bool is_period = terminator.kind == SentenceClass::Period;
    at_ = skip(terminator.end, SentenceClass::Extend);
    if (is_period && at_ < text_.size()) {
        const SentenceClass kind = look(at_).kind;
        if (kind == SentenceClass::Number ||
            (kind == SentenceClass::Upper && follows_cased_letter(at))) {
            return false;
        }
    }
    at_ = skip_extended(at_, SentenceClass::Close);
    at_ = skip_extended(at_, SentenceClass::Blank);
    if (at_ == text_.size()) {
        return true;
    }
    const SentenceClass kind = look(at_).kind;
    if (kind == SentenceClass::Separator) {
        at_ = separator_end(at_);
        return true;
    }
    const bool goes_on =
        kind == SentenceClass::Comma || is_terminator(kind) || (is_period && lower_comes_next(at_));
    return !goes_on;
}

std::size_t SentenceScanner::skip(std::size_t at, SentenceClass kind) const {
    while (is(at, kind)) {
        at = look(at).end;
    }
    return at;
}

/// Characters of a class, each with the Extend behind it (rule SB5).
std::size_t SentenceScanner::skip_extended(std::size_t at, SentenceClass kind) const {
    while (is(at, kind)) {
        at = skip(look(at).end, SentenceClass::Extend);
    }
    return at;
}

/// Whether a lower or upper letter stands right before `at`, within the sentence.
bool SentenceScanner::follows_cased_letter(std::size_t at) const {
    while (at > begin_) {
        std::size_t first = at - 1;
        while (first > begin_ && at - first < 4 && (text_[first] & 0xC0) == 0x80) {
            --first;
        }
        Character character = look(first);
        if (character.end != at) {  // an invalid byte
            return false;
        }
        if (character.kind != SentenceClass::Extend) {
            return character.kind == SentenceClass::Lower || character.kind == SentenceClass::Upper;
        }
        at = first;
    }
    return false;
}

/// Rule SB8: whether the next character that counts is a lower letter.
bool SentenceScanner::lower_comes_next(std::size_t at) const {
    while (at < text_.size()) {
        const Character character = look(at);
        switch (character.kind) {
            case SentenceClass::Lower:
                return true;
            case SentenceClass::Upper:
            case SentenceClass::Letter:
            case SentenceClass::Separator:
            case SentenceClass::Period:
            case SentenceClass::Stop:
                return false;
            default:
                at = character.end;
        }
    }
    return false;
}

std::size_t SentenceScanner::separator_end(std::size_t at) const {
    const bool is_pair = text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n';
    return is_pair ? at + 2 : look(at).end;
}

}  // namespace hpml::text
