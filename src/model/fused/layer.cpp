#include "model/fused/layer.h"

#include <utility>

#include "model/named_operator.h"

namespace hpml::model {

Layer::Layer(const PassContext& pass, const Leaves& leaves, std::int64_t number,
             const RowChoice& chosen)
    : pass_(pass),
      leaves_(leaves),
      number_(number),
      chosen_(chosen),
      map_(pass.map.layers[static_cast<std::size_t>(number)]),
      rows_(pass.batch.count()),
      count_(chosen.count()),
      hidden_(pass.config.hidden_size),
      wide_(pass.config.intermediate_size) {}

void Layer::forward(const float* input, LayerKept& kept, float* output) const {
    if (is_post()) {
        forward_post(input, kept, output);
    } else {
        forward_pre(input, kept, output);
    }
}

Buffer Layer::backward(const float* input, LayerKept& kept, Buffer gradient) const {
    return is_post() ? backward_post(input, kept, std::move(gradient))
                     : backward_pre(kept, std::move(gradient));
}

Dense Layer::dense(LeafPair pair, std::int64_t outputs, std::int64_t inputs) const {
    return {leaves_.value(pair.weight), leaves_.value(pair.bias), outputs, inputs};
}

DenseGradient Layer::gradient_of(LeafPair pair) const {
    return {leaves_.gradient(pair.weight), leaves_.gradient(pair.bias)};
}

Dense Layer::projection(std::int64_t first, std::int64_t last) const {
    const LeafPair pair = map_.query_key_value;
    return {leaves_.value(pair.weight) + first * hidden_ * hidden_,
            leaves_.value(pair.bias) + first * hidden_, (last - first) * hidden_, hidden_};
}

DenseGradient Layer::projection_gradient(std::int64_t first) const {
    const LeafPair pair = map_.query_key_value;
    return {leaves_.gradient(pair.weight) + first * hidden_ * hidden_,
            leaves_.gradient(pair.bias) + first * hidden_};
}

AttentionRows Layer::attention_rows(const LayerKept& kept) const {
    AttentionRows attention{pass_.batch, chosen_};
    attention.heads = pass_.config.heads;
    attention.width = hidden_ / pass_.config.heads;
    attention.query = is_narrow() ? kept.query.data() : kept.key_value.data();
    attention.query_stride = is_narrow() ? hidden_ : 3 * hidden_;
    attention.key = kept.key_value.data() + (is_narrow() ? 0 : hidden_);
    attention.value = attention.key + hidden_;
    attention.key_stride = is_narrow() ? 2 * hidden_ : 3 * hidden_;
    attention.context = kept.context.data();
    attention.log_sums = kept.log_sums.data();
    attention.dropout = pass_.dropout;
    attention.layer = number_;
    return attention;
}

NormRows Layer::attention_norm() const {
    return norm_of(pass_, leaves_, map_.attention_norm, is_post() ? count_ : rows_);
}

NormRows Layer::feed_forward_norm() const {
    return norm_of(pass_, leaves_, map_.feed_forward_norm, count_);
}

void Layer::attend_to(const float* rows, LayerKept& kept) const {
    const Machine& machine = pass_.machine;
    if (is_narrow()) {
        const Buffer chosen = machine.take(count_ * hidden_);
        gather(pass_, chosen_, rows, chosen.data());
        kept.query = machine.take(count_ * hidden_);
        kept.key_value = machine.take(rows_ * 2 * hidden_);
        apply(machine, projection(0, 1), count_, rows_of(chosen.data(), hidden_),
              kept.query.data());
        apply(machine, projection(1, 3), rows_, rows_of(rows, hidden_), kept.key_value.data());
    } else {
        kept.key_value = machine.take(rows_ * 3 * hidden_);
        apply(machine, projection(0, 3), rows_, rows_of(rows, hidden_), kept.key_value.data());
    }
    kept.context = machine.take(count_ * hidden_);
    kept.log_sums = machine.take(count_ * pass_.config.heads);
    attend(machine, attention_rows(kept));
}

void Layer::forward_post(const float* input, LayerKept& kept, float* output) const {
    const Machine& machine = pass_.machine;
    attend_to(input, kept);
    Buffer chosen;
    const float* residual = input;
    if (is_narrow()) {
        chosen = machine.take(count_ * hidden_);
        gather(pass_, chosen_, input, chosen.data());
        residual = chosen.data();
    }
    kept.attention_norm = machine.take(count_ * hidden_);
    kept.attention_deviation = machine.take(count_);
    apply(machine, dense(map_.attention_output, hidden_, hidden_), count_,
          rows_of(kept.context.data(), hidden_), kept.attention_norm.data());
    const Buffer attended = machine.take(count_ * hidden_);
    drop_add_norm(pass_, attention_norm(), dropped(DropoutSite::AttentionOutput), residual,
                  {kept.attention_norm.data(), kept.attention_deviation.data()}, attended.data());
    kept.wide = machine.take(count_ * wide_);
    apply(machine, dense(map_.intermediate, wide_, hidden_), count_,
          rows_of(attended.data(), hidden_), kept.wide.data());
    kept.feed_forward_norm = machine.take(count_ * hidden_);
    kept.feed_forward_deviation = machine.take(count_);
    apply(machine, dense(map_.output, hidden_, wide_), count_,
          rows_of(kept.wide.data(), wide_, Transform::Gelu), kept.feed_forward_norm.data());
    drop_add_norm(pass_, feed_forward_norm(), dropped(DropoutSite::FeedForwardOutput),
                  attended.data(),
                  {kept.feed_forward_norm.data(), kept.feed_forward_deviation.data()}, output);
}

void Layer::forward_pre(const float* input, LayerKept& kept, float* output) const {
    const Machine& machine = pass_.machine;
    kept.attention_norm = machine.take(rows_ * hidden_);
    kept.attention_deviation = machine.take(rows_);
    {
        const Buffer rows = machine.take(rows_ * hidden_);
        norm_rows(pass_, attention_norm(), input,
                  {kept.attention_norm.data(), kept.attention_deviation.data()}, rows.data());
        attend_to(rows.data(), kept);
    }
    gather(pass_, chosen_, input, output);
    const Buffer part = machine.take(count_ * hidden_);
    apply(machine, dense(map_.attention_output, hidden_, hidden_), count_,
          rows_of(kept.context.data(), hidden_), part.data());
    drop_add(pass_, dropped(DropoutSite::AttentionOutput), part.data(), output);
    kept.feed_forward_norm = machine.take(count_ * hidden_);
    kept.feed_forward_deviation = machine.take(count_);
    norm_rows(pass_, feed_forward_norm(), output,
              {kept.feed_forward_norm.data(), kept.feed_forward_deviation.data()}, part.data());
    kept.wide = machine.take(count_ * wide_);
    apply(machine, dense(map_.intermediate, wide_, hidden_), count_, rows_of(part.data(), hidden_),
          kept.wide.data());
    apply(machine, dense(map_.output, hidden_, wide_), count_,
          rows_of(kept.wide.data(), wide_, Transform::Gelu), part.data());
    drop_add(pass_, dropped(DropoutSite::FeedForwardOutput), part.data(), output);
}

void Layer::restore_wide(const float* rows, LayerKept& kept) const {
    if (kept.wide.data() == nullptr) {
        kept.wide = pass_.machine.take(count_ * wide_);
        apply(pass_.machine, dense(map_.intermediate, wide_, hidden_), count_,
              rows_of(rows, hidden_), kept.wide.data());
    }
}

void Layer::feed_forward_backward(const float* slopes, const float* rows, LayerKept& kept,
                                  float* gradient, Into into) const {
    const Machine& machine = pass_.machine;
    restore_wide(rows, kept);
    const Dense output = dense(map_.output, hidden_, wide_);
    add_gradients(machine, output, {count_, slopes, hidden_},
                  rows_of(kept.wide.data(), wide_, Transform::Gelu), gradient_of(map_.output));
    leaves_.ready(map_.output);
    const Buffer wide = machine.take(count_ * wide_);
    model::backward(machine, output, {count_, slopes, hidden_}, wide.data());
    {
        const NamedOperator record("hpml::gelu_backward");
        in_parallel(count_, 1, [&](std::int64_t first, std::int64_t last) {
            machine.kernels().gelu_backward((last - first) * wide_,
                                            kept.wide.data() + first * wide_,
                                            wide.data() + first * wide_);
        });
    }
    kept.wide = Buffer();
    const Dense intermediate = dense(map_.intermediate, wide_, hidden_);
    add_gradients(machine, intermediate, {count_, wide.data(), wide_}, rows_of(rows, hidden_),
                  gradient_of(map_.intermediate));
    leaves_.ready(map_.intermediate);
    model::backward(machine, intermediate, {count_, wide.data(), wide_}, gradient, into);
}

void Layer::context_backward(const float* slopes, LayerKept& kept) const {
    const Machine& machine = pass_.machine;
    const Dense output = dense(map_.attention_output, hidden_, hidden_);
    add_gradients(machine, output, {count_, slopes, hidden_}, rows_of(kept.context.data(), hidden_),
                  gradient_of(map_.attention_output));
    leaves_.ready(map_.attention_output);
    const Buffer context = machine.take(count_ * hidden_);
    model::backward(machine, output, {count_, slopes, hidden_}, context.data());
    attend_backward(machine, attention_rows(kept), context.data());
    kept.context = Buffer();
}

Buffer Layer::projection_backward(const float* rows, LayerKept& kept,
                                  Buffer chosen_gradient) const {
    const Machine& machine = pass_.machine;
    const float* values = kept.key_value.data();
    if (!is_narrow()) {
        const Slopes slopes{rows_, values, 3 * hidden_};
        add_gradients(machine, projection(0, 3), slopes, rows_of(rows, hidden_),
                      projection_gradient(0));
        leaves_.ready(map_.query_key_value);
        const bool adds = chosen_gradient.data() != nullptr;
        Buffer gradient = adds ? std::move(chosen_gradient) : machine.take(rows_ * hidden_);
        model::backward(machine, projection(0, 3), slopes, gradient.data(),
                        adds ? Into::Add : Into::Replace);
        return gradient;
    }
    const Slopes slopes{rows_, values, 2 * hidden_};
    add_gradients(machine, projection(1, 3), slopes, rows_of(rows, hidden_),
                  projection_gradient(1));
    Buffer gradient = machine.take(rows_ * hidden_);
    model::backward(machine, projection(1, 3), slopes, gradient.data());

    const Buffer chosen = machine.take(count_ * hidden_);
    gather(pass_, chosen_, rows, chosen.data());
    const Slopes query{count_, kept.query.data(), hidden_};
    add_gradients(machine, projection(0, 1), query, rows_of(chosen.data(), hidden_),
                  projection_gradient(0));
    leaves_.ready(map_.query_key_value);
    const bool adds = chosen_gradient.data() != nullptr;
    const Buffer at_chosen = adds ? std::move(chosen_gradient) : machine.take(count_ * hidden_);
    model::backward(machine, projection(0, 1), query, at_chosen.data(),
                    adds ? Into::Add : Into::Replace);
    scatter_add(pass_, chosen_, at_chosen.data(), gradient.data());
    return gradient;
}

Buffer Layer::backward_post(const float* input, LayerKept& kept, Buffer gradient) const {
    norm_rows_backward(pass_, feed_forward_norm(),
                       {kept.feed_forward_norm.data(), kept.feed_forward_deviation.data()}, leaves_,
                       map_.feed_forward_norm, gradient.data());
    {
        const Buffer attended = pass_.machine.take(count_ * hidden_);
        norm_rows_again(pass_, attention_norm(), kept.attention_norm.data(), attended.data());
        Buffer copy;
        const float* slopes =
            drop_backward(pass_, dropped(DropoutSite::FeedForwardOutput), gradient.data(), copy);
        feed_forward_backward(slopes, attended.data(), kept, gradient.data(), Into::Add);
    }
    norm_rows_backward(pass_, attention_norm(),
                       {kept.attention_norm.data(), kept.attention_deviation.data()}, leaves_,
                       map_.attention_norm, gradient.data());
    {
        Buffer copy;
        const float* slopes =
            drop_backward(pass_, dropped(DropoutSite::AttentionOutput), gradient.data(), copy);
        context_backward(slopes, kept);
    }
    return projection_backward(input, kept, std::move(gradient));
}

Buffer Layer::backward_pre(LayerKept& kept, Buffer gradient) const {
    const Machine& machine = pass_.machine;
    {
        Buffer copy;
        const Buffer rows = machine.take(count_ * hidden_);
        norm_rows_again(pass_, feed_forward_norm(), kept.feed_forward_norm.data(), rows.data());
        const float* slopes =
            drop_backward(pass_, dropped(DropoutSite::FeedForwardOutput), gradient.data(), copy);
        const Buffer part = machine.take(count_ * hidden_);
        feed_forward_backward(slopes, rows.data(), kept, part.data(), Into::Replace);
        norm_rows_backward(pass_, feed_forward_norm(),
                           {kept.feed_forward_norm.data(), kept.feed_forward_deviation.data()},
                           leaves_, map_.feed_forward_norm, part.data());
        add(pass_, count_ * hidden_, part.data(), gradient.data());
    }
    {
        Buffer copy;
        const float* slopes =
            drop_backward(pass_, dropped(DropoutSite::AttentionOutput), gradient.data(), copy);
        context_backward(slopes, kept);
    }
    const Buffer rows = machine.take(rows_ * hidden_);
    norm_rows_again(pass_, attention_norm(), kept.attention_norm.data(), rows.data());
    Buffer result = projection_backward(rows.data(), kept, Buffer());
    norm_rows_backward(pass_, attention_norm(),
                       {kept.attention_norm.data(), kept.attention_deviation.data()}, leaves_,
                       map_.attention_norm, result.data());
    scatter_add(pass_, chosen_, gradient.data(), result.data());
    return result;
}

}  // namespace hpml::model
