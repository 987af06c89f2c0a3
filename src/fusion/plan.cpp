#include "fusion/plan.h"

#include <string>

#include "base/error.h"

namespace hpml::fusion {

namespace {

constexpr std::int64_t kAlignment = 16;  // fp32 elements in 64 bytes

std::int64_t align(std::int64_t count) {
    return (count + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Plan make_plan(const std::vector<model::LeafSpec>& specs, Bytes bucket_size) {
    expects(!specs.empty(), "a model with parameters");
    Plan plan;
    for (const auto& spec : specs) {
        plan.leaves.push_back({plan.total, spec.count()});
        plan.total += align(spec.count());
    }
    const auto least = static_cast<std::int64_t>(bucket_size.value / sizeof(float));
    std::int64_t end = plan.total;
    std::size_t last = specs.size() - 1;
    for (std::size_t leaf = specs.size(); leaf-- > 0;) {
        const std::int64_t begin = plan.leaves[leaf].offset;
        const bool next_is_large = leaf > 0 && plan.leaves[leaf - 1].count >= least;
        if (end - begin >= least || next_is_large || leaf == 0) {
            plan.buckets.push_back({begin, end, leaf, last});
            end = begin;
            last = leaf == 0 ? 0 : leaf - 1;
        }
    }
    return plan;
}

Digest Plan::digest() const {
    std::string text;
    for (const auto& leaf : leaves) {
        text += std::to_string(leaf.offset) + "+" + std::to_string(leaf.count) + ";";
    }
    for (const auto& bucket : buckets) {
        text += "|" + std::to_string(bucket.begin) + "-" + std::to_string(bucket.end);
    }
    return hash_text(text);
}

}  // namespace hpml::fusion
