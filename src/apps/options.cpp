#include "apps/options.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hpml {

namespace {

std::string shown_name(const std::string& name) { return "option --" + name; }

}  // namespace

OptionTable::OptionTable(std::string program, std::string purpose)
    : program_(std::move(program)), purpose_(std::move(purpose)) {
    auto general = group("General");
    general.add("config", requests_.config, "Read options from FILE; the command line beats it")
        .placeholder("FILE");
    general.add_flag("help", requests_.help, "Show this text");
    general.add_flag("help-all", requests_.help_all, "Show also the options that few need");
    general.add_flag("version", requests_.version, "Show version, build and libraries");
    general.add_flag("print-config", requests_.print_config,
                     "Print the effective options as a file for --config");
    general.add_flag("print-manual", requests_.print_manual, "Print the man page (roff)")
        .advanced();
    for (auto& row : rows_) {
        row.is_request = true;
    }
}

OptionTable& OptionTable::library(std::string line) {
    libraries_.push_back(std::move(line));
    return *this;
}

OptionTable& OptionTable::example(std::string command, std::string meaning) {
    examples_.emplace_back(std::move(command), std::move(meaning));
    return *this;
}

OptionTable& OptionTable::default_config(std::filesystem::path file) {
    default_config_ = std::move(file);
    return *this;
}

const OptionRow& OptionTable::row(std::string_view name) const {
    const auto found = std::find_if(rows_.begin(), rows_.end(),
                                    [&](const OptionRow& row) { return row.name == name; });
    if (found == rows_.end()) {
        throw InternalError("internal: no " + shown_name(std::string(name)) + " in the table of " +
                            program_ + "; please report this");
    }
    return *found;
}

bool OptionTable::is_set(std::string_view name) const {
    return row(name).origin != Origin::Default;
}

Origin OptionTable::origin(std::string_view name) const { return row(name).origin; }

OptionGroup& OptionGroup::add_row(std::string name, OptionTarget target, std::string help) {
    for (const auto& row : table_->rows_) {
        const bool taken = row.name == name || std::find(row.aliases.begin(), row.aliases.end(),
                                                         name) != row.aliases.end();
        expects(!taken, "every option name to be declared once");
    }
    expects(!help.empty(), "every option to have a help text");
    OptionRow row;
    row.name = std::move(name);
    row.help = std::move(help);
    row.group = title_;
    row.target = std::move(target);
    table_->rows_.push_back(std::move(row));
    return *this;
}

OptionGroup& OptionGroup::add_flag(std::string name, bool& target, std::string help) {
    add_row(std::move(name), OptionTarget(&target), std::move(help));
    last().is_flag = true;
    return *this;
}

OptionGroup& OptionGroup::add_size(std::string name, Bytes& target, Bytes unit, std::string help) {
    const auto factor = static_cast<double>(unit.value);
    ScaledTarget access{[&target, factor] { return static_cast<double>(target.value) / factor; },
                        [&target, factor](double number) {
                            constexpr double kMost = 0x1p62;
                            const double bytes = std::round(number * factor);
                            if (bytes < 0 || bytes > kMost) {
                                return false;
                            }
                            target = Bytes(static_cast<std::uint64_t>(bytes));
                            return true;
                        }};
    return add_row(std::move(name), OptionTarget(std::move(access)), std::move(help)).at_least(0);
}

OptionGroup& OptionGroup::add_hours(std::string name, Seconds& target, std::string help) {
    ScaledTarget access{[&target] { return target.value / 3600; },
                        [&target](double number) {
                            target = Seconds(number * 3600);
                            return true;
                        }};
    return add_row(std::move(name), OptionTarget(std::move(access)), std::move(help))
        .range(0, kMostHours)
        .unit("hours");
}

OptionGroup& OptionGroup::add_microseconds(std::string name, Seconds& target, std::string help) {
    ScaledTarget access{[&target] { return target.value * 1e6; },
                        [&target](double number) {
                            target = Seconds(number / 1e6);
                            return true;
                        }};
    return add_row(std::move(name), OptionTarget(std::move(access)), std::move(help)).at_least(0);
}

OptionRow& OptionGroup::last() {
    expects(!table_->rows_.empty() && table_->rows_.back().group == title_,
            "an option to be added to the group before it is modified");
    return table_->rows_.back();
}

OptionGroup& OptionGroup::mark_positional() {
    last().is_positional = true;
    return *this;
}

OptionGroup& OptionGroup::at_least(double bound) {
    last().rule.least = bound;
    return *this;
}

OptionGroup& OptionGroup::at_most(double bound) {
    last().rule.most = bound;
    return *this;
}

OptionGroup& OptionGroup::above(double bound) {
    last().rule.above_least = true;
    return at_least(bound);
}

OptionGroup& OptionGroup::below(double bound) {
    last().rule.below_most = true;
    return at_most(bound);
}

OptionGroup& OptionGroup::choices(std::vector<std::string> words) {
    last().rule.choices = std::move(words);
    return *this;
}

OptionGroup& OptionGroup::or_file(std::string suffix) {
    last().rule.or_suffix = std::move(suffix);
    return *this;
}

OptionGroup& OptionGroup::unit(std::string unit) {
    last().rule.unit = std::move(unit);
    return *this;
}

OptionGroup& OptionGroup::placeholder(std::string text) {
    last().placeholder = std::move(text);
    return *this;
}

OptionGroup& OptionGroup::alias(std::string name) {
    last().aliases.push_back(std::move(name));
    return *this;
}

OptionGroup& OptionGroup::from_environment(std::string variable) {
    last().environment = std::move(variable);
    return *this;
}

OptionGroup& OptionGroup::from_environment(std::string variable, ForeignVariable meaning) {
    last().foreign = std::move(meaning);
    return from_environment(std::move(variable));
}

OptionGroup& OptionGroup::required() {
    last().is_required = true;
    return *this;
}

OptionGroup& OptionGroup::advanced() {
    last().is_advanced = true;
    return *this;
}

}  // namespace hpml
