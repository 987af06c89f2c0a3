#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace hpml::optim {

// The updates over blocks of plain memory, one pass each. Every element and every lane of a sum is
// computed by the same IEEE operations in the same order whatever the instruction set, without
// contraction, so the bits depend neither on the machine nor on where other blocks are computed.
// Values are finite. Nothing is aligned.

/// One block of Adam's or LAMB's buffers. Either `mean` or `narrow_mean` (bfloat16) is there.
struct MomentBlock {
    float* parameters = nullptr;
    const float* gradients = nullptr;
    float* mean = nullptr;
    std::uint16_t* narrow_mean = nullptr;
    float* square = nullptr;
    std::size_t count = 0;
};

/// m = mean_keep m + mean_gain g, v = square_keep v + square_gain g^2 with g = gradient_scale
/// gradient + l2 p; the step is m / (sqrt(v) root_scale + epsilon).
struct MomentFactors {
    float gradient_scale = 1;
    float l2 = 0;
    float mean_keep = 0;
    float mean_gain = 0;
    float square_keep = 0;
    float square_gain = 0;
    float root_scale = 1;
    float epsilon = 0;
    float mean_scale = 1;  ///< LAMB: of m in u
    float decay = 0;       ///< LAMB: of p in u
    float keep = 1;        ///< Adam: p = keep p - rate step
    float rate = 0;
};

/// Sums of squares of a block of LAMB.
struct Squares {
    double parameters = 0;
    double update = 0;
};

/// One block of stochastic gradient descent; `buffer` may be null: no momentum.
struct MomentumBlock {
    float* parameters = nullptr;
    const float* gradients = nullptr;
    float* buffer = nullptr;
    std::size_t count = 0;
};

/// b = momentum b + g with g as above; p = p - rate (of_gradient g + of_buffer b).
struct MomentumFactors {
    float gradient_scale = 1;
    float l2 = 0;
    float momentum = 0;
    float of_gradient = 1;
    float of_buffer = 0;
    float rate = 0;
};

/// Some whole rows of a matrix, as Adafactor sees them.
struct Rows {
    const float* gradients = nullptr;
    std::size_t rows = 0;
    std::size_t columns = 0;
    float gradient_scale = 1;
};

/// U = gradient row_factor column_factor; [mean = mean_keep mean + mean_gain U, U = mean];
/// p = keep p - rate U.
struct FactoredUpdate {
    float* parameters = nullptr;
    float* mean = nullptr;  ///< null: no first moment
    const float* row_factors = nullptr;
    const float* column_factors = nullptr;
    float mean_keep = 0;
    float mean_gain = 0;  ///< clipping and rate are part of it where there is a first moment
    float keep = 1;
    float rate = 0;
};

/// Adafactor's second moment of a vector: v = square_keep v + square_gain (g^2 + floor).
struct VectorMoment {
    const float* gradients = nullptr;
    float* square = nullptr;
    std::size_t count = 0;
    float gradient_scale = 1;
    float square_keep = 0;
    float square_gain = 0;
    float floor = 0;
};

struct Kernels {
    void (*adam)(const MomentBlock&, const MomentFactors&);
    /// m and v; u is left in `update`, which may be the gradients' memory.
    Squares (*lamb_prepare)(const MomentBlock&, const MomentFactors&, float* update);
    /// p = p - rate u
    void (*lamb_apply)(float* parameters, const float* update, float rate, std::size_t count);
    void (*momentum)(const MomentumBlock&, const MomentumFactors&);
    /// Each row's sum of squares into `row_sums`, each column's into `column_sums`.
    void (*row_and_column_sums)(const Rows&, float* row_sums, float* column_sums);
    /// Sum of squares of gradient column_factor row_factor.
    double (*factored_squares)(const Rows&, const float* row_factors, const float* column_factors);
    void (*factored_apply)(const Rows&, const FactoredUpdate&);
    double (*vector_moment)(const VectorMoment&);  ///< the sum of g^2 / v with it
    /// U = g / sqrt(v); `update`'s factors of rows and columns are unused.
    void (*vector_apply)(const VectorMoment&, const FactoredUpdate& update);
    double (*sum_of_squares)(const float* values, std::size_t count);
};

/// Those of this machine's best instruction set, found once.
[[nodiscard]] const Kernels& kernels();
/// All that this machine can run, by name: "portable", "x86-64-v3", "x86-64-v4".
[[nodiscard]] const std::vector<std::pair<std::string_view, const Kernels*>>& all_kernels();

}  // namespace hpml::optim
