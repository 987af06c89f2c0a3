#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "apps/options.h"
#include "apps/program.h"
#include "base/version.h"

namespace hpml {

namespace {

constexpr std::size_t kWidth = 96;
constexpr std::size_t kLeft = 30;

/// Break `text` at spaces so that each line fits behind `indent` columns.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::istringstream words(text);
    std::string result;
    std::string word;
    std::size_t column = indent;
    while (words >> word) {
        if (column > indent && column + 1 + word.size() > kWidth) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
    }
    return result + "\n";
}

std::string signature(const OptionRow& row) {
    if (row.is_positional) {
        return row.placeholder.empty() ? row.name : row.placeholder;
    }
    return "--" + row.name + (row.is_flag ? "" : " " + shown_placeholder(row));
}

/// Help, bounds or choices, other names and default in one paragraph.
std::string paragraph(const OptionRow& row) {
    std::string text = row.help;
    ValueRule rule = row.rule;
    if (rule.or_suffix.empty() && signature(row).find('|') != std::string::npos) {
        rule.choices.clear();
    }
    if (const std::string bounds = short_rule(rule); !bounds.empty()) {
        text += " (" + bounds + ")";
    }
    if (!row.aliases.empty()) {
        text += fmt::format("; also --{}", fmt::join(row.aliases, ", --"));
    }
    if (!row.environment.empty()) {
        text += "; $" + row.environment;
    }
    if (row.is_required) {
        text += " [required]";
    } else if (!row.is_flag && !row.default_texts.empty()) {
        text += fmt::format(" [{}]", fmt::join(row.default_texts, " "));
    }
    return text;
}

std::string help_row(const OptionRow& row) {
    std::string left = "  " + signature(row);
    if (left.size() + 2 > kLeft) {
        left += "\n" + std::string(kLeft, ' ');
    } else {
        left.resize(kLeft, ' ');
    }
    return left + wrapped(paragraph(row), kLeft);
}

/// Groups in the order of their first option, General last.
std::vector<std::string> group_order(const std::vector<OptionRow>& rows) {
    std::vector<std::string> groups;
    for (const auto& row : rows) {
        if (row.group != "General" &&
            std::find(groups.begin(), groups.end(), row.group) == groups.end()) {
            groups.push_back(row.group);
        }
    }
    groups.emplace_back("General");
    return groups;
}

std::string origin_text(const OptionRow& row) {
    switch (row.origin) {
        case Origin::Default:
            return "default";
        case Origin::Environment:
            return "environment " + row.origin_detail;
        case Origin::File:
            return "file " + row.origin_detail;
        case Origin::CommandLine:
            return "command line";
    }
    return "";
}

std::string config_row(const OptionRow& row) {
    const auto values = value_texts(row.target);
    if (values.empty()) {
        return fmt::format("{:<40} # {}\n", "# " + row.name + " =",
                           row.is_required ? "required" : "not set");
    }
    std::string text;
    for (const auto& value : values) {
        text += fmt::format("{:<40} # {}\n", row.name + " = " + value,
                            printable(origin_text(row), KeepLines::No));
    }
    return text;
}

/// "[options] RUN": required arguments without a name stand behind the options.
std::string synopsis(const OptionTable& table) {
    std::string text = table.program();
    for (const auto& row : table.rows()) {
        if (row.is_required && !row.is_positional) {
            text += " " + signature(row);
        }
    }
    text += " [options]";
    for (const auto& row : table.rows()) {
        if (row.is_positional) {
            text += row.is_required ? " " + signature(row) : " [" + signature(row) + "]";
        }
    }
    return text;
}

}  // namespace

std::string shown_placeholder(const OptionRow& row) {
    if (!row.placeholder.empty()) {
        return row.placeholder;
    }
    if (row.rule.choices.empty()) {
        return placeholder_for(row.target);
    }
    if (!row.rule.or_suffix.empty()) {
        return "NAME|FILE" + row.rule.or_suffix;
    }
    const std::string joined = fmt::format("{}", fmt::join(row.rule.choices, "|"));
    return joined.size() + row.name.size() <= 20 ? joined : "NAME";
}

std::string OptionTable::help(bool with_advanced) const {
    std::string text = program_ + " " + build_info().version + " - " + wrapped(purpose_, 0) + "\n";
    text += "Usage: " + wrapped(synopsis(*this), 7);
    for (const auto& group : group_order(rows_)) {
        std::string rows;
        for (const auto& row : rows_) {
            if (row.group == group && (with_advanced || !row.is_advanced)) {
                rows += help_row(row);
            }
        }
        text += rows.empty() ? "" : "\n" + group + "\n" + rows;
    }
    for (const auto& [command, meaning] : examples_) {
        text += "\n" + wrapped(meaning + ":", 0) + "  " + command + "\n";
    }
    return text + "\nDefaults stand in [brackets].\n";
}

std::string OptionTable::effective_config() const {
    const auto build = build_info();
    std::string text = fmt::format("# {} {} ({}): effective options; give this file to --config\n",
                                   program_, build.version, build.git_revision);
    for (const auto& group : group_order(rows_)) {
        std::string rows;
        for (const auto& row : rows_) {
            if (row.group == group && !row.is_request && !row.is_positional) {
                rows += config_row(row);
            }
        }
        text += rows.empty() ? "" : "\n# " + group + "\n" + rows;
    }
    return text;
}

}  // namespace hpml
