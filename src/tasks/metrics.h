#pragma once

#include <cstdint>
#include <span>

namespace hpml::tasks {

/// The scores that GLUE is measured by (Wang et al. 2019, table 1), as scikit-learn and SciPy
/// define them. Both spans are equally long and not empty; class labels count from 0. Local; pure.

/// Share of equal entries.
[[nodiscard]] double accuracy(std::span<const std::int64_t> predictions,
                              std::span<const std::int64_t> labels);
/// Harmonic mean of precision and recall of class 1; 0 where nothing is or is called 1.
[[nodiscard]] double f1_score(std::span<const std::int64_t> predictions,
                              std::span<const std::int64_t> labels);
/// Matthews' correlation of two classes; 0 if either side holds one class only.
[[nodiscard]] double matthews_correlation(std::span<const std::int64_t> predictions,
                                          std::span<const std::int64_t> labels);
/// Linear correlation; 0 if either side is constant (SciPy has no number for it).
[[nodiscard]] double pearson_correlation(std::span<const double> predictions,
                                         std::span<const double> labels);
/// Pearson's correlation of the ranks, equal values sharing the mean of theirs.
[[nodiscard]] double spearman_correlation(std::span<const double> predictions,
                                          std::span<const double> labels);

}  // namespace hpml::tasks
