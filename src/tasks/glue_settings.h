#pragma once

#include <filesystem>

#include "base/json.h"
#include "tasks/glue.h"
#include "tasks/glue_start.h"

namespace hpml::tasks {

/// Names in a run directory of hpml_finetune.
struct GlueFiles {
    static constexpr const char* settings = "settings.json";
    static constexpr const char* results = "all_results.json";  ///< written last
    static constexpr const char* eval_results = "eval_results.json";
    static constexpr const char* dev_predictions = "dev_predictions.tsv";
    static constexpr const char* model = "model";
};

/// All that the results depend on: data, weights and vocabulary by their hashes, the recipe. Not
/// the number of ranks, the micro-batch or folders' names. Local.
[[nodiscard]] Json glue_settings(const GlueOptions& options, const GlueStart& start);

/// Whether the run directory holds the finished run with these settings. An unfinished one may be
/// started over. Local, changes nothing.
/// @throw MismatchError with a table of the keys that differ, or if the folder holds anything else
[[nodiscard]] bool is_finished(const std::filesystem::path& run, const Json& settings);

}  // namespace hpml::tasks
