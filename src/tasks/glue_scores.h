#pragma once

#include <span>
#include <string>
#include <vector>

#include "corpus/glue.h"

namespace hpml::tasks {

/// One number that GLUE measures a task by, beside what a model that has learned nothing would get.
struct Score {
    std::string name;  ///< Hugging Face's, e.g. "accuracy", "f1", "combined_score"
    double value = 0;
    double baseline = 0;
};

/// What a model said of some rows, and what is true.
struct Outcome {
    std::span<const double> predictions;  ///< [rows] class index or score
    std::span<const float> labels;        ///< [rows] likewise
    std::span<const float> train_labels;  ///< of the rows trained on: they decide the majority
};

/// The task's scores, and where there are two their mean as `combined_score`. Baselines: accuracy
/// of the training rows' majority class (the lower class if even); F1 of calling every row
/// positive; no correlation, 0, for Matthews, Pearson and Spearman, which is what a constant
/// answer gets.
/// @throw InternalError for a metric that no function computes
[[nodiscard]] std::vector<Score> glue_scores(const corpus::GlueTask& task, const Outcome& outcome);

/// Whether every score is above its baseline.
[[nodiscard]] bool beats_majority(const std::vector<Score>& scores);

/// The answers that a model's outputs stand for: the class of the largest logit (the lower one if
/// even), or the score itself where there is one output.
/// @param outputs  [rows, labels]
[[nodiscard]] std::vector<double> answers(std::span<const double> outputs, std::int64_t labels);

/// Mean cross-entropy, or squared error where there is one output.
[[nodiscard]] double mean_loss(std::span<const double> outputs, std::span<const float> targets);

}  // namespace hpml::tasks
