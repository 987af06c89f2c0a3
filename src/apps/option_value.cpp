#include "apps/option_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace hpml {

namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
// C++20 deduces this by itself; clang-tidy 16 does not yet.
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <class T>
bool parse_whole(std::string_view text, T& value) {
    if (text.starts_with('+')) {
        return false;
    }
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() && end == text.data() + text.size();
}

bool within(const ValueRule& rule, double value) {
    return (rule.above_least ? value > rule.least : value >= rule.least) &&
           (rule.below_most ? value < rule.most : value <= rule.most);
}

template <class T>
bool assign_number(const ValueRule& rule, std::string_view text, T& target) {
    std::remove_cvref_t<T> value{};
    if (!parse_whole(text, value) || !std::isfinite(static_cast<double>(value)) ||
        !within(rule, static_cast<double>(value))) {
        return false;
    }
    target = value;
    return true;
}

bool assign_duration(const ValueRule& rule, std::string_view text, Seconds& target) {
    double unit = 1;
    if (!text.empty() && text.back() >= 'a') {
        const std::string_view letters = "smhd";
        const double seconds[] = {1, 60, 3600, 86400};
        const auto index = letters.find(text.back());
        if (index == std::string_view::npos) {
            return false;
        }
        unit = seconds[index];
        text.remove_suffix(1);
    }
    double value = 0;
    if (!assign_number({}, text, value) || !within(rule, value * unit) || value < 0 ||
        value * unit > kMostHours * 3600) {
        return false;
    }
    target = Seconds(value * unit);
    return true;
}

bool fits_config_file(std::string_view text) {
    const bool clean = std::none_of(text.begin(), text.end(), [](char letter) {
        return letter == '#' || static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
    });
    return clean && !text.empty() && text.front() != ' ' && text.back() != ' ';
}

bool text_allowed(const ValueRule& rule, std::string_view text) {
    if (!fits_config_file(text)) {
        return false;
    }
    const bool is_choice =
        std::find(rule.choices.begin(), rule.choices.end(), text) != rule.choices.end();
    const bool is_file = !rule.or_suffix.empty() && text.size() > rule.or_suffix.size() &&
                         text.ends_with(rule.or_suffix);
    return rule.choices.empty() || is_choice || is_file;
}

template <class T>
bool assign_text(const ValueRule& rule, const std::string& text, T& target) {
    if (!text_allowed(rule, text)) {
        return false;
    }
    target = text;
    return true;
}

bool assign_switch(std::string_view text, bool& target) {
    if (text != "on" && text != "off") {
        return false;
    }
    target = text == "on";
    return true;
}

bool assign_word(const ValueRule& rule, std::string_view text, const WordTarget& words) {
    const auto word = std::find(rule.choices.begin(), rule.choices.end(), text);
    if (word == rule.choices.end()) {
        return false;
    }
    words.write(static_cast<std::size_t>(word - rule.choices.begin()));
    return true;
}

template <class T>
bool append_text(const ValueRule& rule, const std::string& text, std::vector<T>& targets) {
    T value;
    if (!assign_text(rule, text, value)) {
        return false;
    }
    targets.push_back(std::move(value));
    return true;
}

template <class T>
bool append_number(const ValueRule& rule, std::string_view text, std::vector<T>& targets) {
    T value{};
    if (!assign_number(rule, text, value)) {
        return false;
    }
    targets.push_back(value);
    return true;
}

template <class T>
bool assign_optional_number(const ValueRule& rule, std::string_view text,
                            std::optional<T>& target) {
    T value{};
    if (!assign_number(rule, text, value)) {
        return false;
    }
    target = value;
    return true;
}

std::string duration_text(Seconds seconds) {
    for (const auto& [unit, letter] : {std::pair{3600.0, 'h'}, std::pair{60.0, 'm'}}) {
        if (seconds.value >= unit && std::fmod(seconds.value, unit) == 0) {
            return fmt::format("{}{}", seconds.value / unit, letter);
        }
    }
    return fmt::format("{}s", seconds.value);
}

std::string bounds_text(const ValueRule& rule) {
    const bool has_least = std::isfinite(rule.least);
    const bool has_most = std::isfinite(rule.most);
    if (has_least && has_most && !rule.above_least && !rule.below_most) {
        return fmt::format(" from {} to {}", rule.least, rule.most);
    }
    std::string text;
    if (has_least) {
        text += fmt::format(" {} {}", rule.above_least ? "above" : "of at least", rule.least);
    }
    if (has_most) {
        text += fmt::format("{} {} {}", has_least ? " and" : "",
                            rule.below_most ? "below" : "at most", rule.most);
    }
    return text;
}

std::string choices_text(const ValueRule& rule) {
    std::string text = fmt::format("one of {}", fmt::join(rule.choices, ", "));
    if (!rule.or_suffix.empty()) {
        text += " or a file *" + rule.or_suffix;
    }
    return text;
}

constexpr const char* kPathExpectation =
    "a file or folder name without '#', control characters or spaces at its ends";

}  // namespace

bool assign_value(const OptionTarget& target, const ValueRule& rule, const std::string& text) {
    using Path = std::filesystem::path;
    return std::visit(
        Overloaded{
            [&](bool* member) { return assign_switch(text, *member); },
            [&](Seconds* member) { return assign_duration(rule, text, *member); },
            [&](std::string* member) { return assign_text(rule, text, *member); },
            [&](Path* member) { return assign_text(rule, text, *member); },
            [&](std::optional<std::string>* member) { return assign_text(rule, text, *member); },
            [&](std::optional<Path>* member) { return assign_text(rule, text, *member); },
            [&](std::vector<std::string>* members) { return append_text(rule, text, *members); },
            [&](std::vector<Path>* members) { return append_text(rule, text, *members); },
            [&](std::vector<std::int64_t>* members) { return append_number(rule, text, *members); },
            [&](std::vector<double>* members) { return append_number(rule, text, *members); },
            [&](std::optional<std::int64_t>* member) {
                return assign_optional_number(rule, text, *member);
            },
            [&](std::optional<double>* member) {
                return assign_optional_number(rule, text, *member);
            },
            [&](const WordTarget& words) { return assign_word(rule, text, words); },
            [&](const ScaledTarget& quantity) {
                double number = 0;
                return assign_number(rule, text, number) && quantity.write(number);
            },
            [&](auto* number) { return assign_number(rule, text, *number); }},
        target);
}

std::vector<std::string> value_texts(const OptionTarget& target) {
    using Texts = std::vector<std::string>;
    const auto number_texts = [](const auto& numbers) {
        Texts texts;
        for (const auto number : numbers) {
            texts.push_back(fmt::format("{}", number));
        }
        return texts;
    };
    const auto unless_empty = [](std::string text) {
        return text.empty() ? Texts{} : Texts{std::move(text)};
    };
    return std::visit(
        Overloaded{
            [](const bool* member) { return Texts{*member ? "on" : "off"}; },
            [](const Seconds* member) { return Texts{duration_text(*member)}; },
            [&](const std::string* member) { return unless_empty(*member); },
            [&](const std::filesystem::path* member) { return unless_empty(member->string()); },
            [&](const std::optional<std::string>* member) {
                return unless_empty(member->value_or(""));
            },
            [&](const std::optional<std::filesystem::path>* member) {
                return unless_empty(member->value_or("").string());
            },
            [](const std::vector<std::string>* members) { return *members; },
            [](const std::vector<std::filesystem::path>* members) {
                return Texts(members->begin(), members->end());
            },
            [&](const std::vector<std::int64_t>* members) { return number_texts(*members); },
            [&](const std::vector<double>* members) { return number_texts(*members); },
            [](const std::optional<std::int64_t>* member) {
                return *member ? Texts{fmt::format("{}", **member)} : Texts{};
            },
            [](const std::optional<double>* member) {
                return *member ? Texts{fmt::format("{}", **member)} : Texts{};
            },
            [&](const WordTarget& words) { return unless_empty(words.read()); },
            // Digits enough for every unit, few enough to hide what scaling rounds.
            [](const ScaledTarget& quantity) {
                return Texts{fmt::format("{:.12g}", quantity.read())};
            },
            [](const auto* number) { return Texts{fmt::format("{}", *number)}; }},
        target);
}

std::string expectation(const OptionTarget& target, const ValueRule& rule) {
    if (!rule.choices.empty()) {
        return choices_text(rule);
    }
    const std::string unit = rule.unit.empty() ? "" : " (" + rule.unit + ")";
    const std::string whole = "a whole number" + bounds_text(rule) + unit;
    const std::string real = "a finite number" + bounds_text(rule) + unit;
    const std::string text = "a text without '#', control characters or spaces at its ends";
    return std::visit(
        Overloaded{
            [](const bool*) { return std::string("on or off"); },
            [](const Seconds*) {
                return fmt::format("a time such as 90, 90s, 5m, 2h or 1d, at most {}h", kMostHours);
            },
            [&](const double*) { return real; }, [&](const ScaledTarget&) { return real; },
            [&](const std::optional<double>*) { return real; },
            [&](const std::uint64_t*) {
                return std::isfinite(rule.least) ? whole : "a whole number of at least 0";
            },
            [&](const std::string*) { return text; },
            [&](const std::optional<std::string>*) { return text; },
            [&](const std::vector<std::string>*) { return text; },
            [](const std::filesystem::path*) { return std::string(kPathExpectation); },
            [](const std::optional<std::filesystem::path>*) {
                return std::string(kPathExpectation);
            },
            [](const std::vector<std::filesystem::path>*) { return std::string(kPathExpectation); },
            [&](const WordTarget&) { return choices_text(rule); },
            [&](const auto*) { return whole; }},
        target);
}

std::string short_rule(const ValueRule& rule) {
    std::vector<std::string> parts;
    if (!rule.unit.empty()) {
        parts.push_back(rule.unit);
    }
    if (std::isfinite(rule.least)) {
        parts.push_back(fmt::format("{} {}", rule.above_least ? ">" : ">=", rule.least));
    }
    if (std::isfinite(rule.most)) {
        parts.push_back(fmt::format("{} {}", rule.below_most ? "<" : "<=", rule.most));
    }
    if (!rule.choices.empty()) {
        parts.push_back(choices_text(rule));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string placeholder_for(const OptionTarget& target) {
    return std::visit(
        Overloaded{[](const bool*) { return "on|off"; }, [](const Seconds*) { return "TIME"; },
                   [](const double*) { return "X"; }, [](const ScaledTarget&) { return "X"; },
                   [](const std::optional<double>*) { return "X"; },
                   [](const std::string*) { return "TEXT"; },
                   [](const std::optional<std::string>*) { return "TEXT"; },
                   [](const std::vector<std::string>*) { return "TEXT..."; },
                   [](const std::filesystem::path*) { return "PATH"; },
                   [](const std::optional<std::filesystem::path>*) { return "PATH"; },
                   [](const std::vector<std::filesystem::path>*) { return "PATH..."; },
                   [](const std::vector<std::int64_t>*) { return "N..."; },
                   [](const std::vector<double>*) { return "X..."; },
                   [](const WordTarget&) { return "WORD"; }, [](const auto*) { return "N"; }},
        target);
}

bool is_list(const OptionTarget& target) {
    return std::holds_alternative<std::vector<std::string>*>(target) ||
           std::holds_alternative<std::vector<std::int64_t>*>(target) ||
           std::holds_alternative<std::vector<double>*>(target) ||
           std::holds_alternative<std::vector<std::filesystem::path>*>(target);
}

bool is_free_text(const OptionTarget& target) {
    const std::string placeholder = placeholder_for(target);
    return placeholder.starts_with("TEXT") || placeholder.starts_with("PATH");
}

void clear_list(const OptionTarget& target) {
    std::visit(
        Overloaded{[](std::vector<std::string>* members) { members->clear(); },
                   [](std::vector<std::filesystem::path>* members) { members->clear(); },
                   [](std::vector<std::int64_t>* members) { members->clear(); },
                   [](std::vector<double>* members) { members->clear(); }, [](const auto&) {}},
        target);
}

}  // namespace hpml
