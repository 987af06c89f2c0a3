#include "text/wikitext/paragraphs.h"

#include <algorithm>

namespace hpml::text {

namespace {

constexpr std::string_view kBlanks = " \t\r";

/// Whether a line says anything: a letter, a digit, or a character beyond ASCII that is no general
/// punctuation (U+2000 to U+203F).
bool has_word(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto byte = static_cast<unsigned char>(line[i]);
        const bool is_letter = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z';
        if (is_letter || (byte >= '0' && byte <= '9')) {
            return true;
        }
        if (byte >= 0x80) {
            if (!line.substr(i).starts_with("\xE2\x80")) {
                return true;
            }
            i += 2;
        }
    }
    return false;
}

bool is_closing_mark(char character) {
    return character == ',' || character == '.' || character == ';' || character == ':' ||
           character == ')';
}

bool is_blank(char character) { return character == ' ' || character == '\t'; }

}  // namespace

void Paragraphs::begin(std::string& out) {
    out_ = &out;
    line_ = out.size();
    has_hole_ = false;
    has_headings_ = false;
    for (std::string& heading : headings_) {
        heading.clear();
    }
}

void Paragraphs::end_line(LineKind kind) {
    std::string& out = *out_;
    if (out.size() == line_) {
        has_hole_ = false;
        return;
    }
    if (kind == LineKind::Left) {
        out.resize(line_);
    } else {
        tidy();
    }
    has_hole_ = false;
    const std::string_view line = std::string_view(out).substr(line_);
    if (!has_word(line) || (kind == LineKind::Heading && take_heading())) {
        out.resize(line_);
        return;
    }
    if (has_headings_) {
        put_headings();
    }
    out.push_back('\n');
    line_ = out.size();
}

/// One blank where there are several, none at the ends.
void Paragraphs::tidy() {
    std::string& out = *out_;
    if (has_hole_) {
        repair();
    }
    std::size_t begin = line_;
    while (begin < out.size() && is_blank(out[begin])) {
        ++begin;
    }
    bool was_blank = false;
    std::size_t to = line_;
    if (begin == line_) {
        // Nearly every line has none of them: only look.
        std::size_t doubled = out.find("  ", line_);
        doubled = std::min(doubled, out.find('\t', line_));
        begin = std::min(doubled, out.size());
        to = begin;
    }
    for (std::size_t i = begin; i < out.size(); ++i) {
        const bool blank = is_blank(out[i]);
        if (!blank || !was_blank) {
            out[to++] = blank ? ' ' : out[i];
        }
        was_blank = blank;
    }
    out.resize(to);
    const std::size_t end = out.find_last_not_of(kBlanks);
    out.resize(end == std::string::npos || end < line_ ? line_ : end + 1);
}

/// Take out what leaving out has orphaned: "( , )", blanks before a closing mark.
void Paragraphs::repair() {
    std::string& out = *out_;
    std::size_t to = line_;
    for (std::size_t i = line_; i < out.size(); ++i) {
        const char character = out[i];
        if (is_closing_mark(character)) {
            while (to > line_ && is_blank(out[to - 1])) {
                --to;
            }
        }
        const bool follows = to > line_;
        if (follows && out[to - 1] == '(' &&
            (is_blank(character) || character == ',' || character == ';')) {
            continue;
        }
        if (follows && out[to - 1] == '(' && character == ')') {
            --to;
            while (to > line_ && is_blank(out[to - 1])) {
                --to;
            }
            continue;
        }
        if (follows && out[to - 1] == ',' && (character == ',' || character == '.')) {
            --to;
        }
        out[to++] = character;
    }
    out.resize(to);
}

bool Paragraphs::take_heading() {
    const std::string_view line = std::string_view(*out_).substr(line_);
    const std::size_t before = std::min(line.find_first_not_of('='), line.size());
    const std::size_t last = line.find_last_not_of('=');
    const std::size_t after = last == std::string_view::npos ? 0 : line.size() - last - 1;
    const std::size_t level = std::min({before, after, kLevels - 1});
    if (level == 0) {
        return false;
    }
    std::string_view title = line.substr(level, line.size() - 2 * level);
    const std::size_t begin = std::min(title.find_first_not_of(kBlanks), title.size());
    title = title.substr(begin, title.find_last_not_of(kBlanks) + 1 - begin);
    for (std::size_t deeper = level; deeper < kLevels; ++deeper) {
        headings_[deeper].clear();
    }
    headings_[level] = title;
    if (!title.empty() && std::string_view(".!?").find(title.back()) == std::string_view::npos) {
        headings_[level].push_back('.');
    }
    has_headings_ = true;
    return true;
}

void Paragraphs::put_headings() {
    std::string above;
    for (std::string& heading : headings_) {
        if (!heading.empty()) {
            above.append(heading).push_back('\n');
            heading.clear();
        }
    }
    out_->insert(line_, above);
    has_headings_ = false;
}

}  // namespace hpml::text
