#include <fmt/format.h>

#include <algorithm>

#include "apps/options.h"
#include "base/version.h"

namespace hpml {

namespace {

/// Text that roff shows as it stands: backslash and dash escaped, no line taken for a request.
std::string roff(const std::string& text) {
    std::string result;
    for (const char letter : text) {
        if (letter == '\\') {
            result += "\\e";
        } else if (letter == '-') {
            result += "\\-";
        } else {
            if (result.empty() && (letter == '.' || letter == '\'')) {
                result += "\\&";
            }
            result += letter;
        }
    }
    return result;
}

std::string manual_row(const OptionRow& row) {
    std::string name = row.is_positional ? roff(row.name) : roff("--" + row.name);
    for (const auto& alias : row.aliases) {
        name += ", " + roff("--" + alias);
    }
    if (!row.is_positional && !row.is_flag) {
        name += " \\fI" + roff(shown_placeholder(row)) + "\\fR";
    }
    std::string text = ".TP\n.B " + name + "\n" + roff(row.help) + ".\n";
    if (!row.is_flag && (!is_free_text(row.target) || !row.rule.choices.empty())) {
        text += "Expected: " + roff(expectation(row.target, row.rule)) + ".\n";
    }
    if (row.is_required) {
        text += "Required.\n";
    } else if (!row.is_flag && !row.default_texts.empty()) {
        text += roff(fmt::format("Default: {}.", fmt::join(row.default_texts, " "))) + "\n";
    }
    if (!row.environment.empty()) {
        text += "Else taken from the environment variable " + roff(row.environment) + ".\n";
    }
    return text;
}

/// The table of exit codes; the same for every executable.
constexpr const char* kExitCodes[][2] = {
    {"0", "finished, or a planned stop; hpml_status --brief RUN tells which"},
    {"64", "bad command line or option value"},
    {"65", "the content of an input is wrong"},
    {"66", "an input is missing or unreadable"},
    {"69", "a resource is missing: GPU, NCCL, memory"},
    {"70", "internal error"},
    {"73", "an output cannot be created"},
    {"74", "reading or writing failed midway"},
    {"76", "a peer hangs or is lost"},
    {"77", "the training diverged"},
    {"78", "the run directory or a peer disagrees with the options"},
    {"79", "replicas differ (reserved)"},
    {"80", "start after start has died from the same checkpoint"},
    {"128+n", "ended by a second signal n"},
};

constexpr const char* kConfigFile =
    "A line reads NAME = VALUE with the name of an option without its dashes; a list takes one "
    "line per element. A # begins a comment, a [heading] has no meaning. The command line beats "
    "the file, the file beats the environment.";

}  // namespace

std::string OptionTable::manual() const {
    const auto build = build_info();
    std::string upper = program_;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char letter) { return std::toupper(letter); });
    std::string text =
        fmt::format(".TH {} 1 \"\" \"hpml {}\" \"User Commands\"\n", roff(upper), build.version);
    text += ".SH NAME\n" + roff(program_ + " - " + purpose_) + "\n";
    text += ".SH SYNOPSIS\n.B " + roff(program_) + "\n[options]";
    for (const auto& row : rows_) {
        text += row.is_positional ? " " + roff(row.name) : "";
    }
    text += "\n.SH OPTIONS\n";
    std::string group;
    const auto add_rows = [&](bool requests) {
        for (const auto& row : rows_) {
            if (row.is_request != requests) {
                continue;
            }
            if (row.group != group) {
                group = row.group;
                text += ".SS " + roff(group) + "\n";
            }
            text += manual_row(row);
        }
    };
    add_rows(false);
    add_rows(true);
    text += ".SH CONFIGURATION FILE\n" + roff(kConfigFile) + "\n.SH EXIT STATUS\n";
    for (const auto& [code, meaning] : kExitCodes) {
        text += fmt::format(".TP\n.B {}\n{}.\n", code, roff(meaning));
    }
    if (!examples_.empty()) {
        text += ".SH EXAMPLES\n";
    }
    for (const auto& [command, meaning] : examples_) {
        text += ".TP\n.B " + roff(command) + "\n" + roff(meaning) + ".\n";
    }
    return text;
}

}  // namespace hpml
