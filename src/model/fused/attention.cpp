#include "model/fused/attention.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "model/named_operator.h"

namespace hpml::model {
namespace {

/// One head of one sequence, in one thread.
class AttentionHead {
  public:
    AttentionHead(const Machine& machine, const AttentionRows& all, std::int64_t index,
                  PackSpace space)
        : machine_(machine), all_(all), space_(space) {
        sequence_ = static_cast<std::size_t>(index / all.heads);
        head_ = index % all.heads;
        first_row_ = all.batch.cu_seqlens[sequence_];
        keys_ = all.batch.cu_seqlens[sequence_ + 1] - first_row_;
        first_query_ = all.queries.cu_chosen[sequence_];
        last_query_ = all.queries.cu_chosen[sequence_ + 1];
        scale_ = static_cast<float>(1.0 / std::sqrt(static_cast<double>(all.width)));
    }

    [[nodiscard]] std::int64_t keys() const { return keys_; }

    void forward(float* scores, float* factors) const {
        for (std::int64_t query = first_query_; query < last_query_; query += kQueryBlock) {
            const std::int64_t count = std::min(kQueryBlock, last_query_ - query);
            score(query, count, scores);
            for (std::int64_t i = 0; i < count; ++i) {
                const ScoreRow row{scores + i * keys_, keys_, scale_};
                float& log_sum = all_.log_sums[(query + i) * all_.heads + head_];
                log_sum = machine_.kernels().log_sum_exp(row);
                machine_.kernels().probabilities(row, log_sum);
            }
            if (all_.dropout.active()) {
                drop(query, count, factors, scores);
            }
            multiply({count, all_.width, keys_, rows_of(scores, keys_),
                      rows_of(value(), all_.key_stride), context(query), model_width()});
        }
    }

    struct Scratch {
        float* probabilities;  ///< [queries, keys]
        float* gradients;      ///< likewise, of the scores
        float* factors;        ///< likewise, of the dropout
        float* keys;           ///< [keys, width] gradient
        float* values;         ///< likewise
    };

    void backward(const float* context_gradient, const Scratch& scratch) const {
        for (std::int64_t query = first_query_; query < last_query_; query += kQueryBlock) {
            const std::int64_t count = std::min(kQueryBlock, last_query_ - query);
            const Into into = query == first_query_ ? Into::Replace : Into::Add;
            backward_block(query, count,
                           context_gradient + query * model_width() + head_ * all_.width, scratch,
                           into);
        }
        for (std::int64_t k = 0; k < keys_; ++k) {
            const bool any = last_query_ > first_query_;
            for (std::int64_t c = 0; c < all_.width; ++c) {
                key()[k * all_.key_stride + c] = any ? scratch.keys[k * all_.width + c] : 0.0F;
                value()[k * all_.key_stride + c] = any ? scratch.values[k * all_.width + c] : 0.0F;
            }
        }
    }

  private:
    [[nodiscard]] std::int64_t model_width() const { return all_.heads * all_.width; }
    [[nodiscard]] float* key() const {
        return all_.key + first_row_ * all_.key_stride + head_ * all_.width;
    }
    [[nodiscard]] float* value() const {
        return all_.value + first_row_ * all_.key_stride + head_ * all_.width;
    }
    [[nodiscard]] float* query_rows(std::int64_t query) const {
        return all_.query + query * all_.query_stride + head_ * all_.width;
    }
    [[nodiscard]] float* context(std::int64_t query) const {
        return all_.context + query * model_width() + head_ * all_.width;
    }
    void multiply(const Product& product) const { machine_.multiply_here(product, space_); }

    void score(std::int64_t query, std::int64_t count, float* scores) const {
        multiply({count, keys_, all_.width, rows_of(query_rows(query), all_.query_stride),
                  transpose_of(key(), all_.key_stride), scores, keys_});
    }

    /// Multiply rows of probabilities or of their gradients by the factors of the dropout.
    void drop(std::int64_t query, std::int64_t count, float* factors, float* rows) const {
        const auto length = static_cast<std::size_t>(keys_);
        const DropoutStream stream = all_.dropout.stream(all_.batch.samples[sequence_], all_.layer,
                                                         DropoutSite::AttentionProbability);
        const auto number = [&](std::int64_t i) {
            return all_.queries.rows[static_cast<std::size_t>(query + i)] - first_row_;
        };
        const auto element = [&](std::int64_t i) {
            return static_cast<std::size_t>(head_ * keys_ + number(i)) * length;
        };
        std::int64_t i = 0;
        while (i < count) {
            std::int64_t run = 1;
            while (i + run < count && number(i + run) == number(i) + run) {
                ++run;
            }
            const auto size = static_cast<std::size_t>(run) * length;
            fill_keep_scale(stream, all_.dropout.probability, {factors, size}, element(i));
            machine_.kernels().multiply_by(run * keys_, factors, rows + i * keys_);
            i += run;
        }
    }

    void backward_block(std::int64_t query, std::int64_t count, const float* context_gradient,
                        const Scratch& scratch, Into into) const {
        const Kernels& kernels = machine_.kernels();
        score(query, count, scratch.probabilities);
        multiply({count, keys_, all_.width, rows_of(context_gradient, model_width()),
                  transpose_of(value(), all_.key_stride), scratch.gradients, keys_});
        if (all_.dropout.active()) {
            drop(query, count, scratch.factors, scratch.gradients);
        }
        for (std::int64_t i = 0; i < count; ++i) {
            const ScoreRow scores{scratch.probabilities + i * keys_, keys_, scale_};
            kernels.probabilities(scores, all_.log_sums[(query + i) * all_.heads + head_]);
            // The mean of the gradients under the probabilities, without a pass over them.
            const float mean =
                kernels.dot(all_.width, context_gradient + i * model_width(), context(query + i));
            kernels.softmax_backward({scratch.gradients + i * keys_, keys_, scale_}, scores.values,
                                     mean);
        }
        if (all_.dropout.active()) {
            drop(query, count, scratch.factors, scratch.probabilities);
        }
        multiply({keys_, all_.width, count, transpose_of(scratch.probabilities, keys_),
                  rows_of(context_gradient, model_width()), scratch.values, all_.width, into});
        multiply({keys_, all_.width, count, transpose_of(scratch.gradients, keys_),
                  rows_of(query_rows(query), all_.query_stride), scratch.keys, all_.width, into});
        multiply({count, all_.width, keys_, rows_of(scratch.gradients, keys_),
                  rows_of(key(), all_.key_stride), query_rows(query), all_.query_stride});
    }

    const Machine& machine_;
    const AttentionRows& all_;
    PackSpace space_;
    std::size_t sequence_ = 0;
    std::int64_t head_ = 0;
    std::int64_t first_row_ = 0;
    std::int64_t keys_ = 0;
    std::int64_t first_query_ = 0;
    std::int64_t last_query_ = 0;
    float scale_ = 1;
};

std::int64_t longest_of(const BatchRows& batch) {
    std::int64_t longest = 0;
    for (std::size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) {
        longest = std::max<std::int64_t>(longest, batch.cu_seqlens[i + 1] - batch.cu_seqlens[i]);
    }
    return longest;
}

}  // namespace

void attend(const Machine& machine, const AttentionRows& attention) {
    const NamedOperator record("hpml::attention");
    const std::int64_t scores = kQueryBlock * longest_of(attention.batch);
    in_parallel(attention.batch.sequences() * attention.heads, 1,
                [&](std::int64_t first, std::int64_t last) {
                    const Buffer space = machine.take_pack_space();
                    const Buffer rows = machine.take(2 * scores);
                    for (std::int64_t index = first; index < last; ++index) {
                        AttentionHead(machine, attention, index, space.data())
                            .forward(rows.data(), rows.data() + scores);
                    }
                });
}

void attend_backward(const Machine& machine, const AttentionRows& attention,
                     const float* context_gradient) {
    const NamedOperator record("hpml::attention_backward");
    const std::int64_t longest = longest_of(attention.batch);
    const std::int64_t scores = kQueryBlock * longest;
    const std::int64_t side = longest * attention.width;
    in_parallel(attention.batch.sequences() * attention.heads, 1,
                [&](std::int64_t first, std::int64_t last) {
                    const Buffer space = machine.take_pack_space();
                    const Buffer rows = machine.take(3 * scores + 2 * side);
                    float* data = rows.data();
                    const AttentionHead::Scratch scratch{data, data + scores, data + 2 * scores,
                                                         data + 3 * scores,
                                                         data + 3 * scores + side};
                    for (std::int64_t index = first; index < last; ++index) {
                        AttentionHead(machine, attention, index, space.data())
                            .backward(context_gradient, scratch);
                    }
                });
}

}  // namespace hpml::model
