#include "report/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace hpml {

namespace {

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("+-.0123456789e%") == std::string::npos;
}

}  // namespace

void merge_results(const std::filesystem::path& file, const Json& results) {
    expects(results.is_object(), "results to be a JSON object");
    Json all = Json::object();
    if (std::filesystem::exists(file)) {
        all = read_json(file);
        if (!all.is_object()) {
            throw InputError(file.string() +
                             " is not a JSON object; move it away, it is written anew");
        }
    }
    all.update(results);
    write_json(file, all);
}

void write_eval_results(const std::filesystem::path& run, const Json& results) {
    expects(results.is_object(), "results to be a JSON object");
    write_json(run / "eval_results.json", results);
    merge_results(run / "all_results.json", results);
}

std::string aligned_table(const std::vector<std::vector<std::string>>& rows) {
    if (rows.empty()) {
        return "";
    }
    const std::size_t columns = rows.front().size();
    std::vector<std::size_t> widths(columns, 0);
    std::vector<bool> is_right(columns, rows.size() > 1);
    for (std::size_t index = 0; index < rows.size(); ++index) {
        expects(rows[index].size() == columns, "rows of equal length");
        for (std::size_t column = 0; column < columns; ++column) {
            widths[column] = std::max(widths[column], rows[index][column].size());
            is_right[column] = is_right[column] && (index == 0 || is_number(rows[index][column]));
        }
    }
    std::string text;
    for (std::size_t index = 0; index < rows.size(); ++index) {
        std::string line;
        for (std::size_t column = 0; column < columns; ++column) {
            line += column == 0 ? "" : "  ";
            line += is_right[column] ? fmt::format("{:>{}}", rows[index][column], widths[column])
                                     : fmt::format("{:<{}}", rows[index][column], widths[column]);
        }
        const std::size_t width = line.size();
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
        text += index == 0 ? std::string(width, '-') + "\n" : "";
    }
    return text;
}

std::string score_table(const std::vector<ScoreRow>& rows) {
    std::vector<std::vector<std::string>> cells = {
        {"task", "metric", "score", "majority", "gain", "note"}};
    for (const auto& row : rows) {
        cells.push_back({row.task, row.metric, fmt::format("{:.4f}", row.score),
                         fmt::format("{:.4f}", row.baseline),
                         fmt::format("{:+.4f}", row.score - row.baseline), row.note});
    }
    return aligned_table(cells);
}

}  // namespace hpml
