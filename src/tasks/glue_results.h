#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "corpus/glue.h"
#include "tasks/glue_scores.h"
#include "tasks/glue_training.h"

namespace hpml::tasks {

/// The numbers of a run, before they become JSON.
struct GlueNumbers {
    std::vector<Score> scores;
    double eval_loss = 0;
    std::int64_t eval_samples = 0;
    Seconds eval_seconds;
    FineTuneResult training;
    FineTuneOptions recipe;
    std::int64_t train_samples = 0;
    std::int64_t predict_samples = 0;  ///< 0: no test.tsv
};

/// `eval_results.json`: eval_loss, eval_METRIC, baseline_majority_METRIC, beats_majority,
/// eval_samples, eval_runtime, epoch, under the names of Hugging Face's run_glue.
[[nodiscard]] Json eval_results(const GlueNumbers& numbers);
/// `all_results.json`: those and train_loss (mean over the steps), train_samples, train_runtime,
/// train_samples_per_second, train_steps_per_second, predict_samples.
[[nodiscard]] Json all_results(const GlueNumbers& numbers);
/// The scores that stand in `all_results.json`. @throw InputError naming a key that is missing
[[nodiscard]] std::vector<Score> read_scores(const corpus::GlueTask& task, const Json& results,
                                             const std::string& where);

/// The form of GLUE's submissions: "index\tprediction", the label, or the score cut to [0, 5] with
/// three digits.
[[nodiscard]] std::string prediction_table(const corpus::GlueTask& task,
                                           std::span<const double> predictions);
/// For comparisons: index, prediction, label and every output with nine digits.
/// @param outputs  [rows, labels]
[[nodiscard]] std::string dev_table(const corpus::GlueTask& task, std::span<const double> outputs,
                                    std::span<const float> labels);

}  // namespace hpml::tasks
