#include "tasks/glue_results.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hpml::tasks {
namespace {

double rate(double count, Seconds seconds) {
    return seconds.value > 0 ? count / seconds.value : 0.0;
}

std::string label_text(const corpus::GlueTask& task, double answer) {
    if (task.is_regression()) {
        return fmt::format("{:.9g}", answer);
    }
    return task.labels.at(static_cast<std::size_t>(answer));
}

}  // namespace

Json eval_results(const GlueNumbers& numbers) {
    Json json{{"epoch", static_cast<double>(numbers.recipe.epochs)},
              {"eval_loss", numbers.eval_loss}};
    for (const Score& score : numbers.scores) {
        json["eval_" + score.name] = score.value;
    }
    for (const Score& score : numbers.scores) {
        json["baseline_majority_" + score.name] = score.baseline;
    }
    json["beats_majority"] = beats_majority(numbers.scores);
    json["eval_samples"] = numbers.eval_samples;
    json["eval_runtime"] = numbers.eval_seconds.value;
    return json;
}

Json all_results(const GlueNumbers& numbers) {
    const FineTuneResult& training = numbers.training;
    Json json = eval_results(numbers);
    if (training.steps.value > 0) {
        // Of a run that was stopped in between, time and rates are those of its last start.
        const auto taken = static_cast<double>(training.taken.value);
        const auto trained = static_cast<double>(numbers.train_samples * numbers.recipe.epochs) *
                             taken / static_cast<double>(training.steps.value);
        json["train_loss"] = training.progress.mean_loss;
        json["train_samples"] = numbers.train_samples;
        json["train_runtime"] = training.seconds.value;
        json["train_samples_per_second"] = rate(trained, training.seconds);
        json["train_steps_per_second"] = rate(taken, training.seconds);
        json["train_steps"] = training.steps.value;
    }
    if (numbers.predict_samples > 0) {
        json["predict_samples"] = numbers.predict_samples;
    }
    return json;
}

std::vector<Score> read_scores(const corpus::GlueTask& task, const Json& results,
                               const std::string& where) {
    std::vector<std::string> names = task.metrics;
    if (names.size() > 1) {
        names.emplace_back("combined_score");
    }
    std::vector<Score> scores;
    for (const std::string& name : names) {
        scores.push_back(
            {name, json_member<double>(results, ("eval_" + name).c_str(), where),
             json_member<double>(results, ("baseline_majority_" + name).c_str(), where)});
    }
    return scores;
}

std::string prediction_table(const corpus::GlueTask& task, std::span<const double> predictions) {
    std::string text = "index\tprediction\n";
    for (std::size_t row = 0; row < predictions.size(); ++row) {
        text += task.is_regression()
                    ? fmt::format("{}\t{:.3f}\n", row, std::clamp(predictions[row], 0.0, 5.0))
                    : fmt::format("{}\t{}\n", row, label_text(task, predictions[row]));
    }
    return text;
}

std::string dev_table(const corpus::GlueTask& task, std::span<const double> outputs,
                      std::span<const float> labels) {
    expects(!labels.empty() && outputs.size() % labels.size() == 0, "outputs for every label");
    const std::size_t width = outputs.size() / labels.size();
    const std::vector<double> predictions = answers(outputs, static_cast<std::int64_t>(width));
    std::string text = "index\tprediction\tlabel";
    for (std::size_t i = 0; i < width; ++i) {
        text += fmt::format("\toutput_{}", i);
    }
    text += "\n";
    for (std::size_t row = 0; row < labels.size(); ++row) {
        text += fmt::format("{}\t{}\t{}", row, label_text(task, predictions[row]),
                            label_text(task, static_cast<double>(labels[row])));
        for (std::size_t i = 0; i < width; ++i) {
            text += fmt::format("\t{:.9g}", outputs[row * width + i]);
        }
        text += "\n";
    }
    return text;
}

}  // namespace hpml::tasks
