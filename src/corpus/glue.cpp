#include "corpus/glue.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/file.h"

namespace hpml::corpus {

namespace {

using Fields = std::vector<std::string_view>;

std::vector<GlueTask> make_tasks() {
    const std::vector<std::string> single_test{"index", "sentence"};
    const std::vector<std::string> stsb{"index",   "genre",   "filename",  "year",     "old_index",
                                        "source1", "source2", "sentence1", "sentence2"};
    std::vector<std::string> stsb_scored = stsb;
    stsb_scored.emplace_back("score");
    return {
        {"cola",
         "CoLA",
         {{"source", "label", "mark", "sentence"}, false, 3, -1, 1},
         {single_test, true, 1, -1, -1},
         {"0", "1"},
         {"matthews_correlation"}},
        {"sst2",
         "SST-2",
         {{"sentence", "label"}, true, 0, -1, 1},
         {single_test, true, 1, -1, -1},
         {"0", "1"},
         {"accuracy"}},
        {"mrpc",
         "MRPC",
         {{"Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"}, true, 3, 4, 0},
         {{"index", "#1 ID", "#2 ID", "#1 String", "#2 String"}, true, 3, 4, -1},
         {"0", "1"},
         {"accuracy", "f1"}},
        {"stsb",
         "STS-B",
         {stsb_scored, true, 7, 8, 9},
         {stsb, true, 7, 8, -1},
         {},
         {"pearson", "spearmanr"}},
    };
}

const std::vector<GlueTask>& tasks() {
    static const std::vector<GlueTask> all = make_tasks();
    return all;
}

Fields split_at_tabs(std::string_view line) {
    Fields fields;
    for (std::size_t begin = 0;;) {
        const std::size_t tab = line.find('\t', begin);
        fields.push_back(line.substr(begin, tab - begin));
        if (tab == std::string_view::npos) {
            return fields;
        }
        begin = tab + 1;
    }
}

template <class Names>
std::string join(const Names& names, std::string_view separator) {
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : separator);
        text += name;
    }
    return text;
}

/// Printable and short, for messages.
std::string quote(std::string_view field) {
    std::string text = "'";
    for (const char c : field.substr(0, 40)) {
        text += c >= 0 && c < ' ' ? '?' : c;
    }
    return text + (field.size() > 40 ? "...'" : "'");
}

float parse_score(std::string_view field, const std::string& where) {
    float score = 0;
    const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), score);
    const bool whole = failure == std::errc{} && end == field.data() + field.size();
    if (!whole || !(score >= 0.0F && score <= 5.0F)) {
        throw InputError(where + "the score is " + quote(field) +
                         " (a number from 0 to 5 expected)");
    }
    return score;
}

float parse_label(const GlueTask& task, std::string_view field, const std::string& where) {
    if (task.is_regression()) {
        return parse_score(field, where);
    }
    const auto found = std::ranges::find(task.labels, field);
    if (found == task.labels.end()) {
        throw InputError(where + "the label is " + quote(field) + " (" + join(task.labels, " or ") +
                         " expected)");
    }
    return static_cast<float>(found - task.labels.begin());
}

std::string sentence(const Fields& fields, int column, const std::string& where) {
    const std::string_view text = fields[static_cast<std::size_t>(column)];
    if (text.find_first_not_of(' ') == std::string_view::npos) {
        throw InputError(where + "column " + std::to_string(column + 1) +
                         " is empty (a sentence expected)");
    }
    return std::string(text);
}

GlueExample parse_example(const GlueTask& task, const GlueColumns& columns, const Fields& fields,
                          const std::string& where) {
    GlueExample example;
    example.first = sentence(fields, columns.first, where);
    if (columns.second >= 0) {
        example.second = sentence(fields, columns.second, where);
    }
    if (columns.label >= 0) {
        example.label = parse_label(task, fields[static_cast<std::size_t>(columns.label)], where);
    }
    return example;
}

void check_columns(const GlueTask& task, const GlueColumns& columns, const Fields& fields,
                   const std::string& where) {
    if (fields.size() != columns.names.size()) {
        throw InputError(where + std::to_string(fields.size()) + " columns (" + task.title +
                         " has " + std::to_string(columns.names.size()) + ": " +
                         join(columns.names, ", ") + "); quotes do not protect a tab");
    }
}

/// Takes the next line off `text`, without its line end.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace

std::vector<std::string> glue_task_names() {
    std::vector<std::string> names;
    for (const GlueTask& task : tasks()) {
        names.push_back(task.name);
    }
    return names;
}

const GlueTask& glue_task(std::string_view name) {
    const auto found = std::ranges::find(tasks(), name, &GlueTask::name);
    if (found == tasks().end()) {
        throw UsageError("task " + quote(name) + " is not known; choose one of " +
                         join(glue_task_names(), ", "));
    }
    return *found;
}

std::vector<GlueExample> read_glue(const GlueTask& task, const std::filesystem::path& folder,
                                   GlueSplit split) {
    const char* name = split == GlueSplit::Train ? "train.tsv"
                       : split == GlueSplit::Dev ? "dev.tsv"
                                                 : "test.tsv";
    const std::filesystem::path path = folder / name;
    const GlueColumns& columns = split == GlueSplit::Test ? task.test : task.train;
    const std::string content = read_text(path, mib(1024));
    std::string_view text = content;
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    std::vector<GlueExample> examples;
    for (int line = 1; !text.empty(); ++line) {
        const std::string where = path.string() + ":" + std::to_string(line) + ": ";
        const Fields fields = split_at_tabs(take_line(text));
        check_columns(task, columns, fields, where);
        if (line > 1 || !columns.header) {
            examples.push_back(parse_example(task, columns, fields, where));
        } else if (!std::ranges::equal(fields, columns.names)) {
            throw InputError(where + "the header is " + quote(join(fields, ", ")) + " (" +
                             task.title + " has " + join(columns.names, ", ") + ")");
        }
    }
    if (examples.empty()) {
        throw InputError(path.string() + " has no examples (" + task.title + " rows of " +
                         join(columns.names, ", ") + " expected)");
    }
    return examples;
}

}  // namespace hpml::corpus
