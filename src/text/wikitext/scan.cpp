#include "text/wikitext/scan.h"

#include <algorithm>

#include "text/wikitext/find.h"

namespace hpml::text {

namespace {

constexpr int kMostVain = 4;

constexpr ByteSet kBraces("{}<");
constexpr ByteSet kBrackets("[]");

}  // namespace

void Scan::begin(std::string_view page) {
    page_ = page;
    unclosed_.clear();
    vain_templates_ = 0;
    vain_tables_ = 0;
    vain_links_ = 0;
    unclosed_from_.fill(npos);
}

std::size_t Scan::comment_end(std::size_t at) const {
    const std::size_t end = page_.find("-->", at + 4);
    return end == npos ? page_.size() : end + 3;
}

std::size_t Scan::pass_opaque(std::size_t at) {
    if (page_.substr(at, 4) == "<!--") {
        return comment_end(at);
    }
    const Tag tag = read_tag(page_, at);
    const bool is_opaque = tag.action == TagAction::Drop || tag.action == TagAction::Literal ||
                           tag.action == TagAction::Formula;
    if (!is_opaque || tag.is_closing || tag.is_empty) {
        return at + 1;
    }
    const std::size_t end = element_end(tag);
    return end == npos ? tag.end : end;
}

std::size_t Scan::template_end(std::size_t at) {
    if (vain_templates_ >= kMostVain || std::ranges::binary_search(unclosed_, at)) {
        return npos;
    }
    open_.clear();
    for (std::size_t i = at; (i = kBraces.find(page_, i)) < page_.size();) {
        const char character = page_[i];
        if (character == '<') {
            i = pass_opaque(i);
        } else if (i + 1 >= page_.size() || page_[i + 1] != character) {
            ++i;
        } else if (character == '{') {
            open_.push_back(i);
            i += 2;
        } else {
            open_.pop_back();
            i += 2;
            if (open_.empty()) {
                return i;
            }
        }
    }
    ++vain_templates_;
    unclosed_.insert(unclosed_.end(), open_.begin(), open_.end());
    std::ranges::sort(unclosed_);
    return npos;
}

std::size_t Scan::table_end(std::size_t at) {
    if (vain_tables_ >= kMostVain) {
        return npos;
    }
    std::size_t depth = 1;
    for (std::size_t line = page_.find('\n', at); line != npos; line = page_.find('\n', line)) {
        line = std::min(page_.find_first_not_of(" \t:\n", line), page_.size());
        const std::string_view mark = page_.substr(line, 3);
        if (mark.starts_with("{|")) {
            ++depth;
        } else if (mark.starts_with("|}") && mark != "|}}" && --depth == 0) {
            return line + 2;
        }
    }
    ++vain_tables_;
    return npos;
}

std::size_t Scan::link_end(std::size_t at) {
    if (vain_links_ >= kMostVain) {
        return npos;
    }
    std::size_t depth = 0;
    bool is_in_single = false;  // "[http://... text]" in a caption
    for (std::size_t i = at; (i = kBrackets.find(page_, i)) < page_.size();) {
        const char character = page_[i];
        const bool is_double = i + 1 < page_.size() && page_[i + 1] == character;
        const bool is_triple = is_double && i + 2 < page_.size() && page_[i + 2] == character;
        if (!is_double || (is_triple && character == ']' && is_in_single)) {
            is_in_single = character == '[';
            ++i;
            continue;
        }
        i += 2;
        is_in_single = false;
        depth += character == '[' ? 1 : -1;
        if (depth == 0) {
            return i;
        }
    }
    ++vain_links_;
    return npos;
}

std::size_t Scan::element_end(const Tag& open) {
    std::size_t& unclosed_from = unclosed_from_[open.name];
    if (open.end >= unclosed_from) {
        return npos;
    }
    if (open.action == TagAction::DropNested) {
        return nested_element_end(open);
    }
    for (std::size_t i = page_.find("</", open.end); i != npos; i = page_.find("</", i + 2)) {
        const Tag tag = read_tag(page_, i);
        if (tag.action != TagAction::Unknown && tag.name == open.name) {
            return tag.end;
        }
    }
    unclosed_from = open.end;
    return npos;
}

std::size_t Scan::nested_element_end(const Tag& open) {
    std::size_t depth = 1;
    std::size_t last = npos;
    for (std::size_t i = page_.find('<', open.end); i != npos; i = page_.find('<', i + 1)) {
        const Tag tag = read_tag(page_, i);
        if (tag.action == TagAction::Unknown || tag.name != open.name || tag.is_empty) {
            continue;
        }
        if (!tag.is_closing) {
            ++depth;
            continue;
        }
        last = tag.end;
        if (--depth == 0) {
            break;
        }
    }
    if (last == npos) {
        unclosed_from_[open.name] = open.end;
    }
    return last;
}

}  // namespace hpml::text
