#include "model/fused/pass.h"

#include <algorithm>
#include <span>

#include "model/named_operator.h"

namespace hpml::model {
namespace {

/// Rows whose numbers stay in the nearest caches from one step of a pass to the next.
constexpr std::int64_t kRowsAtOnce = 8;
constexpr std::int64_t kNumbersAtOnce = 8192;

template <class Body>
void over_rows(std::int64_t rows, const Body& body) {
    in_parallel((rows + kRowsAtOnce - 1) / kRowsAtOnce, 1,
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t block = begin; block < end; ++block) {
                        const std::int64_t first = block * kRowsAtOnce;
                        body(first, std::min(rows, first + kRowsAtOnce));
                    }
                });
}

NormRows some_of(NormRows norm, std::int64_t rows) {
    norm.rows = rows;
    return norm;
}

}  // namespace

NormRows norm_of(const PassContext& pass, const Leaves& leaves, LeafPair pair, std::int64_t rows) {
    return {rows, pass.config.hidden_size, leaves.value(pair.weight), leaves.value(pair.bias),
            static_cast<float>(pass.config.layer_norm_epsilon)};
}

void drop_rows(const PassContext& pass, const DroppedRows& which, std::int64_t first,
               std::int64_t last, float* values) {
    if (!pass.dropout.active() || first == last) {
        return;
    }
    const std::int64_t width = pass.config.hidden_size;
    const Buffer factors = pass.machine.take((last - first) * width);
    const auto& rows = which.rows.rows;
    std::int64_t i = first;
    while (i < last) {
        const std::int32_t row = rows[static_cast<std::size_t>(i)];
        const auto sequence =
            static_cast<std::size_t>(pass.batch.sequence_of[static_cast<std::size_t>(row)]);
        // Neighbours within a sequence are neighbours in its stream of factors.
        std::int64_t run = 1;
        while (i + run < last && rows[static_cast<std::size_t>(i + run)] == row + run &&
               row + run < pass.batch.cu_seqlens[sequence + 1]) {
            ++run;
        }
        fill_keep_scale(pass.dropout.stream(pass.batch.samples[sequence], which.layer, which.site),
                        pass.dropout.probability,
                        std::span(factors.data(), static_cast<std::size_t>(run * width)),
                        static_cast<std::size_t>(pass.batch.position(row) * width));
        pass.machine.kernels().multiply_by(run * width, factors.data(), values + i * width);
        i += run;
    }
}

void drop_add_norm(const PassContext& pass, const NormRows& norm, const DroppedRows& which,
                   const float* residual, const Normalized& kept, float* output) {
    const NamedOperator record("hpml::dropout_add_layer_norm");
    over_rows(norm.rows, [&](std::int64_t first, std::int64_t last) {
        drop_rows(pass, which, first, last, kept.rows);
        const std::int64_t at = first * norm.columns;
        pass.machine.kernels().norm_forward(
            some_of(norm, last - first), kept.rows + at, residual + at,
            {kept.rows + at, kept.inverse_deviation + first}, output + at);
    });
}

void drop_add(const PassContext& pass, const DroppedRows& which, float* values, float* sum) {
    const NamedOperator record("hpml::dropout_add");
    const std::int64_t width = pass.config.hidden_size;
    over_rows(which.rows.count(), [&](std::int64_t first, std::int64_t last) {
        drop_rows(pass, which, first, last, values);
        pass.machine.kernels().add_to((last - first) * width, values + first * width,
                                      sum + first * width);
    });
}

void norm_rows(const PassContext& pass, const NormRows& norm, const float* input,
               const Normalized& kept, float* output) {
    const NamedOperator record("hpml::layer_norm");
    over_rows(norm.rows, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t at = first * norm.columns;
        pass.machine.kernels().norm_forward(some_of(norm, last - first), input + at, nullptr,
                                            {kept.rows + at, kept.inverse_deviation + first},
                                            output + at);
    });
}

void norm_rows_again(const PassContext& pass, const NormRows& norm, const float* kept,
                     float* output) {
    const NamedOperator record("hpml::layer_norm_recompute");
    over_rows(norm.rows, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t at = first * norm.columns;
        pass.machine.kernels().norm_again(some_of(norm, last - first), kept + at, output + at);
    });
}

void norm_rows_backward(const PassContext& pass, const NormRows& norm, const Normalized& kept,
                        const Leaves& leaves, LeafPair pair, float* gradient) {
    const NamedOperator record("hpml::layer_norm_backward");
    constexpr std::int64_t kSmallestPart = 128;
    in_parallel(norm.columns, kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        pass.machine.kernels().norm_parameters({norm.rows, norm.columns, first, last}, gradient,
                                               kept.rows, leaves.gradient(pair.weight),
                                               leaves.gradient(pair.bias));
    });
    leaves.ready(pair);
    over_rows(norm.rows, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t at = first * norm.columns;
        pass.machine.kernels().norm_backward(some_of(norm, last - first),
                                             {kept.rows + at, kept.inverse_deviation + first},
                                             gradient + at);
    });
}

const float* drop_backward(const PassContext& pass, const DroppedRows& which, const float* gradient,
                           Buffer& buffer) {
    if (!pass.dropout.active()) {
        return gradient;
    }
    const NamedOperator record("hpml::dropout_backward");
    const std::int64_t width = pass.config.hidden_size;
    buffer = pass.machine.take(which.rows.count() * width);
    over_rows(which.rows.count(), [&](std::int64_t first, std::int64_t last) {
        std::copy(gradient + first * width, gradient + last * width, buffer.data() + first * width);
        drop_rows(pass, which, first, last, buffer.data());
    });
    return buffer.data();
}

void gather(const PassContext& pass, const RowChoice& rows, const float* all, float* chosen) {
    const NamedOperator record("hpml::gather_rows");
    const std::int64_t width = pass.config.hidden_size;
    for (std::int64_t i = 0; i < rows.count(); ++i) {
        std::copy_n(all + rows.rows[static_cast<std::size_t>(i)] * width, width,
                    chosen + i * width);
    }
}

void scatter_add(const PassContext& pass, const RowChoice& rows, const float* chosen, float* all) {
    const NamedOperator record("hpml::scatter_add_rows");
    const std::int64_t width = pass.config.hidden_size;
    for (std::int64_t i = 0; i < rows.count(); ++i) {
        pass.machine.kernels().add_to(width, chosen + i * width,
                                      all + rows.rows[static_cast<std::size_t>(i)] * width);
    }
}

void add(const PassContext& pass, std::int64_t count, const float* terms, float* values) {
    const NamedOperator record("hpml::add");
    in_parallel(count, kNumbersAtOnce, [&](std::int64_t first, std::int64_t last) {
        pass.machine.kernels().add_to(last - first, terms + first, values + first);
    });
}

}  // namespace hpml::model
