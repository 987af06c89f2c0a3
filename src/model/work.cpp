#include "model/work.h"

#include "model/parameters.h"

namespace hpml::model {

namespace {

bool starts_with(const std::string& name, const char* prefix) { return name.rfind(prefix, 0) == 0; }

}  // namespace

std::vector<double> forward_flops(const ModelConfig& config, Head head, const WorkShape& shape) {
    const auto tokens = static_cast<double>(shape.sequence_length);
    const double masked = tokens * shape.masked_share;
    const auto width = static_cast<double>(config.hidden_size);
    std::vector<double> flops;
    for (const LeafSpec& leaf : leaf_specs(config, head)) {
        const std::string& name = leaf.parts.front().name;
        const auto count = static_cast<double>(leaf.count());
        const bool is_matrix = leaf.shape().size() == 2;
        double work = 0;
        if (name == "cls.predictions.bias") {
            work = 2 * masked * width * count;
        } else if (is_matrix && starts_with(name, "cls.")) {
            work = 2 * masked * count;
        } else if (is_matrix && starts_with(name, "bert.encoder.")) {
            work = 2 * tokens * count;
        } else if (is_matrix && !starts_with(name, "bert.embeddings.")) {
            work = 2 * count;  // the pooler and the classifier see one token
        }
        if (is_matrix && leaf.parts.size() == 3) {
            work += 4 * tokens * tokens * width;
        }
        flops.push_back(work);
    }
    return flops;
}

}  // namespace hpml::model
