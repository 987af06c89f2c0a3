#include "text/sentence_classes.h"

#include <unicode/uchar.h>

namespace hpml::text {

namespace {

constexpr char32_t kScalars = 0x110000;

SentenceClass class_of(char32_t point) {
    switch (u_getIntPropertyValue(static_cast<UChar32>(point), UCHAR_SENTENCE_BREAK)) {
        case U_SB_CR:
        case U_SB_LF:
        case U_SB_SEP:
            return SentenceClass::Separator;
        case U_SB_EXTEND:
        case U_SB_FORMAT:
            return SentenceClass::Extend;
        case U_SB_SP:
            return SentenceClass::Blank;
        case U_SB_LOWER:
            return SentenceClass::Lower;
        case U_SB_UPPER:
            return SentenceClass::Upper;
        case U_SB_OLETTER:
            return SentenceClass::Letter;
        case U_SB_NUMERIC:
            return SentenceClass::Number;
        case U_SB_ATERM:
            return SentenceClass::Period;
        case U_SB_STERM:
            return SentenceClass::Stop;
        case U_SB_SCONTINUE:
            return SentenceClass::Comma;
        case U_SB_CLOSE:
            return SentenceClass::Close;
        default:
            return SentenceClass::Other;
    }
}

}  // namespace

SentenceClasses::SentenceClasses() : classes_(kScalars) {
    for (char32_t point = 0; point < kScalars; ++point) {
        classes_[point] = class_of(point);
    }
    for (std::size_t byte = 0; byte < notable_.size(); ++byte) {
        const SentenceClass kind = byte < 0x80 ? classes_[byte] : SentenceClass::Separator;
        notable_[byte] = kind == SentenceClass::Separator || kind == SentenceClass::Period ||
                         kind == SentenceClass::Stop;
    }
}

}  // namespace hpml::text
