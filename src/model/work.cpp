#include "model/work.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "model/parameters.h"

namespace hpml::model {

namespace {

bool contains(const std::string& name, const std::string& part) {
    return name.find(part) != std::string::npos;
}

/// Tokens that a matrix of the encoder sees.
struct EncoderTokens {
    double all = 0;
    double wanted = 0;  ///< of which the head wants the output of the last layer
    std::string last_layer;

    [[nodiscard]] bool in_last_layer(const std::string& name) const {
        return contains(name, last_layer);
    }
    [[nodiscard]] double seen_by(const LeafSpec& leaf) const {
        if (!in_last_layer(leaf.parts.front().name)) {
            return all;
        }
        // Keys and values are of all tokens, in the last layer too.
        return leaf.parts.size() == 3 ? (2 * all + wanted) / 3 : wanted;
    }
    [[nodiscard]] double queries(const std::string& name) const {
        return in_last_layer(name) ? wanted : all;
    }
};

}  // namespace

std::vector<double> forward_flops(const ModelConfig& config, Head head, const WorkShape& shape) {
    const auto tokens = static_cast<double>(shape.sequence_length);
    const double masked = tokens * shape.masked_share;
    const auto width = static_cast<double>(config.hidden_size);
    const EncoderTokens encoder{tokens, head == Head::MaskedLm ? masked : 1.0,
                                ".encoder.layer." + std::to_string(config.layers - 1) + "."};
    const std::vector<LeafSpec> leaves = leaf_specs(config, head);
    std::vector<double> flops;
    for (const LeafSpec& leaf : leaves) {
        const std::string& name = leaf.parts.front().name;
        const auto count = static_cast<double>(leaf.count());
        const bool is_matrix = leaf.shape().size() == 2;
        double work = 0;
        if (head == Head::MaskedLm && &leaf == &leaves.back()) {
            work = 2 * masked * width * count;  // the decoder, by its bias
        } else if (is_matrix && contains(name, ".encoder.layer.")) {
            work = 2 * encoder.seen_by(leaf) * count;
        } else if (is_matrix && !contains(name, ".embeddings.")) {
            // The pooler and the classifier see one token.
            work = 2 * (head == Head::MaskedLm ? masked : 1.0) * count;
        }
        if (is_matrix && leaf.parts.size() == 3) {
            work += 4 * encoder.queries(name) * tokens * width;
        }
        flops.push_back(work);
    }
    return flops;
}

BatchWork::BatchWork(const ModelConfig& config, Head head) {
    const auto work = [&](std::int64_t tokens, double masked) {
        const auto leaves =
            forward_flops(config, head, {tokens, masked / static_cast<double>(tokens)});
        return std::accumulate(leaves.begin(), leaves.end(), 0.0);
    };
    // Four values of a polynomial with four terms.
    square_ = (work(2, 0) - 2 * work(1, 0)) / 2;
    linear_ = work(1, 0) - square_;
    cross_ = (work(2, 1) - work(2, 0)) - (work(1, 1) - work(1, 0));
    masked_ = work(1, 1) - work(1, 0) - cross_;
}

double BatchWork::training_flops(const corpus::Batch& batch) const {
    constexpr double kForwardAndBackward = 3;
    double flops = 0;
    auto next = batch.mlm_positions.begin();
    for (std::size_t i = 0; i < batch.sequences(); ++i) {
        const auto end = std::lower_bound(next, batch.mlm_positions.end(), batch.cu_seqlens[i + 1]);
        const auto tokens = static_cast<double>(batch.cu_seqlens[i + 1] - batch.cu_seqlens[i]);
        const auto masked = static_cast<double>(end - next);
        flops += linear_ * tokens + square_ * tokens * tokens + masked_ * masked +
                 cross_ * tokens * masked;
        next = end;
    }
    return kForwardAndBackward * flops;
}

}  // namespace hpml::model
