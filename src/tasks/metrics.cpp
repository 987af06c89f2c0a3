#include "tasks/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace hpml::tasks {
namespace {

/// How often class 1 was called and was there, against class 0.
struct Confusion {
    double true_positives = 0;
    double false_positives = 0;
    double true_negatives = 0;
    double false_negatives = 0;
};

Confusion count(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels) {
    expects(predictions.size() == labels.size() && !labels.empty(),
            "as many predictions as labels");
    Confusion table;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (predictions[i] == 1) {
            (labels[i] == 1 ? table.true_positives : table.false_positives) += 1;
        } else {
            (labels[i] == 1 ? table.false_negatives : table.true_negatives) += 1;
        }
    }
    return table;
}

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool is_constant(std::span<const double> values) {
    return std::ranges::all_of(values, [&](double value) { return value == values.front(); });
}

/// Ranks from 1; equal values get the mean of the ranks they take up.
std::vector<double> average_ranks(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[order[end]] == values[order[begin]]) {
            ++end;
        }
        const double shared = (static_cast<double>(begin + end) + 1) / 2;
        for (std::size_t i = begin; i < end; ++i) {
            ranks[order[i]] = shared;
        }
        begin = end;
    }
    return ranks;
}

}  // namespace

double accuracy(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels) {
    expects(predictions.size() == labels.size() && !labels.empty(),
            "as many predictions as labels");
    std::size_t equal = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        equal += predictions[i] == labels[i] ? 1 : 0;
    }
    return static_cast<double>(equal) / static_cast<double>(labels.size());
}

double f1_score(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels) {
    const Confusion table = count(predictions, labels);
    const double wrong = table.false_positives + table.false_negatives;
    const double total = 2 * table.true_positives + wrong;
    return total == 0 ? 0.0 : 2 * table.true_positives / total;
}

double matthews_correlation(std::span<const std::int64_t> predictions,
                            std::span<const std::int64_t> labels) {
    const Confusion table = count(predictions, labels);
    const double called = table.true_positives + table.false_positives;
    const double not_called = table.true_negatives + table.false_negatives;
    const double present = table.true_positives + table.false_negatives;
    const double absent = table.true_negatives + table.false_positives;
    const double product = called * not_called * present * absent;
    if (product == 0) {
        return 0.0;
    }
    return (table.true_positives * table.true_negatives -
            table.false_positives * table.false_negatives) /
           std::sqrt(product);
}

double pearson_correlation(std::span<const double> predictions, std::span<const double> labels) {
    expects(predictions.size() == labels.size() && !labels.empty(),
            "as many predictions as labels");
    // Asked of the values themselves: a rounded mean leaves differences that are not quite zero.
    if (is_constant(predictions) || is_constant(labels)) {
        return 0.0;
    }
    const double prediction_mean = mean(predictions);
    const double label_mean = mean(labels);
    double covariance = 0;
    double prediction_square = 0;
    double label_square = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const double a = predictions[i] - prediction_mean;
        const double b = labels[i] - label_mean;
        covariance += a * b;
        prediction_square += a * a;
        label_square += b * b;
    }
    return covariance / (std::sqrt(prediction_square) * std::sqrt(label_square));
}

double spearman_correlation(std::span<const double> predictions, std::span<const double> labels) {
    return pearson_correlation(average_ranks(predictions), average_ranks(labels));
}

}  // namespace hpml::tasks
