#include "model/dropout.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace {

using hpml::model::DropoutSite;
using hpml::model::DropoutStream;
using hpml::model::fill_keep_scale;

std::vector<float> factors(const DropoutStream& stream, double probability, std::size_t count) {
    std::vector<float> out(count);
    fill_keep_scale(stream, probability, out);
    return out;
}

constexpr DropoutStream kStream{
    .seed = 7, .step = 3, .sample = 11, .layer = 2, .site = DropoutSite::AttentionOutput};

/// The header's layout, one element at a time.
float factor_by_definition(const DropoutStream& stream, double probability, std::uint64_t element) {
    const auto sample = static_cast<std::uint64_t>(stream.sample);
    const auto words =
        hpml::philox(hpml::philox_key(stream.seed, hpml::RandomUse::Dropout),
                     {static_cast<std::uint32_t>(element / 64 * 16 + element % 16),
                      static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(stream.step),
                      static_cast<std::uint32_t>(sample >> 32) << 13 |
                          static_cast<std::uint32_t>(stream.layer) << 3 |
                          static_cast<std::uint32_t>(stream.site)});
    const bool dropped = words[element / 16 % 4] < probability * 0x1p32;
    return dropped ? 0.0F : static_cast<float>(1.0 / (1.0 - probability));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dropout)

BOOST_AUTO_TEST_CASE(every_element_follows_the_documented_counter) {
    const DropoutStream stream{.seed = 0x123456789ABCDEF0,
                               .step = 4'000'000'000,
                               .sample = (std::int64_t{5} << 32) + 9,
                               .layer = 1023,
                               .site = DropoutSite::Head};
    const auto out = factors(stream, 0.25, 1000);
    for (std::size_t element = 0; element < out.size(); ++element) {
        BOOST_TEST(out[element] == factor_by_definition(stream, 0.25, element));
    }
}

BOOST_AUTO_TEST_CASE(a_shorter_row_is_the_beginning_of_a_longer_one) {
    const auto whole = factors(kStream, 0.1, 1000);
    for (const std::size_t count : {0, 1, 63, 64, 65, 127, 999}) {
        const auto part = factors(kStream, 0.1, count);
        BOOST_TEST(std::equal(part.begin(), part.end(), whole.begin()));
    }
}

BOOST_AUTO_TEST_CASE(drops_the_asked_share_and_keeps_the_mean) {
    constexpr std::size_t kCount = 1 << 20;
    for (const double probability : {0.0, 0.1, 0.5, 0.9}) {
        std::size_t dropped = 0;
        double sum = 0.0;
        for (const float factor : factors(kStream, probability, kCount)) {
            dropped += factor == 0.0F ? 1 : 0;
            sum += factor;
        }
        // Five standard deviations of a binomial count.
        const double deviation = std::sqrt(probability * (1.0 - probability) / kCount);
        BOOST_TEST(std::abs(static_cast<double>(dropped) / kCount - probability) <=
                   5.0 * deviation);
        BOOST_TEST(std::abs(sum / kCount - 1.0) <= 5.0 * deviation / (1.0 - probability) + 1e-6);
    }
}

BOOST_AUTO_TEST_CASE(every_part_of_the_key_changes_about_half_of_the_decisions) {
    constexpr std::size_t kCount = 4096;
    const auto reference = factors(kStream, 0.5, kCount);
    std::vector<DropoutStream> others(6, kStream);
    others[0].seed = 8;
    others[1].step = 4;
    others[2].sample = 12;
    others[3].sample += std::int64_t{1} << 32;
    others[4].layer = 3;
    others[5].site = DropoutSite::FeedForwardOutput;
    for (const DropoutStream& other : others) {
        const auto out = factors(other, 0.5, kCount);
        std::size_t equal = 0;
        for (std::size_t i = 0; i < kCount; ++i) {
            equal += out[i] == reference[i] ? 1 : 0;
        }
        BOOST_TEST(equal > kCount * 45 / 100);
        BOOST_TEST(equal < kCount * 55 / 100);
    }
}

BOOST_AUTO_TEST_SUITE_END()
