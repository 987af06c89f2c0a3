#include "tasks/glue_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "base/error.h"
#include "tasks/metrics.h"

namespace hpml::tasks {
namespace {

template <class From>
std::vector<std::int64_t> classes(std::span<const From> values) {
    std::vector<std::int64_t> result(values.size());
    std::ranges::transform(values, result.begin(), [](From value) { return std::llround(value); });
    return result;
}

std::int64_t majority_class(std::span<const float> labels, std::size_t class_count) {
    std::vector<std::int64_t> counts(class_count, 0);
    for (const float label : labels) {
        ++counts.at(static_cast<std::size_t>(label));
    }
    return std::ranges::max_element(counts) - counts.begin();
}

Score class_score(const std::string& name, const corpus::GlueTask& task, const Outcome& outcome) {
    const auto predictions = classes(outcome.predictions);
    const auto labels = classes(outcome.labels);
    if (name == "accuracy") {
        const std::vector<std::int64_t> majority(
            labels.size(), majority_class(outcome.train_labels, task.labels.size()));
        return {name, accuracy(predictions, labels), accuracy(majority, labels)};
    }
    if (name == "f1") {
        const std::vector<std::int64_t> positive(labels.size(), 1);
        return {name, f1_score(predictions, labels), f1_score(positive, labels)};
    }
    expects(name == "matthews_correlation", "a metric of classes");
    return {name, matthews_correlation(predictions, labels), 0.0};
}

Score regression_score(const std::string& name, const Outcome& outcome) {
    const std::vector<double> labels(outcome.labels.begin(), outcome.labels.end());
    if (name == "pearson") {
        return {name, pearson_correlation(outcome.predictions, labels), 0.0};
    }
    expects(name == "spearmanr", "a metric of scores");
    return {name, spearman_correlation(outcome.predictions, labels), 0.0};
}

double cross_entropy(std::span<const double> logits, std::size_t label) {
    const double largest = *std::ranges::max_element(logits);
    const double sum = std::accumulate(
        logits.begin(), logits.end(), 0.0,
        [&](double total, double logit) { return total + std::exp(logit - largest); });
    return largest + std::log(sum) - logits[label];
}

}  // namespace

std::vector<Score> glue_scores(const corpus::GlueTask& task, const Outcome& outcome) {
    std::vector<Score> scores;
    for (const std::string& name : task.metrics) {
        scores.push_back(task.is_regression() ? regression_score(name, outcome)
                                              : class_score(name, task, outcome));
    }
    if (scores.size() > 1) {
        Score combined{"combined_score", 0, 0};
        for (const Score& score : scores) {
            combined.value += score.value / static_cast<double>(scores.size());
            combined.baseline += score.baseline / static_cast<double>(scores.size());
        }
        scores.push_back(combined);
    }
    return scores;
}

bool beats_majority(const std::vector<Score>& scores) {
    return std::ranges::all_of(scores,
                               [](const Score& score) { return score.value > score.baseline; });
}

std::vector<double> answers(std::span<const double> outputs, std::int64_t labels) {
    if (labels == 1) {
        return {outputs.begin(), outputs.end()};
    }
    const auto width = static_cast<std::size_t>(labels);
    std::vector<double> result(outputs.size() / width);
    for (std::size_t row = 0; row < result.size(); ++row) {
        const auto logits = outputs.subspan(row * width, width);
        result[row] = static_cast<double>(std::ranges::max_element(logits) - logits.begin());
    }
    return result;
}

double mean_loss(std::span<const double> outputs, std::span<const float> targets) {
    expects(!targets.empty() && outputs.size() % targets.size() == 0, "outputs for every target");
    const std::size_t width = outputs.size() / targets.size();
    double total = 0;
    for (std::size_t row = 0; row < targets.size(); ++row) {
        if (width == 1) {
            const double difference = outputs[row] - static_cast<double>(targets[row]);
            total += difference * difference;
        } else {
            total += cross_entropy(outputs.subspan(row * width, width),
                                   static_cast<std::size_t>(targets[row]));
        }
    }
    return total / static_cast<double>(targets.size());
}

}  // namespace hpml::tasks
