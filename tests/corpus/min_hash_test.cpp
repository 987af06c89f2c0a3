#include "corpus/min_hash.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "base/philox.h"

namespace hpml::corpus {
namespace {

using Tokens = std::vector<std::int32_t>;

/// Random tokens, so that no run of five occurs twice.
class RandomTokens {
  public:
    void append(std::size_t count, Tokens& ids) {
        for (std::size_t i = 0; i < count; ++i) {
            ids.push_back(static_cast<std::int32_t>(stream_.below(30000)));
        }
    }

  private:
    PhiloxStream stream_{philox_key(1, RandomUse::Test), 0, 0, 0};
};

bool are_alike(const MinHash& min_hash, const Tokens& a, const Tokens& b) {
    const MinHash::Keys of_a = min_hash.keys(a);
    const MinHash::Keys of_b = min_hash.keys(b);
    for (std::size_t band = 0; band < MinHash::kBands; ++band) {
        if (of_a[band] == of_b[band]) {
            return true;
        }
    }
    return false;
}

/// The fraction of `pairs` that is found of pairs that share a part of so many runs.
double found_rate(double similarity, int pairs) {
    constexpr double kUnion = 400;  // runs in either
    const auto common = static_cast<std::size_t>(std::lround(kUnion * similarity));
    const auto other = static_cast<std::size_t>(std::lround(kUnion * (1 - similarity) / 2));
    const MinHash min_hash;
    RandomTokens random;
    int found = 0;
    for (int pair = 0; pair < pairs; ++pair) {
        Tokens a;
        random.append(common + MinHash::kShingle - 1, a);
        Tokens b = a;
        random.append(other, a);
        random.append(other, b);
        found += are_alike(min_hash, a, b) ? 1 : 0;
    }
    return static_cast<double>(found) / pairs;
}

BOOST_AUTO_TEST_SUITE(min_hash_suite)

BOOST_AUTO_TEST_CASE(pairs_are_found_as_often_as_their_similarity_says) {
    constexpr int kPairs = 1000;
    for (const double similarity : {0.3, 0.5, 0.6, 0.7, 0.8, 0.9}) {
        const double expected = 1 - std::pow(1 - std::pow(similarity, 8), 14);
        const double deviation = std::sqrt(expected * (1 - expected) / kPairs);
        BOOST_TEST(std::abs(found_rate(similarity, kPairs) - expected) < 4 * deviation + 0.005,
                   "similarity " << similarity << ": " << found_rate(similarity, kPairs) << ", not "
                                 << expected);
    }
}

BOOST_AUTO_TEST_CASE(keys_depend_on_the_set_of_runs_alone) {
    const MinHash min_hash;
    Tokens once;
    RandomTokens().append(3000, once);
    once.insert(once.end(), once.begin(), once.begin() + 4);
    Tokens twice(once.begin(), once.end() - 4);
    twice.insert(twice.end(), once.begin(), once.end());
    const MinHash::Keys keys = min_hash.keys(once);
    BOOST_CHECK(min_hash.keys(twice) == keys);
    std::ranges::reverse(once);
    BOOST_CHECK(min_hash.keys(once) != keys);
}

BOOST_AUTO_TEST_CASE(documents_shorter_than_a_run_are_alike_only_if_they_are_equal) {
    const MinHash min_hash;
    for (std::size_t length = 1; length < MinHash::kShingle; ++length) {
        const Tokens zeros(length, 0);
        Tokens other = zeros;
        other.back() = 1;
        BOOST_TEST(are_alike(min_hash, zeros, zeros));
        BOOST_TEST(!are_alike(min_hash, zeros, other));
        BOOST_TEST(!are_alike(min_hash, zeros, Tokens(length + 1, 0)));
    }
}

BOOST_AUTO_TEST_CASE(the_bands_of_one_document_have_different_keys) {
    const MinHash::Keys keys = MinHash().keys(Tokens{1, 2, 3, 4, 5, 6});
    for (std::size_t band = 1; band < keys.size(); ++band) {
        BOOST_CHECK(keys[band] != keys[band - 1]);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
