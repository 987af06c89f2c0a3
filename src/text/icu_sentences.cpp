#include "text/icu_sentences.h"

#include <unicode/brkiter.h>
#include <unicode/filteredbrk.h>
#include <unicode/utext.h>

#include <string>
#include <utility>

#include "base/error.h"

namespace hpml::text {

namespace {

void check(UErrorCode status, const char* what) {
    if (U_FAILURE(status) != 0) {
        throw ResourceError(std::string("ICU cannot ") + what + " (" + u_errorName(status) +
                            ": sentences cannot be told apart); install ICU's full data");
    }
}

class Utf8Text {
  public:
    explicit Utf8Text(std::string_view text) {
        UErrorCode status = U_ZERO_ERROR;
        utext_openUTF8(&text_, text.data(), static_cast<std::int64_t>(text.size()), &status);
        check(status, "open a text");
    }
    ~Utf8Text() { utext_close(&text_); }
    Utf8Text(const Utf8Text&) = delete;
    Utf8Text& operator=(const Utf8Text&) = delete;
    Utf8Text(Utf8Text&&) = delete;
    Utf8Text& operator=(Utf8Text&&) = delete;

    [[nodiscard]] UText* get() { return &text_; }

  private:
    UText text_ = UTEXT_INITIALIZER;
};

}  // namespace

class IcuSentences::State {
  public:
    State() {
        UErrorCode status = U_ZERO_ERROR;
        const icu::Locale& english = icu::Locale::getEnglish();
        std::unique_ptr<icu::BreakIterator> plain(
            icu::BreakIterator::createSentenceInstance(english, status));
        const std::unique_ptr<icu::FilteredBreakIteratorBuilder> builder(
            icu::FilteredBreakIteratorBuilder::createInstance(english, status));
        check(status, "find English sentences");
        iterator_.reset(builder->build(plain.release(), status));
        check(status, "leave out English abbreviations");
    }

    void split(std::string_view text, std::vector<std::uint32_t>& ends) {
        Utf8Text opened(text);
        UErrorCode status = U_ZERO_ERROR;
        iterator_->setText(opened.get(), status);
        check(status, "take a text");
        for (std::int32_t end = iterator_->next(); end != icu::BreakIterator::DONE;
             end = iterator_->next()) {
            ends.push_back(static_cast<std::uint32_t>(end));
        }
    }

  private:
    std::unique_ptr<icu::BreakIterator> iterator_;
};

IcuSentences::IcuSentences() : state_(std::make_unique<State>()) {}
IcuSentences::~IcuSentences() = default;
IcuSentences::IcuSentences(IcuSentences&&) noexcept = default;
IcuSentences& IcuSentences::operator=(IcuSentences&&) noexcept = default;

void IcuSentences::split(std::string_view text, std::vector<std::uint32_t>& ends) {
    ends.clear();
    state_->split(text, ends);
}

}  // namespace hpml::text
