#include "model/work.h"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "model/parameters.h"

using namespace hpml;

namespace {

double sum(const std::vector<double>& flops) {
    return std::accumulate(flops.begin(), flops.end(), 0.0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(work_suite)

BOOST_AUTO_TEST_CASE(a_sequence_costs_what_its_matrix_products_cost) {
    const auto config = model::named_model("base");
    const auto flops = model::forward_flops(config, model::Head::MaskedLm, {128, 0.25});
    // 11 layers of 4 h^2 + 8 h^2 weights, seen by 128 tokens; in the last one keys and values, 2
    // h^2, are, the other weights are seen by the 32 tokens of the head; attention likewise.
    const double encoder = 2.0 * 768 * 768 * (128 * (11 * 12 + 2) + 32 * 10);
    const double attention = 4.0 * 128 * 768 * (11 * 128 + 32);
    const double head = 2.0 * 32 * (768.0 * 768 + 768.0 * 30522);
    BOOST_TEST(sum(flops) == encoder + attention + head, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(every_leaf_has_its_work_in_the_order_of_the_leaves) {
    for (const auto head : {model::Head::MaskedLm, model::Head::Classification}) {
        const auto config = model::named_model("tiny");
        const auto leaves = model::leaf_specs(config, head);
        const auto flops = model::forward_flops(config, head, {64, 0.15});
        BOOST_TEST_REQUIRE(flops.size() == leaves.size());
        BOOST_TEST(leaves.front().parts.front().name == "bert.embeddings.word_embeddings.weight");
        BOOST_TEST(flops.front() == 0.0);
        BOOST_TEST(sum(flops) > 0);
    }
}

BOOST_AUTO_TEST_CASE(more_masked_tokens_are_work_for_the_head_alone) {
    const auto config = model::named_model("tiny");
    const auto few = model::forward_flops(config, model::Head::MaskedLm, {64, 0.1});
    const auto many = model::forward_flops(config, model::Head::MaskedLm, {64, 0.2});
    BOOST_TEST(many.back() == 2 * few.back(), boost::test_tools::tolerance(1e-12));
    BOOST_TEST(many[3] == few[3]);
}

BOOST_AUTO_TEST_CASE(a_batch_costs_what_its_sequences_cost_one_by_one) {
    const auto config = model::named_model("tiny");
    corpus::Batch batch;
    batch.clear();
    const std::vector<std::int32_t> ids(64, 7);
    double expected = 0;
    std::int32_t first = 0;
    for (const auto& [tokens, masked] : {std::pair{64, 16}, std::pair{5, 0}, std::pair{32, 4}}) {
        const auto length = static_cast<std::size_t>(tokens);
        batch.append(0, std::span(ids).first(length), std::span(ids).first(length));
        for (std::int32_t i = 0; i < masked; ++i) {
            batch.mlm_positions.push_back(first + i);
        }
        first += tokens;
        expected += 3 * sum(model::forward_flops(config, model::Head::MaskedLm,
                                                 {tokens, static_cast<double>(masked) / tokens}));
    }
    const double counted = model::BatchWork(config, model::Head::MaskedLm).training_flops(batch);
    BOOST_TEST(counted == expected, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
