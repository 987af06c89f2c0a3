#include "train/step.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "train/toy.h"

using namespace hpml;

using test::Toy;

BOOST_AUTO_TEST_SUITE(step_suite)

BOOST_AUTO_TEST_CASE(loss_and_gradient_are_means_over_the_weights_of_all_ranks) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks);
    const int n = ranks.size();
    // Rank r has r + 1 micro-batches of weight 2: unequal shares, one mean.
    const auto result = toy.runner.run(ranks.rank().value + 1,
                                       [&](std::int64_t) { return toy.loss(6.0, 2); }, 1e-3, {});
    const double micro_batches = n * (n + 1) / 2.0;
    BOOST_TEST(result.weight == 2 * micro_batches);
    BOOST_TEST(std::abs(result.loss - 1.0) < 1e-12);
    BOOST_TEST(std::abs(result.gradient_norm - 3.0 * 2.0) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_rank_without_micro_batches_takes_part) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks);
    const std::int64_t mine = ranks.is_root() ? 1 : 0;
    const auto result =
        toy.runner.run(mine, [&](std::int64_t) { return toy.loss(1.0, 1); }, 1e-3, {});
    BOOST_TEST(result.weight == 1.0);
}

BOOST_AUTO_TEST_CASE(votes_are_summed) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks);
    std::vector<double> votes{1.0, ranks.is_root() ? 1.0 : 0.0};
    toy.runner.run(
        1, [&](std::int64_t) { return toy.loss(1.0, 1); }, 1e-3, votes);
    BOOST_TEST(votes[0] == ranks.size());
    BOOST_TEST(votes[1] == 1.0);
}

BOOST_AUTO_TEST_CASE(not_a_number_on_the_last_rank_keeps_every_rank_from_the_update) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks);
    const bool bad = ranks.rank().value == ranks.size() - 1;
    const auto result =
        toy.runner.run(1,
                       [&](std::int64_t) {
                           return toy.loss(bad ? std::numeric_limits<double>::quiet_NaN() : 1.0, 1);
                       },
                       1e-3, {});
    BOOST_TEST(!result.is_finite());
    BOOST_CHECK_THROW(train::require_finite(result), DivergedError);
    BOOST_TEST(toy.arena.parameters().abs().sum().item<double>() == 0.0);
    BOOST_TEST(toy.optimizer->steps_taken() == 0);
}

BOOST_AUTO_TEST_CASE(an_overflow_under_the_loss_scale_is_no_fault_and_no_update) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks);
    optim::LossScaler scaler;
    train::StepRunner runner(
        {toy.arena, toy.reducer, *toy.optimizer, ranks, nullptr, nullptr, &scaler}, 0);
    const bool bad = ranks.rank().value == ranks.size() - 1;
    const auto step = [&](double slope) {
        return runner.run(1, [&](std::int64_t) { return toy.loss(bad ? slope : 1.0, 1); }, 1e-3,
                          {});
    };
    // An fp32 number, but not 65536 times it.
    const auto left_out = step(1e37);
    BOOST_TEST(left_out.overflowed);
    BOOST_TEST(left_out.is_finite());
    BOOST_TEST(!left_out.has_update());
    BOOST_TEST(!std::isfinite(left_out.gradient_norm));
    BOOST_TEST(toy.optimizer->steps_taken() == 0);
    BOOST_TEST(scaler.scale() == 32768.0);
    const auto taken = step(1.0);
    BOOST_TEST(taken.has_update());
    BOOST_TEST(taken.gradient_norm == 2.0);
    BOOST_TEST(toy.optimizer->steps_taken() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
