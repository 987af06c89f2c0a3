#include "fusion/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"

namespace hpml::fusion {

namespace {

constexpr std::int64_t kAlignment = 16;  // fp32 elements in 64 bytes

std::int64_t align(std::int64_t count) {
    return (count + kAlignment - 1) / kAlignment * kAlignment;
}

/// Tensors of a leaf lie one behind the other in it.
void require_unique_names(const std::vector<model::LeafSpec>& specs) {
    std::set<std::string> names;
    for (const auto& spec : specs) {
        for (const auto& part : spec.parts) {
            if (!names.insert(part.name).second) {
                throw UsageError("two tensors are called '" + part.name +
                                 "' (checkpoints and messages could not tell them apart); give "
                                 "each a name of its own");
            }
        }
    }
}

}  // namespace

Plan make_plan(const std::vector<model::LeafSpec>& specs, Bytes bucket_size,
               Bytes first_bucket_size) {
    expects(!specs.empty(), "a model with parameters");
    require_unique_names(specs);
    Plan plan;
    for (const auto& spec : specs) {
        plan.leaves.push_back({plan.total, spec.count()});
        plan.total += align(spec.count());
    }
    const auto least = static_cast<std::int64_t>(bucket_size.value / sizeof(float));
    const auto first = static_cast<std::int64_t>(first_bucket_size.value / sizeof(float));
    const auto least_now = [&] {
        return plan.buckets.empty() && first > 0 ? std::min(first, least) : least;
    };
    std::int64_t end = plan.total;
    std::size_t last = specs.size() - 1;
    for (std::size_t leaf = specs.size(); leaf-- > 0;) {
        const std::int64_t begin = plan.leaves[leaf].offset;
        const bool next_is_large = leaf > 0 && plan.leaves[leaf - 1].count >= least;
        if (end - begin >= least_now() || next_is_large || leaf == 0) {
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

std::string to_text(const Plan& plan, const std::vector<model::LeafSpec>& specs) {
    std::string text;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        std::int64_t offset = plan.leaves[i].offset;
        for (const auto& part : specs[i].parts) {
            text += fmt::format("{} [{}] at {}\n", part.name, fmt::join(part.shape, ", "), offset);
            offset += part.count();
        }
    }
    for (std::size_t i = 0; i < plan.buckets.size(); ++i) {
        const Bucket& bucket = plan.buckets[i];
        text += fmt::format("{} at {} up to {}\n", name_of_bucket(plan, i, specs), bucket.begin,
                            bucket.end);
    }
    return text;
}

std::string name_of_bucket(const Plan& plan, std::size_t bucket,
                           const std::vector<model::LeafSpec>& specs) {
    const Bucket& leaves = plan.buckets[bucket];
    const std::string& first = specs[leaves.first_leaf].parts.front().name;
    const std::string& last = specs[leaves.last_leaf].parts.back().name;
    return fmt::format("bucket {}: {}", bucket, first == last ? first : first + " to " + last);
}

}  // namespace hpml::fusion
