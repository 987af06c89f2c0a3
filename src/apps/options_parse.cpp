#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "apps/options.h"
#include "apps/program.h"
#include "apps/suggest.h"
#include "base/error.h"
#include "base/file.h"

namespace hpml {

namespace po = boost::program_options;

/// A name and its values as the user wrote them.
struct OptionTable::Assignment {
    std::string name;  ///< empty for an argument without a name
    std::vector<std::string> values;
    std::string where;  ///< "FILE:LINE: ", the variable, or empty for the command line
};

namespace {

/// What Boost needs to know to split a command line: how many tokens follow each name.
po::options_description token_counts(const std::vector<OptionRow>& rows) {
    po::options_description description;
    const auto add = [&](const std::string& name, const OptionRow& row) {
        if (row.is_flag) {
            description.add_options()(name.c_str(), po::value<std::string>()->implicit_value("on"));
        } else if (is_list(row.target)) {
            description.add_options()(name.c_str(),
                                      po::value<std::vector<std::string>>()->multitoken());
        } else {
            description.add_options()(name.c_str(), po::value<std::string>());
        }
    };
    for (const auto& row : rows) {
        if (row.is_positional) {
            continue;
        }
        add(row.name, row);
        for (const auto& alias : row.aliases) {
            add(alias, row);
        }
    }
    return description;
}

bool is_named(const OptionRow& row, const std::string& name) {
    return row.name == name ||
           std::find(row.aliases.begin(), row.aliases.end(), name) != row.aliases.end();
}

/// "--steps" on the command line and "steps" in a file.
std::string spelled(const std::string& name, bool in_file) { return (in_file ? "" : "--") + name; }

std::string shown(const OptionRow& row, bool in_file) {
    return row.is_positional ? row.name : spelled(row.name, in_file);
}

}  // namespace

ParseResult OptionTable::parse(int argc, const char* const* argv) {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (launched_rank() == 0) {
        return parse(arguments, std::cout);
    }
    std::ostream nowhere(nullptr);
    return parse(arguments, nowhere);
}

ParseResult OptionTable::parse(const std::vector<std::string>& arguments, std::ostream& out) {
    for (auto& row : rows_) {
        row.default_texts = value_texts(row.target);
    }
    if (answer(arguments, out)) {
        return ParseResult::Exit;
    }
    const auto from_command_line = split_command_line(arguments);
    apply_environment();
    for (const auto& assignment : from_command_line) {
        if (assignment.name == "config" && !assignment.values.empty()) {
            apply(read_config(assignment.values.front()), Origin::File);
        }
    }
    const bool has_config = std::any_of(from_command_line.begin(), from_command_line.end(),
                                        [](const auto& given) { return given.name == "config"; });
    if (!has_config && !default_config_.empty() && std::filesystem::exists(default_config_)) {
        apply(read_config(default_config_), Origin::File);
    }
    apply(from_command_line, Origin::CommandLine);
    if (requests_.print_config) {
        out << effective_config();
        return ParseResult::Exit;
    }
    check_required();
    return ParseResult::Run;
}

bool OptionTable::answer(const std::vector<std::string>& arguments, std::ostream& out) const {
    for (const auto& argument : arguments) {
        if (argument == "--help" || argument == "-h") {
            out << help();
        } else if (argument == "--help-all") {
            out << help(true);
        } else if (argument == "--version") {
            out << version_text(program_, libraries_);
        } else if (argument == "--print-manual") {
            out << manual();
        } else {
            continue;
        }
        return true;
    }
    return false;
}

std::vector<OptionTable::Assignment> OptionTable::split_command_line(
    const std::vector<std::string>& arguments) const {
    const auto description = token_counts(rows_);
    namespace style = po::command_line_style;
    std::vector<Assignment> assignments;
    try {
        const auto parsed =
            po::command_line_parser(arguments)
                .options(description)
                .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
                .allow_unregistered()
                .run();
        for (const auto& option : parsed.options) {
            add_split(option, assignments);
        }
    } catch (const po::invalid_command_line_syntax& failure) {
        refuse_without_value(failure.get_option_name().substr(2));
    } catch (const po::error& failure) {
        throw UsageError(std::string("cannot read the command line: ") + failure.what() +
                         "; see --help");
    }
    return assignments;
}

void OptionTable::add_split(const po::option& option, std::vector<Assignment>& assignments) const {
    const bool is_adjacent = option.original_tokens.empty() ||
                             option.original_tokens.front().find('=') != std::string::npos;
    if (option.string_key.empty() || is_adjacent || option.value.empty()) {
        assignments.push_back({option.string_key, option.value, ""});
        return;
    }
    // Boost takes the next option for a value, and the argument behind a flag for the flag's.
    if (option.value.front().starts_with("--")) {
        refuse_without_value(option.string_key);
    }
    const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const auto& candidate) {
        return is_named(candidate, option.string_key);
    });
    if (row != rows_.end() && row->is_flag) {
        assignments.push_back({option.string_key, {}, ""});
        assignments.push_back({"", option.value, ""});
        return;
    }
    assignments.push_back({option.string_key, option.value, ""});
}

void OptionTable::refuse_without_value(const std::string& name) const {
    const auto row = std::find_if(rows_.begin(), rows_.end(),
                                  [&](const auto& candidate) { return is_named(candidate, name); });
    throw UsageError("option --" + name + " needs a value" +
                     (row == rows_.end() ? "; see " + program_ + " --help"
                                         : ": expected " + expectation(row->target, row->rule)));
}

std::vector<OptionTable::Assignment> OptionTable::read_config(
    const std::filesystem::path& file) const {
    const auto description = token_counts(rows_);
    std::istringstream text(read_text(file));
    std::vector<Assignment> assignments;
    std::string line;
    // One line at a time, because Boost's reader keeps no line numbers; its grammar knows no value
    // of several lines. A [heading] is decoration: names are unique without it.
    for (int number = 1; std::getline(text, line); ++number) {
        const std::string where = file.string() + ":" + std::to_string(number);
        std::istringstream one(line);
        try {
            for (const auto& option : po::parse_config_file(one, description, true).options) {
                assignments.push_back({option.string_key, option.value, where});
            }
        } catch (const po::error&) {
            throw UsageError(where + ": cannot read '" + line +
                             "': expected NAME = VALUE, a [heading] or a # comment");
        }
    }
    return assignments;
}

OptionRow& OptionTable::find_or_suggest(const Assignment& assignment, bool in_file) {
    std::vector<std::string> candidates;
    for (auto& row : rows_) {
        if (row.is_positional || (in_file && row.is_request)) {
            continue;
        }
        if (is_named(row, assignment.name)) {
            return row;
        }
        candidates.push_back(row.name);
        candidates.insert(candidates.end(), row.aliases.begin(), row.aliases.end());
    }
    const auto meant = nearest(assignment.name, candidates);
    throw UsageError(
        (in_file ? assignment.where + ": " : "") + "unknown option " +
        spelled(assignment.name, in_file) + ". " +
        (meant ? "Did you mean " + spelled(*meant, in_file) + "?" : "See " + program_ + " --help"));
}

OptionRow& OptionTable::next_positional(const std::string& text) {
    for (auto& row : rows_) {
        if (row.is_positional && (row.origin != Origin::CommandLine || is_list(row.target))) {
            return row;
        }
    }
    throw UsageError("unexpected argument '" + text + "' (" + program_ +
                     " takes options, which begin with --); see " + program_ + " --help");
}

void OptionTable::apply(const std::vector<Assignment>& assignments, Origin origin) {
    const bool in_file = origin == Origin::File;
    for (const auto& assignment : assignments) {
        const bool is_bare = assignment.name.empty();
        if (is_bare && assignment.values.front().starts_with('-')) {
            throw UsageError("unknown option " + assignment.values.front() +
                             " (options have a name behind two dashes); see " + program_ +
                             " --help");
        }
        OptionRow& row = is_bare ? next_positional(assignment.values.front())
                                 : find_or_suggest(assignment, in_file);
        const std::string prefix = in_file ? assignment.where + ": " : "";
        if (row.origin == origin && !is_list(row.target)) {
            throw UsageError(prefix + "option " + shown(row, in_file) +
                             " is given twice; keep one of the two");
        }
        if (row.origin != origin) {
            clear_list(row.target);
        }
        fill(row, assignment, prefix);
        row.origin = origin;
        row.origin_detail = assignment.where;
    }
}

void OptionTable::fill(const OptionRow& row, const Assignment& assignment,
                       const std::string& prefix) const {
    const bool is_bare_flag = row.is_flag && assignment.values.empty();
    for (const auto& text : is_bare_flag ? std::vector<std::string>{"on"} : assignment.values) {
        if (!assign_value(row.target, row.rule, text)) {
            throw UsageError(prefix + "bad value '" + text + "' for " +
                             shown(row, !prefix.empty()) + ": expected " +
                             expectation(row.target, row.rule));
        }
    }
}

void OptionTable::apply_environment() {
    for (auto& row : rows_) {
        const char* value =
            row.environment.empty() ? nullptr : std::getenv(row.environment.c_str());
        if (value == nullptr || *value == '\0') {
            continue;
        }
        clear_list(row.target);
        const std::string prefix = "environment variable " + row.environment + ": ";
        std::string text = value;
        if (row.foreign.translate) {
            const auto translated = row.foreign.translate(text);
            if (!translated) {
                throw UsageError(prefix + "bad value '" + text + "': expected " +
                                 row.foreign.expectation + "; unset it, or give --" + row.name);
            }
            text = *translated;
        }
        fill(row, {row.name, {text}, row.environment}, prefix);
        row.origin = Origin::Environment;
        row.origin_detail = row.environment;
    }
}

void OptionTable::check_required() const {
    for (const auto& row : rows_) {
        if (!row.is_required || !value_texts(row.target).empty()) {
            continue;
        }
        std::string how =
            row.is_positional ? "" : "; or a line '" + row.name + " = ...' in --config";
        if (!row.environment.empty()) {
            how += ", or set " + row.environment;
        }
        throw UsageError(shown(row, false) + " is needed (" + row.help + ")" + how);
    }
}

}  // namespace hpml
