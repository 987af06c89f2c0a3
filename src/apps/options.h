#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/option_value.h"

namespace boost::program_options {
template <class Letter>
class basic_option;
}

namespace hpml {

enum class ParseResult {
    Run,   ///< the members are filled: go on
    Exit,  ///< --help, --version or another request was answered: return 0
};

/// Where an option's value comes from, weakest first.
enum class Origin { Default, Environment, File, CommandLine };

/// How another program's variable is read.
struct ForeignVariable {
    /// The option's value for a text; nothing for a bad one.
    std::function<std::optional<std::string>(const std::string&)> translate;
    std::string expectation;  ///< e.g. "a whole number of bytes"
};

/// One row of the table.
struct OptionRow {
    std::string name;  ///< without dashes
    std::string help;
    std::string group;
    OptionTarget target;
    ValueRule rule;
    std::string placeholder;           ///< e.g. "DIR"; empty: by the type
    std::vector<std::string> aliases;  ///< other names, on the command line and in files
    std::string environment;           ///< variable that gives the default
    ForeignVariable foreign;           ///< without `translate`: the variable is read as it is
    bool is_flag = false;              ///< needs no value on the command line
    bool is_required = false;
    bool is_positional = false;  ///< given without its name, in the order of declaration
    bool is_advanced = false;    ///< shown by --help-all and the man page only
    bool is_request = false;     ///< --help, --config and the like: not part of a .cfg file

    std::vector<std::string> default_texts;  ///< the member's value when parse() was called
    Origin origin = Origin::Default;
    std::string origin_detail;  ///< "FILE:LINE" or the variable's name
};

/// What stands for the value in --help and the man page: DIR, N, on|off, ring|mpi.
[[nodiscard]] std::string shown_placeholder(const OptionRow& row);

class OptionTable;

/// Adds rows under one heading; the modifiers act on the row added last.
class OptionGroup {
  public:
    /// `target` keeps the value and, before parse(), the default. Supported: bool (on|off), int,
    /// int64, uint64, double, Seconds ("90", "90s", "5m", "2h"), string, path, vectors of string,
    /// path or int64 (several values behind one name), std::optional of int64, double, string, path
    /// (empty until set).
    template <class T>
    OptionGroup& add(std::string name, T& target, std::string help) {
        return add_row(std::move(name), OptionTarget(&target), std::move(help));
    }
    /// A bool that is set by its name alone; in a file, and as --name=off, it takes on|off.
    OptionGroup& add_flag(std::string name, bool& target, std::string help);
    /// An argument without a name, e.g. RUN. A list takes all that follow.
    template <class T>
    OptionGroup& add_positional(std::string name, T& target, std::string help) {
        add_row(std::move(name), OptionTarget(&target), std::move(help));
        return mark_positional();
    }
    /// An enumeration with a word for each value.
    template <class E>
    OptionGroup& add_words(std::string name, E& target,
                           std::vector<std::pair<std::string, E>> words, std::string help);
    /// A size as a number of `unit`s, e.g. of KiB; 0 at least.
    OptionGroup& add_size(std::string name, Bytes& target, Bytes unit, std::string help);
    /// A time as a number of hours; 0 at least, kMostHours at most.
    OptionGroup& add_hours(std::string name, Seconds& target, std::string help);
    /// A time as a number of microseconds; 0 at least.
    OptionGroup& add_microseconds(std::string name, Seconds& target, std::string help);

    OptionGroup& at_least(double bound);
    OptionGroup& at_most(double bound);
    OptionGroup& above(double bound);  ///< the bound itself is refused
    OptionGroup& below(double bound);  ///< the bound itself is refused
    OptionGroup& range(double least, double most) { return at_least(least).at_most(most); }
    OptionGroup& choices(std::vector<std::string> words);
    /// Beside the choices, a file name that ends in `suffix`.
    OptionGroup& or_file(std::string suffix);
    OptionGroup& unit(std::string unit);
    OptionGroup& placeholder(std::string text);
    OptionGroup& alias(std::string name);
    /// The variable's value, if set and not empty, replaces the default.
    OptionGroup& from_environment(std::string variable);
    /// A variable of another program, whose values mean something else.
    OptionGroup& from_environment(std::string variable, ForeignVariable meaning);
    OptionGroup& required();
    OptionGroup& advanced();

  private:
    friend class OptionTable;
    OptionGroup(OptionTable& table, std::string title) : table_(&table), title_(std::move(title)) {}
    OptionGroup& add_row(std::string name, OptionTarget target, std::string help);
    OptionGroup& mark_positional();
    [[nodiscard]] OptionRow& last();

    OptionTable* table_;
    std::string title_;
};

/// The options of one executable, declared once: --help, the .cfg reader, --print-config and the
/// man page all come from here. Boost.Program_options splits the command line and the file; names,
/// values and messages are checked here. Local; needs neither MPI nor a GPU.
///
///     OptionTable table("hpml_prepare", "Turn raw text into HDF5 shards");
///     table.group("Input")
///         .add("input", options.input, "Folders or files with text").required()
///         .add("seed", options.seed, "Seed of the validation split");
///     if (table.parse(argc, argv) == ParseResult::Exit) return 0;
class OptionTable {
  public:
    OptionTable(std::string program, std::string purpose);
    ~OptionTable() = default;
    OptionTable(const OptionTable&) = delete;
    OptionTable& operator=(const OptionTable&) = delete;
    OptionTable(OptionTable&&) = delete;
    OptionTable& operator=(OptionTable&&) = delete;

    /// Start or continue a group of options. The handle must not outlive the table.
    [[nodiscard]] OptionGroup group(std::string title) { return {*this, std::move(title)}; }
    /// A line of --version about a library that this executable links, e.g. "HDF5 1.10.8".
    OptionTable& library(std::string line);
    /// A command line and what it does, for --help and the man page.
    OptionTable& example(std::string command, std::string meaning);
    /// Read when the user gives no --config and the file exists.
    OptionTable& default_config(std::filesystem::path file);

    /// Read environment, --config FILE and the command line (which beats the file), fill the
    /// members. Answers --help, --help-all, --version, --print-config and --print-manual on `out`.
    /// @throw UsageError for an unknown, repeated or missing option or a bad value, naming file and
    ///        line where it came from one; MissingInputError if the config file cannot be read.
    ///        Members are then unspecified.
    [[nodiscard]] ParseResult parse(const std::vector<std::string>& arguments, std::ostream& out);
    [[nodiscard]] ParseResult parse(int argc, const char* const* argv);  ///< answers on stdout

    /// Whether the user gave it (command line, file or environment). @throw InternalError if no
    /// such option is declared
    [[nodiscard]] bool is_set(std::string_view name) const;
    [[nodiscard]] Origin origin(std::string_view name) const;

    /// The effective options with their origin as comments; reading it back with --config gives the
    /// same values. What is unset stands there commented out.
    [[nodiscard]] std::string effective_config() const;
    /// The text of --help.
    [[nodiscard]] std::string help(bool with_advanced = false) const;
    /// The man page, section 1, in roff.
    [[nodiscard]] std::string manual() const;

    [[nodiscard]] const std::string& program() const noexcept { return program_; }
    [[nodiscard]] const std::vector<OptionRow>& rows() const noexcept { return rows_; }

  private:
    friend class OptionGroup;
    struct Assignment;

    struct Requests {
        bool help = false;
        bool help_all = false;
        bool version = false;
        bool print_config = false;
        bool print_manual = false;
        std::optional<std::filesystem::path> config;
    };

    [[nodiscard]] const OptionRow& row(std::string_view name) const;
    [[nodiscard]] bool answer(const std::vector<std::string>& arguments, std::ostream& out) const;
    [[nodiscard]] OptionRow& find_or_suggest(const Assignment& assignment, bool in_file);
    [[nodiscard]] std::vector<Assignment> split_command_line(
        const std::vector<std::string>& arguments) const;
    void add_split(const boost::program_options::basic_option<char>& option,
                   std::vector<Assignment>& assignments) const;
    [[noreturn]] void refuse_without_value(const std::string& name) const;
    [[nodiscard]] std::vector<Assignment> read_config(const std::filesystem::path& file) const;
    void apply(const std::vector<Assignment>& assignments, Origin origin);
    [[nodiscard]] OptionRow& next_positional(const std::string& text);
    void fill(const OptionRow& row, const Assignment& assignment, const std::string& prefix) const;
    void apply_environment();
    void check_required() const;

    Requests requests_;
    std::string program_;
    std::string purpose_;
    std::vector<OptionRow> rows_;
    std::vector<std::string> libraries_;
    std::vector<std::pair<std::string, std::string>> examples_;
    std::filesystem::path default_config_;
};

template <class E>
OptionGroup& OptionGroup::add_words(std::string name, E& target,
                                    std::vector<std::pair<std::string, E>> words,
                                    std::string help) {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) {
        names.push_back(word);
    }
    WordTarget access{[&target, words] {
                          for (const auto& [word, value] : words) {
                              if (value == target) {
                                  return word;
                              }
                          }
                          return std::string();
                      },
                      [&target, words](std::size_t index) { target = words.at(index).second; }};
    return add_row(std::move(name), OptionTarget(std::move(access)), std::move(help))
        .choices(std::move(names));
}

}  // namespace hpml
