#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "text/document_readers.h"

namespace hpml::text {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

bool is_blank(std::string_view line) {
    return line.find_first_not_of(kBlanks) == std::string_view::npos;
}

/// Append a line and its end, as far as the document's bound allows.
void add_line(Document& document, std::string_view line, bool is_line_cut) {
    const std::size_t room = kLongestDocument - document.text.size();
    const std::size_t taken = std::min(room, line.size());
    document.text.append(line.substr(0, taken));
    if (taken < room) {
        document.text.push_back('\n');
    }
    document.is_cut = document.is_cut || is_line_cut || taken < line.size();
}

class PlainTextReader final : public DocumentReader {
  public:
    explicit PlainTextReader(LineReader lines) : lines_(std::move(lines)) {}

    [[nodiscard]] bool next(Document& document) override {
        document = {};
        while (lines_.next(line_)) {
            if (!is_blank(line_)) {
                add_line(document, line_, lines_.is_cut());
            } else if (!document.text.empty()) {
                return true;
            }
        }
        return !document.text.empty();
    }

  private:
    LineReader lines_;
    std::string line_;
};

/// The value of title="..." in a <doc> line, with WikiExtractor's escapes resolved.
std::string title_of(std::string_view line) {
    constexpr std::string_view kKey = " title=\"";
    const std::size_t key = line.find(kKey);
    const std::size_t end = line.rfind('"');
    if (key == std::string_view::npos || end < key + kKey.size()) {
        return {};
    }
    std::string title(line.substr(key + kKey.size(), end - key - kKey.size()));
    constexpr std::pair<std::string_view, char> kEscapes[] = {
        {"&quot;", '"'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#39;", '\''}, {"&amp;", '&'}};
    for (const auto& [escape, character] : kEscapes) {
        for (std::size_t at = title.find(escape); at != std::string::npos;
             at = title.find(escape, at + 1)) {
            title.replace(at, escape.size(), 1, character);
        }
    }
    return title;
}

class WikiExtractorReader final : public DocumentReader {
  public:
    explicit WikiExtractorReader(LineReader lines) : lines_(std::move(lines)) {}

    [[nodiscard]] bool next(Document& document) override {
        document = {};
        if (!find_start()) {
            return false;
        }
        const std::string title = title_of(line_);
        const std::int64_t start = lines_.number();
        bool is_first = true;
        while (lines_.next(line_)) {
            if (line_ == "</doc>") {
                return true;
            }
            if (line_.starts_with("<doc id=")) {
                refuse("a new <doc> begins, but the one of line " + std::to_string(start) +
                       " has no </doc>");
            }
            // The title is no sentence of the article: the first line repeats it.
            if (!std::exchange(is_first, false) || line_ != title) {
                add_line(document, line_, lines_.is_cut());
            }
        }
        refuse("the file ends, but the <doc> of line " + std::to_string(start) +
               " has no </doc> (the file is truncated)");
    }

  private:
    /// Read up to the next <doc> line. @return false at the end of the file
    bool find_start() {
        while (lines_.next(line_)) {
            if (line_.starts_with("<doc ")) {
                return true;
            }
            if (!is_blank(line_)) {
                refuse("text stands outside <doc> ... </doc>");
            }
        }
        return false;
    }

    [[noreturn]] void refuse(const std::string& what) const {
        throw InputError(lines_.path().string() + ", line " + std::to_string(lines_.number()) +
                         ": " + what +
                         "; run WikiExtractor again, or give --format text if this is plain text");
    }

    LineReader lines_;
    std::string line_;
};

/// A document a line; blank lines are no documents.
class LinesReader final : public DocumentReader {
  public:
    explicit LinesReader(LineReader lines) : lines_(std::move(lines)) {}

    [[nodiscard]] bool next(Document& document) override {
        document = {};
        while (lines_.next(line_)) {
            if (!is_blank(line_)) {
                add_line(document, line_, lines_.is_cut());
                return true;
            }
        }
        return false;
    }

  private:
    LineReader lines_;
    std::string line_;
};

}  // namespace

std::unique_ptr<DocumentReader> read_plain_text(LineReader lines) {
    return std::make_unique<PlainTextReader>(std::move(lines));
}

std::unique_ptr<DocumentReader> read_lines(LineReader lines) {
    return std::make_unique<LinesReader>(std::move(lines));
}

std::unique_ptr<DocumentReader> read_wikiextractor(LineReader lines) {
    return std::make_unique<WikiExtractorReader>(std::move(lines));
}

}  // namespace hpml::text
