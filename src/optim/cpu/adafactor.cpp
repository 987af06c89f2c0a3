#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "optim/kernels/kernels.h"
#include "optim/kinds.h"
#include "optim/layout.h"
#include "optim/rules.h"

namespace hpml::optim {

namespace {

/// What one call of a kernel works on: some rows of one matrix, or elements of a vector (one row).
struct Strip {
    std::size_t segment = 0;
    std::int64_t begin = 0;  ///< of the flat buffers
    std::int64_t row = 0;    ///< counted over all matrices of the segment
    std::int64_t rows = 1;
    std::int64_t columns = 0;
    std::int64_t matrix = 0;
    std::size_t partial = 0;  ///< where its sums of columns begin

    [[nodiscard]] std::int64_t length() const { return rows * columns; }
};

/// Second moments of one parameter: its rows' and columns' means where it has both, else all.
struct SecondMoment {
    at::Tensor row;     ///< [matrices.., rows]
    at::Tensor column;  ///< [matrices.., columns]
    at::Tensor all;
    std::vector<float> row_factors;     ///< 1 / sqrt(row / mean(row))
    std::vector<float> column_factors;  ///< 1 / sqrt(column)
    Range strips;
};

/// Tensors that are worked on together, so that their gradients are read from memory once.
struct Wave {
    Range segments;  ///< places in `order_`
    Range strips;
};

class Adafactor : public Optimizer {
  public:
    explicit Adafactor(OptimizerPlan plan)
        : options_(std::move(plan.options)),
          layout_(std::move(plan.segments), plan.shard),
          moments_(layout_.segments().size()),
          rates_(layout_.segments().size()) {
        if (options_.adafactor_momentum && options_.beta1 > 0.0) {
            mean_ = at::zeros({layout_.state_length()}, at::kFloat);
        }
        for (const std::size_t i : by_place(layout_.segments())) {
            const Segment& segment = layout_.segments()[i];
            const bool owned = segment.offset >= plan.shard.begin &&
                               segment.offset + segment.count() <= plan.shard.end;
            if (owned && segment.count() > 0) {
                order_.push_back(i);
            }
        }
        place_strips();
    }

    std::string_view name() const override { return "adafactor"; }

    std::vector<StateTensor> state() override {
        std::vector<StateTensor> all;
        const auto add = [&](const std::string& name, const at::Tensor& tensor) {
            all.push_back({name, tensor, 0, tensor.sizes().vec()});
        };
        for (std::size_t i = 0; i < moments_.size(); ++i) {
            const std::string& name = layout_.segments()[i].name;
            if (mean_.defined()) {
                layout_.append_piece(all, "exp_avg.", mean_, i);
            }
            if (moments_[i].all.defined()) {
                add("exp_avg_sq." + name, moments_[i].all);
            } else if (moments_[i].row.defined()) {
                add("exp_avg_sq_row." + name, moments_[i].row);
                add("exp_avg_sq_col." + name, moments_[i].column);
            }
        }
        return all;
    }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        values_ = parameters.mutable_data_ptr<float>();
        slopes_ = gradients.const_data_ptr<float>();
        scale_ = static_cast<float>(arguments.gradient_scale);
        beta1_ = arguments.momentum.value_or(options_.beta1);
        beta2_ = 1.0 - std::pow(static_cast<double>(steps_taken_), options_.decay_rate);
        for (const Wave& wave : waves_) {
            for_each(wave.strips, [&](std::size_t i) { take_gradient(i); });
            for (std::size_t k = wave.segments.first; k < wave.segments.last; ++k) {
                finish_moment(order_[k]);
            }
            for_each_backwards(wave.strips, [&](std::size_t i) { measure_update(i); });
            set_rates(wave, arguments.learning_rate);
            for_each(wave.strips, [&](std::size_t i) { apply(i); });
        }
    }

  private:
    void place_strips() {
        std::int64_t elements = kWaveElements;
        for (std::size_t k = 0; k < order_.size(); ++k) {
            if (elements >= kWaveElements) {
                waves_.push_back({{k, k}, {strips_.size(), strips_.size()}});
                elements = 0;
            }
            const std::size_t first = strips_.size();
            cut(order_[k]);
            moments_[order_[k]].strips = {first, strips_.size()};
            waves_.back().segments.last = k + 1;
            waves_.back().strips.last = strips_.size();
            elements += layout_.segments()[order_[k]].count();
        }
        update_squares_.resize(strips_.size());
        value_squares_.resize(strips_.size());
    }

    /// The strips and the state of a segment.
    void cut(std::size_t index) {
        const Segment& segment = layout_.segments()[index];
        std::vector<std::int64_t> shape = segment.shape;
        if (shape.size() < 2) {
            moments_[index].all = at::zeros(shape, at::kFloat);
            for (std::int64_t done = 0; done < segment.count(); done += kBlockElements) {
                const std::int64_t length = std::min(kBlockElements, segment.count() - done);
                strips_.push_back({index, segment.offset + done, done, 1, length, 0, 0});
            }
            return;
        }
        const std::int64_t columns = shape.back();
        const std::int64_t rows = shape[shape.size() - 2];
        const std::int64_t matrices = segment.count() / (rows * columns);
        shape.pop_back();
        moments_[index].row = at::zeros(shape, at::kFloat);
        shape.back() = columns;
        moments_[index].column = at::zeros(shape, at::kFloat);
        moments_[index].row_factors.resize(static_cast<std::size_t>(matrices * rows));
        moments_[index].column_factors.resize(static_cast<std::size_t>(matrices * columns));
        // Strips of some rows at least: their sums of columns are as long as a row.
        const std::int64_t most = std::max<std::int64_t>(16, 4 * kBlockElements / columns);
        for (std::int64_t matrix = 0; matrix < matrices; ++matrix) {
            for (std::int64_t row = 0; row < rows; row += most) {
                const std::int64_t place = matrix * rows + row;
                strips_.push_back({index, segment.offset + place * columns, place,
                                   std::min(most, rows - row), columns, matrix, partials_.size()});
                partials_.resize(partials_.size() + static_cast<std::size_t>(columns));
            }
        }
    }

    [[nodiscard]] bool is_factored(const Strip& strip) const {
        return !moments_[strip.segment].all.defined();
    }
    [[nodiscard]] Rows rows_of(const Strip& strip) const {
        return {slopes_ + strip.begin, static_cast<std::size_t>(strip.rows),
                static_cast<std::size_t>(strip.columns), scale_};
    }
    [[nodiscard]] VectorMoment vector_of(const Strip& strip) const {
        return {slopes_ + strip.begin,
                moments_[strip.segment].all.mutable_data_ptr<float>() + strip.row,
                static_cast<std::size_t>(strip.columns),
                scale_,
                static_cast<float>(beta2_),
                static_cast<float>(1.0 - beta2_),
                static_cast<float>(kSquareFloor)};
    }
    [[nodiscard]] const float* row_factors(const Strip& strip) const {
        return moments_[strip.segment].row_factors.data() + strip.row;
    }
    [[nodiscard]] const float* column_factors(const Strip& strip) const {
        return moments_[strip.segment].column_factors.data() + strip.matrix * strip.columns;
    }
    [[nodiscard]] float averaged(float old, double mean) const {
        return static_cast<float>(beta2_ * static_cast<double>(old) + (1.0 - beta2_) * mean);
    }

    /// A vector's moment and the squares of its update; of a matrix the rows' moments and the sums
    /// of the columns.
    void take_gradient(std::size_t i) {
        const Strip& strip = strips_[i];
        if (options_.scale_parameter) {
            value_squares_[i] = kernels().sum_of_squares(values_ + strip.begin,
                                                         static_cast<std::size_t>(strip.length()));
        }
        if (!is_factored(strip)) {
            update_squares_[i] = kernels().vector_moment(vector_of(strip));
            return;
        }
        std::vector<float> sums(static_cast<std::size_t>(strip.rows));
        kernels().row_and_column_sums(rows_of(strip), sums.data(), &partials_[strip.partial]);
        auto* rows = moments_[strip.segment].row.mutable_data_ptr<float>() + strip.row;
        for (const float sum : sums) {
            *rows = averaged(*rows, static_cast<double>(sum) / static_cast<double>(strip.columns) +
                                        kSquareFloor);
            ++rows;
        }
    }

    /// The columns' moments and all factors of a matrix.
    void finish_moment(std::size_t index) {
        SecondMoment& moment = moments_[index];
        if (moment.all.defined()) {
            return;
        }
        const auto& shape = layout_.segments()[index].shape;
        const auto columns = static_cast<std::size_t>(shape.back());
        const auto rows = static_cast<std::size_t>(shape[shape.size() - 2]);
        const std::size_t matrices = moment.row_factors.size() / rows;
        std::vector<double> sums(matrices * columns);
        for (std::size_t i = moment.strips.first; i < moment.strips.last; ++i) {
            const Strip& strip = strips_[i];
            double* to = &sums[static_cast<std::size_t>(strip.matrix) * columns];
            for (std::size_t k = 0; k < columns; ++k) {
                to[k] += static_cast<double>(partials_[strip.partial + k]);
            }
        }
        auto* column = moment.column.mutable_data_ptr<float>();
        for (std::size_t k = 0; k < sums.size(); ++k) {
            column[k] = averaged(column[k], sums[k] / static_cast<double>(rows) + kSquareFloor);
            moment.column_factors[k] = 1.0F / std::sqrt(column[k]);
        }
        const auto* row = moment.row.const_data_ptr<float>();
        for (std::size_t matrix = 0; matrix < matrices; ++matrix) {
            double mean = 0.0;
            for (std::size_t k = matrix * rows; k < (matrix + 1) * rows; ++k) {
                mean += static_cast<double>(row[k]) / static_cast<double>(rows);
            }
            for (std::size_t k = matrix * rows; k < (matrix + 1) * rows; ++k) {
                moment.row_factors[k] =
                    static_cast<float>(1.0 / std::sqrt(static_cast<double>(row[k]) / mean));
            }
        }
    }

    void measure_update(std::size_t i) {
        const Strip& strip = strips_[i];
        if (is_factored(strip)) {
            update_squares_[i] = kernels().factored_squares(rows_of(strip), row_factors(strip),
                                                            column_factors(strip));
        }
    }

    void set_rates(const Wave& wave, double learning_rate) {
        for (std::size_t k = wave.segments.first; k < wave.segments.last; ++k) {
            rates_[order_[k]] = {};
        }
        for (std::size_t i = wave.strips.first; i < wave.strips.last; ++i) {
            rates_[strips_[i].segment].step += value_squares_[i];
            rates_[strips_[i].segment].clipped += update_squares_[i];
        }
        for (std::size_t k = wave.segments.first; k < wave.segments.last; ++k) {
            Rate& rate = rates_[order_[k]];
            const auto count = static_cast<double>(layout_.segments()[order_[k]].count());
            const double value_size = std::sqrt(rate.step / count);
            const double update_size = std::sqrt(rate.clipped / count);
            rate.step = adafactor_step(options_, steps_taken_, learning_rate, value_size);
            rate.clipped = rate.step / std::max(1.0, update_size / options_.clip_threshold);
        }
    }

    void apply(std::size_t i) {
        const Strip& strip = strips_[i];
        const Segment& segment = layout_.segments()[strip.segment];
        const Rate& rate = rates_[strip.segment];
        FactoredUpdate work;
        work.parameters = values_ + strip.begin;
        work.rate = static_cast<float>(rate.clipped);
        if (mean_.defined()) {
            const std::int64_t within = strip.begin - segment.offset;
            work.mean =
                mean_.mutable_data_ptr<float>() + layout_.state_begin(strip.segment) + within;
            work.mean_keep = static_cast<float>(beta1_);
            work.mean_gain = static_cast<float>((1.0 - beta1_) * rate.clipped);
            work.rate = 1.0F;
        }
        work.keep = segment.decay ? static_cast<float>(1.0 - options_.weight_decay * rate.step) : 1;
        if (!is_factored(strip)) {
            kernels().vector_apply(vector_of(strip), work);
            return;
        }
        work.row_factors = row_factors(strip);
        work.column_factors = column_factors(strip);
        kernels().factored_apply(rows_of(strip), work);
    }

    struct Rate {
        double step = 0;     ///< before clipping
        double clipped = 0;  ///< of the update
    };

    OptimizerOptions options_;
    Layout layout_;
    std::vector<SecondMoment> moments_;
    std::vector<std::size_t> order_;  ///< own segments by their place
    std::vector<Strip> strips_;
    std::vector<Wave> waves_;
    std::vector<float> partials_;         ///< sums of columns, for each strip
    std::vector<double> update_squares_;  ///< for each strip
    std::vector<double> value_squares_;
    std::vector<Rate> rates_;  ///< for each segment
    at::Tensor mean_;

    // Of the step under way.
    float* values_ = nullptr;
    const float* slopes_ = nullptr;
    float scale_ = 1;
    double beta1_ = 0;
    double beta2_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adafactor(OptimizerPlan plan) {
    return std::make_unique<Adafactor>(std::move(plan));
}

}  // namespace hpml::optim
