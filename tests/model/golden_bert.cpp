#include "golden_bert.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <span>

#include "base/json.h"

namespace hpml::test {

GoldenBert::GoldenBert(const std::string& prefix)
    : file_(prefix + ".safetensors"),
      config_(model::config_from_json(read_json(prefix + ".json"), prefix + ".json")),
      head_(file_.entries().contains("input.targets") ? model::Head::Classification
                                                      : model::Head::MaskedLm),
      specs_(model::leaf_specs(config_, head_)) {}

std::vector<at::Tensor> GoldenBert::leaves() const {
    std::vector<at::Tensor> leaves;
    for (const model::LeafSpec& spec : specs_) {
        at::Tensor leaf = at::empty(spec.shape(), at::kFloat);
        std::int64_t row = 0;
        for (const model::ParameterSpec& part : spec.parts) {
            file_.read_into(part.name, leaf.narrow(0, row, part.shape.front()));
            row += part.shape.front();
        }
        leaves.push_back(leaf.requires_grad_());
    }
    return leaves;
}

at::Tensor GoldenBert::tensor(const std::string& name) const {
    at::Tensor tensor = at::empty(file_.entries().at(name).shape, at::kFloat);
    file_.read_into(name, tensor);
    return tensor;
}

std::vector<std::int32_t> GoldenBert::integers(const std::string& name) const {
    const at::Tensor tensor = at::empty(file_.entries().at(name).shape, at::kLong);
    file_.read_into(name, tensor);
    const auto* values = tensor.const_data_ptr<std::int64_t>();
    return {values, values + tensor.numel()};
}

corpus::Batch GoldenBert::batch() const {
    const auto tokens = integers("input.tokens");
    const auto segments = integers("input.segments");
    corpus::Batch batch;
    batch.clear();
    for (const std::int32_t length : integers("input.lengths")) {
        const auto first = batch.token_count();
        const auto count = static_cast<std::size_t>(length);
        batch.append(static_cast<std::int64_t>(100 + batch.sequences()),
                     std::span(tokens).subspan(first, count),
                     std::span(segments).subspan(first, count));
    }
    if (head_ == model::Head::MaskedLm) {
        batch.mlm_positions = integers("input.mlm_positions");
        batch.mlm_labels = integers("input.mlm_labels");
    } else {
        const at::Tensor targets = tensor("input.targets");
        const auto* values = targets.const_data_ptr<float>();
        batch.targets.assign(values, values + targets.numel());
    }
    return batch;
}

model::ModelConfig small_config(model::EncoderNorm norm) {
    model::ModelConfig config;
    config.vocabulary_size = 50;
    config.hidden_size = 24;
    config.layers = 2;
    config.heads = 3;
    config.intermediate_size = 40;
    config.max_positions = 16;
    config.initializer_range = 0.2;
    config.norm = norm;
    return config;
}

std::vector<at::Tensor> fresh_leaves(const model::ModelConfig& config, model::Head head,
                                     std::uint64_t seed) {
    std::vector<at::Tensor> leaves;
    for (const model::LeafSpec& spec : model::leaf_specs(config, head)) {
        at::Tensor leaf = at::empty(spec.shape(), at::kFloat);
        model::initialize_leaf(spec, config, seed, leaf);
        leaves.push_back(leaf.requires_grad_());
    }
    return leaves;
}

corpus::Batch pick(const corpus::Batch& batch, const std::vector<std::size_t>& sequences) {
    corpus::Batch picked;
    picked.clear();
    for (const std::size_t sequence : sequences) {
        const std::int32_t first = batch.cu_seqlens[sequence];
        const std::int32_t last = batch.cu_seqlens[sequence + 1];
        const auto shift = static_cast<std::int32_t>(picked.token_count()) - first;
        const auto count = static_cast<std::size_t>(last - first);
        picked.append(batch.samples[sequence],
                      std::span(batch.tokens).subspan(static_cast<std::size_t>(first), count),
                      std::span(batch.segments).subspan(static_cast<std::size_t>(first), count));
        for (std::size_t i = 0; i < batch.mlm_positions.size(); ++i) {
            if (batch.mlm_positions[i] >= first && batch.mlm_positions[i] < last) {
                picked.mlm_positions.push_back(batch.mlm_positions[i] + shift);
                picked.mlm_labels.push_back(batch.mlm_labels[i]);
            }
        }
        if (!batch.targets.empty()) {
            picked.targets.push_back(batch.targets[sequence]);
        }
    }
    return picked;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
    if (a.numel() == 0) {
        return 0.0;
    }
    return (a.detach() - b.detach()).abs().max().item<double>();
}

}  // namespace hpml::test
