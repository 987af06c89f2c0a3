#include "tasks/memory_estimate.h"

#include <boost/test/unit_test.hpp>

#include "comm/reproducible.h"
#include "model/config.h"
#include "model/parameters.h"

using namespace hpml;
using namespace hpml::tasks;

namespace {

PretrainOptions options_of(std::int64_t micro_batch) {
    PretrainOptions options;
    options.micro_batch = micro_batch;
    options.optimizer.name = "adamw";
    return options;
}

Bytes estimate(std::int64_t micro_batch, const RowLengths& rows, JobRanks ranks = {}) {
    return estimate_memory(options_of(micro_batch), model::named_model("tiny"), rows, ranks)
        .total();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_estimate_suite)

BOOST_AUTO_TEST_CASE(short_rows_need_less_and_a_single_one_may_be_the_longest) {
    const Bytes full = estimate(32, {128, 128});
    BOOST_TEST(estimate(32, {128, 30}).value < full.value);
    BOOST_TEST(estimate(32, {128, 30}).value < estimate(32, {128, 100}).value);
    // Nothing is known of the one row but the bound.
    BOOST_TEST(estimate(1, {128, 64}).value == estimate(1, {128, 128}).value);
}

BOOST_AUTO_TEST_CASE(ranks_of_a_node_share_the_libraries) {
    const Bytes alone = estimate(1, {128, 128}, {.all = 4, .of_node = 1});
    const Bytes two = estimate(1, {128, 128}, {.all = 4, .of_node = 2});
    const Bytes four = estimate(1, {128, 128}, {.all = 4, .of_node = 4});
    BOOST_TEST(alone.value - two.value == 2 * (two.value - four.value));
    BOOST_TEST(alone.value > two.value);
}

BOOST_AUTO_TEST_CASE(elastic_sums_are_eight_bytes_a_parameter_on_every_rank) {
    PretrainOptions options = options_of(8);
    const auto config = model::named_model("tiny");
    const JobRanks ranks{.all = 2, .of_node = 2};
    const Bytes without = estimate_memory(options, config, {128, 128}, ranks).total();
    options.communication.all_reduce.reproducible = comm::Reproducible::Elastic;
    const Bytes with = estimate_memory(options, config, {128, 128}, ranks).total();
    const std::int64_t count = model::parameter_count(config, model::Head::MaskedLm);
    BOOST_TEST(with.value - without.value == static_cast<std::uint64_t>(8 * count));
}

BOOST_AUTO_TEST_CASE(ranks_share_the_copy_of_a_checkpoint) {
    const PretrainOptions options = options_of(8);
    const auto config = model::named_model("tiny");
    const auto copy = [&](int ranks) {
        return estimate_memory(options, config, {128, 128}, {.all = ranks}).most_while_saving.value;
    };
    BOOST_TEST(copy(1) == estimate_checkpoint(options, config).value);
    BOOST_TEST(copy(4) == copy(1) / 4);
}

BOOST_AUTO_TEST_CASE(the_mean_length_is_that_of_the_training_rows) {
    corpus::Manifest manifest;
    manifest.sequence_length = 128;
    BOOST_TEST(row_lengths(manifest).mean == 128.0);  // it counts no tokens
    corpus::ShardEntry shard;
    shard.rows = 10;
    manifest.train = {shard};
    manifest.train_tokens = 700;
    BOOST_TEST(row_lengths(manifest).longest == 128);
    BOOST_TEST(row_lengths(manifest).mean == 70.0);
}

BOOST_AUTO_TEST_SUITE_END()
