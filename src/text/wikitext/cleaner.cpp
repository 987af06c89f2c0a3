#include "text/wikitext/cleaner.h"

#include <algorithm>

#include "text/wikitext/entities.h"
#include "text/wikitext/find.h"

namespace hpml::text {

namespace {

constexpr ByteSet kSpecials("\n{}[]<&'_");
constexpr ByteSet kTargetEnds("|][\n{}<>");
constexpr std::size_t kLongestTarget = 1024;
constexpr std::size_t kLongestWord = 40;  ///< __OF_MAGIC__
constexpr std::size_t kLongestAddress = 4096;

/// Whether an external link begins here.
bool is_address(std::string_view text) {
    constexpr std::string_view kSchemes[] = {"http://", "https://", "//",     "ftp://",
                                             "mailto:", "news:",    "irc://", "gopher://"};
    return std::ranges::any_of(kSchemes,
                               [&](std::string_view scheme) { return text.starts_with(scheme); });
}

/// What MediaWiki makes of "[[Help:Name (kind)|]]": "Name".
std::string_view without_qualifiers(std::string_view target) {
    if (const std::size_t colon = target.find(':'); colon != std::string_view::npos) {
        target.remove_prefix(colon + 1);
    }
    const std::size_t paren = target.rfind(" (");
    if (paren != std::string_view::npos && target.ends_with(')')) {
        return target.substr(0, paren);
    }
    return target.substr(0, target.find(", "));
}

}  // namespace

void WikitextCleaner::clean(std::string_view page, std::string& text) {
    page_ = page;
    at_ = 0;
    formulas_ = 0;
    is_in_table_ = false;
    scan_.begin(page);
    lines_.begin(text);
    begin_line();
    while (at_ < page_.size()) {
        const std::size_t stop = kSpecials.find(page_, at_);
        lines_.put(page_.substr(at_, stop - at_));
        at_ = stop;
        if (at_ < page_.size()) {
            at_special();
        }
    }
    end_line();
}

void WikitextCleaner::begin_line() {
    kind_ = LineKind::Text;
    open_links_ = 0;
    open_external_ = 0;
    std::size_t next = at_;
    while (next < page_.size() && (page_[next] == ' ' || page_[next] == ':')) {
        ++next;
    }
    const char first = next < page_.size() ? page_[next] : '\0';
    if (first == '*' || first == '#' || first == ';' || first == '|' ||
        (first == '!' && is_in_table_)) {
        kind_ = LineKind::Left;
    } else if (first == '=' && next == at_) {
        kind_ = LineKind::Heading;
    } else if (first == '-' && page_.substr(next, 4) == "----") {
        next = std::min(page_.find_first_not_of('-', next), page_.size());
    } else if (first == '{' && page_.substr(next, 2) == "{|") {
        const std::size_t end = scan_.table_end(next);
        is_in_table_ = is_in_table_ || end == Scan::npos;
        kind_ = end == Scan::npos ? LineKind::Left : LineKind::Text;
        next = end == Scan::npos ? next + 2 : end;
    }
    at_ = next;
}

void WikitextCleaner::end_line() { lines_.end_line(kind_); }

void WikitextCleaner::at_special() {
    switch (page_[at_]) {
        case '\n':
            end_line();
            ++at_;
            begin_line();
            break;
        case '{':
            at_brace();
            break;
        case '}':
            // Without its "{{": the remains of a construct.
            if (ahead(1) == '}') {
                at_ += 2;
            } else {
                lines_.put('}');
                ++at_;
            }
            break;
        case '[':
            ahead(1) == '[' ? at_link() : at_bracket();
            break;
        case ']':
            at_closing_bracket();
            break;
        case '<':
            at_tag();
            break;
        case '&':
            at_entity();
            break;
        case '\'':
            at_quote();
            break;
        default:
            at_underscore();
            break;
    }
}

void WikitextCleaner::at_brace() {
    if (ahead(1) != '{') {
        lines_.put('{');
        ++at_;
        return;
    }
    const std::size_t end = scan_.template_end(at_);
    if (end == Scan::npos) {
        at_ += 2;
        return;
    }
    // "{{{name}}}" has a third brace on both sides.
    const bool is_parameter = ahead(2) == '{' && ahead(3) != '{';
    at_ = is_parameter && end < page_.size() && page_[end] == '}' ? end + 1 : end;
    lines_.note_hole();
}

void WikitextCleaner::at_link() {
    const std::string_view rest = page_.substr(at_ + 2, kLongestTarget);
    const std::size_t length = kTargetEnds.find(rest, 0);
    std::string_view target = rest.substr(0, length);
    const bool is_shown = target.starts_with(':');
    const std::size_t colon = target.find(':');
    if (!is_shown && colon != std::string_view::npos && site_.hides(target.substr(0, colon))) {
        const std::size_t end = scan_.link_end(at_);
        at_ = end == Scan::npos ? at_ + 2 + length : end;
        lines_.note_hole();
        return;
    }
    target.remove_prefix(is_shown ? 1 : 0);
    if (is_address(target)) {
        ++at_;
        lines_.put('[');
        at_bracket();
        return;
    }
    const std::string_view behind = rest.substr(length);
    if (behind.starts_with("]]")) {
        put_target(target, false);
        at_ += 2 + length + 2;
    } else if (behind.starts_with("|]]")) {
        put_target(target, true);
        at_ += 2 + length + 3;
    } else if (behind.starts_with('|')) {
        ++open_links_;
        at_ += 2 + length + 1;
    } else {
        at_ += 2;
    }
}

void WikitextCleaner::put_target(std::string_view target, bool is_trick) {
    put_decoded(is_trick ? without_qualifiers(target) : target);
}

void WikitextCleaner::at_bracket() {
    if (!is_address(page_.substr(at_ + 1, 16))) {
        lines_.put('[');
        ++at_;
        return;
    }
    const std::string_view address = page_.substr(at_ + 1, kLongestAddress);
    const std::size_t length = address.find_first_of(" ]\n<[");
    if (length == std::string_view::npos) {
        lines_.put('[');
        ++at_;
        return;
    }
    at_ += 1 + length;
    if (page_[at_] == ']') {
        ++at_;
        lines_.note_hole();
    } else {
        ++open_external_;
        at_ += page_[at_] == ' ' ? 1 : 0;
    }
}

void WikitextCleaner::at_closing_bracket() {
    const bool is_double = ahead(1) == ']';
    const bool is_triple = is_double && ahead(2) == ']';
    if (open_external_ > 0 && (!is_double || is_triple || open_links_ == 0)) {
        --open_external_;
        ++at_;
    } else if (is_double && open_links_ > 0) {
        --open_links_;
        at_ += 2;
    } else if (is_double) {
        at_ += 2;
    } else {
        lines_.put(']');
        ++at_;
    }
}

void WikitextCleaner::at_tag() {
    if (page_.substr(at_, 4) == "<!--") {
        at_ = scan_.comment_end(at_);
        return;
    }
    const Tag tag = read_tag(page_, at_);
    switch (tag.action) {
        case TagAction::Unknown:
            lines_.put('<');
            ++at_;
            return;
        case TagAction::Strip:
            at_ = tag.end;
            return;
        case TagAction::Space:
            lines_.put(' ');
            at_ = tag.end;
            return;
        case TagAction::Break:
            break_line(tag.end);
            return;
        default:
            drop_element(tag);
    }
}

/// A paragraph ends within a line of wikitext: what follows in a list's line still belongs to it.
void WikitextCleaner::break_line(std::size_t next) {
    const LineKind kind = kind_;
    end_line();
    at_ = next;
    begin_line();
    kind_ = kind == LineKind::Left ? kind : kind_;
}

void WikitextCleaner::drop_element(const Tag& tag) {
    const std::size_t end = tag.is_closing || tag.is_empty ? Scan::npos : scan_.element_end(tag);
    at_ = end == Scan::npos ? tag.end : end;
    if (end == Scan::npos) {
        return;
    }
    if (tag.action == TagAction::Literal) {
        const std::string_view inside = page_.substr(tag.end, end - tag.end);
        put_decoded(inside.substr(0, inside.rfind('<')));
        return;
    }
    if (tag.action == TagAction::Formula) {
        lines_.put("formula_");
        lines_.put(std::to_string(++formulas_));
    }
    lines_.note_hole();
}

void WikitextCleaner::at_quote() {
    const std::size_t run = std::min(page_.find_first_not_of('\'', at_), page_.size()) - at_;
    // Of four one is an apostrophe, of more than five all but five are.
    std::size_t kept = run == 1 || run == 4 ? 1 : 0;
    kept = run > 5 ? run - 5 : kept;
    lines_.put(page_.substr(at_, kept));
    at_ += run;
}

void WikitextCleaner::at_entity() {
    const std::size_t taken = decode_entity(page_.substr(at_), lines_.text());
    if (taken == 0) {
        lines_.put('&');
    }
    at_ += taken == 0 ? 1 : taken;
}

void WikitextCleaner::at_underscore() {
    const std::string_view rest = page_.substr(at_, kLongestWord);
    if (rest.starts_with("__")) {
        const std::size_t end = rest.find("__", 2);
        const std::string_view word = rest.substr(2, end == std::string_view::npos ? 0 : end - 2);
        if (!word.empty() && std::ranges::all_of(word, [](char c) {
                return (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
            })) {
            at_ += end + 2;
            return;
        }
    }
    lines_.put('_');
    ++at_;
}

void WikitextCleaner::put_decoded(std::string_view text) {
    while (!text.empty()) {
        const std::size_t stop = std::min(text.find_first_of("&\n"), text.size());
        lines_.put(text.substr(0, stop));
        text.remove_prefix(stop);
        if (text.empty()) {
            return;
        }
        const std::size_t taken = text.front() == '&' ? decode_entity(text, lines_.text()) : 0;
        if (taken == 0) {
            lines_.put(text.front() == '&' ? '&' : ' ');
        }
        text.remove_prefix(taken == 0 ? 1 : taken);
    }
}

}  // namespace hpml::text
