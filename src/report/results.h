#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace hpml {

/// Put the keys of `results` into the JSON object in `file`, which is made if absent: other keys
/// stay, equal ones are replaced. Numbers that are not finite become null.
/// @throw InputError if `file` holds something else; OutputError, IoError
void merge_results(const std::filesystem::path& file, const Json& results);

/// Writes `run`/eval_results.json (these alone) and merges them into `run`/all_results.json.
void write_eval_results(const std::filesystem::path& run, const Json& results);

/// One line of a table of scores.
struct ScoreRow {
    std::string task;
    std::string metric;
    double score = 0;
    double baseline = 0;  ///< what always guessing the majority class scores
    std::string note;     ///< e.g. "5 seeds"
};

/// Aligned columns task, metric, score, majority, gain, note; a gain of nothing stands there as it
/// is.
[[nodiscard]] std::string score_table(const std::vector<ScoreRow>& rows);

/// Rows of equally many cells as aligned columns, the first row a heading with a rule below it.
/// Columns of numbers are flushed right.
[[nodiscard]] std::string aligned_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace hpml
