#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "base/error.h"
#include "base/hash.h"
#include "base/philox.h"
#include "model/bert.h"
#include "model/parameters.h"

namespace hpml::model {
namespace {

/// Two independent standard normal numbers from two random words (Box and Muller 1958). In double,
/// so that the tails reach 6.6 deviations and the rounding to float is the only one that shows.
std::array<double, 2> normal_pair(std::uint32_t first, std::uint32_t second) {
    const double radius = std::sqrt(-2.0 * std::log((first + 1.0) * 0x1p-32));
    const double angle = 2.0 * std::numbers::pi * (second * 0x1p-32);
    return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Element e is number e % 4 of the Philox block with counter {e / 4, 0, hash of the name}.
void fill_normal(std::span<float> values, PhiloxKey key, const std::string& name,
                 double deviation) {
    const std::uint64_t hash = hash_text(name).low;
    expects(values.size() < (std::size_t{1} << 34), "below 2^34 elements in a parameter");
    for (std::size_t first = 0; first < values.size(); first += 4) {
        const PhiloxCounter words =
            philox(key, {static_cast<std::uint32_t>(first / 4), 0, static_cast<std::uint32_t>(hash),
                         static_cast<std::uint32_t>(hash >> 32)});
        const auto low = normal_pair(words[0], words[1]);
        const auto high = normal_pair(words[2], words[3]);
        const std::array<double, 4> block{low[0], low[1], high[0], high[1]};
        const std::size_t count = std::min<std::size_t>(4, values.size() - first);
        for (std::size_t i = 0; i < count; ++i) {
            values[first + i] = static_cast<float>(deviation * block[i]);
        }
    }
}

/// BERT-base's width, for which its initializer_range was chosen.
constexpr double kBaseWidth = 768;

void fill(std::span<float> values, const ParameterSpec& part, const ModelConfig& config,
          PhiloxKey key) {
    switch (part.init) {
        case Init::Zeros:
            std::fill(values.begin(), values.end(), 0.0F);
            return;
        case Init::Ones:
            std::fill(values.begin(), values.end(), 1.0F);
            return;
        case Init::Normal:
            fill_normal(values, key, part.name, config.initializer_range);
            return;
        case Init::WidthScaled:
            fill_normal(
                values, key, part.name,
                config.initializer_range * kBaseWidth / static_cast<double>(config.hidden_size));
            return;
        case Init::NearIdentity: {
            fill_normal(values, key, part.name, config.initializer_range);
            const auto width = static_cast<std::size_t>(part.shape.back());
            for (std::size_t i = 0; i < values.size(); i += width + 1) {
                values[i] += 1.0F;
            }
            return;
        }
    }
}

}  // namespace

void initialize_leaf(const LeafSpec& spec, const ModelConfig& config, std::uint64_t seed,
                     const at::Tensor& leaf) {
    expects(leaf.sizes() == c10::IntArrayRef(spec.shape()), "a leaf of its spec's shape");
    const at::Tensor values = at::empty(leaf.sizes(), at::kFloat);
    std::span<float> rest(values.mutable_data_ptr<float>(),
                          static_cast<std::size_t>(values.numel()));
    const PhiloxKey key = philox_key(seed, RandomUse::Init);
    for (const ParameterSpec& part : spec.parts) {
        const auto own = rest.first(static_cast<std::size_t>(part.count()));
        rest = rest.subspan(own.size());
        fill(own, part, config, key);
    }
    // On the data, for autograd refuses in-place writes to a leaf.
    leaf.detach().copy_(values);
}

}  // namespace hpml::model
