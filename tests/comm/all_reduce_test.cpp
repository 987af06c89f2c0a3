#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/mpi_all_reduce.h"
#include "comm/ring.h"
#include "comm/select.h"

using namespace hpml;
using test::GuardedBuffer;

BOOST_AUTO_TEST_SUITE(all_reduce_suite)

BOOST_DATA_TEST_CASE(sums_exactly_inside_its_bounds_at_awkward_sizes,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    for (const std::size_t size : test::awkward_sizes(ranks.size())) {
        if (test::too_long_for(name, size)) {
            continue;
        }
        GuardedBuffer buffer(size, size % 4);
        for (std::size_t i = 0; i < size; ++i) {
            buffer.values()[i] = test::whole_value(ranks.rank().value, i);
        }
        test::all_reduce(*algorithm, buffer.values());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < size; ++i) {
            float expected = 0;
            for (int rank = 0; rank < ranks.size(); ++rank) {
                expected += test::whole_value(rank, i);
            }
            wrong += buffer.values()[i] == expected ? 0 : 1;
        }
        BOOST_TEST(wrong == 0U, name << ": " << wrong << " of " << size << " sums are wrong");
        BOOST_TEST(buffer.canaries_stand(), name << " wrote outside " << size << " elements");
    }
}

BOOST_DATA_TEST_CASE(all_ranks_get_the_same_bits_within_the_error_bound,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    const std::size_t count = 65537;
    auto values = test::rough_values(ranks.rank().value, count);
    test::all_reduce(*algorithm, values);
    BOOST_TEST(test::same_on_all_ranks(ranks, values));

    std::vector<double> sums(count, 0.0);
    std::vector<double> magnitudes(count, 0.0);
    for (int rank = 0; rank < ranks.size(); ++rank) {
        const auto theirs = test::rough_values(rank, count);
        for (std::size_t i = 0; i < count; ++i) {
            sums[i] += theirs[i];
            magnitudes[i] += std::abs(theirs[i]);
        }
    }
    std::size_t outside = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double bound = (ranks.size() - 1) * 0x1p-24 * magnitudes[i];
        outside += std::abs(values[i] - sums[i]) <= bound ? 0 : 1;
    }
    BOOST_TEST(outside == 0U);
}

BOOST_AUTO_TEST_CASE(the_rings_bits_depend_neither_on_the_run_nor_on_segment_and_depth) {
    const auto ranks = mpi::Communicator::world();
    const std::size_t count = 70001;
    auto first = test::rough_values(ranks.rank().value, count);
    test::all_reduce(*test::make_algorithm("ring", ranks), first);
    std::size_t different = 0;
    for (const std::string name : {"ring", "ring-128-bytes", "ring-deep", "ring", "ring-deep"}) {
        auto again = test::rough_values(ranks.rank().value, count);
        test::all_reduce(*test::make_algorithm(name, ranks), again);
        different += test::same_bits(first, again) ? 0 : 1;
    }
    BOOST_TEST(different == 0U);
}

BOOST_AUTO_TEST_CASE(the_ring_adds_each_chunk_in_rank_order_from_its_own_rank_on) {
    const auto ranks = mpi::Communicator::world();
    const auto size = static_cast<std::size_t>(ranks.size());
    const std::size_t per_chunk = 100;
    auto values = test::rough_values(ranks.rank().value, per_chunk * size);
    test::all_reduce(*test::make_algorithm("ring", ranks), values);
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < ranks.size(); ++rank) {
        all.push_back(test::rough_values(rank, per_chunk * size));
    }
    std::size_t different = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t chunk = i / per_chunk;
        float expected = all[chunk][i];
        for (std::size_t step = 1; step < size; ++step) {
            expected += all[(chunk + step) % size][i];
        }
        different += test::same_bits(std::span(&expected, 1), std::span(&values[i], 1)) ? 0 : 1;
    }
    BOOST_TEST(different == 0U);
}

BOOST_DATA_TEST_CASE(special_values_survive, boost::unit_test::data::make(test::algorithm_names()),
                     name) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kTiny = std::numeric_limits<float>::denorm_min();
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    const bool last = ranks.rank().value == ranks.size() - 1;
    std::vector<float> values = {-0.0F,
                                 kTiny,
                                 last ? kInfinity : 1.0F,
                                 last ? -kInfinity : 1.0F,
                                 last ? std::nanf("") : 1.0F,
                                 ranks.is_root() ? kInfinity : (last ? -kInfinity : 0.0F)};
    test::all_reduce(*algorithm, values);
    BOOST_TEST(values[0] == 0.0F);
    BOOST_TEST(std::signbit(values[0]));
    BOOST_TEST(values[1] == kTiny * static_cast<float>(ranks.size()));
    BOOST_TEST(values[2] == kInfinity);
    BOOST_TEST(values[3] == -kInfinity);
    BOOST_TEST(std::isnan(values[4]));
    BOOST_TEST((ranks.size() == 1 ? values[5] == kInfinity : std::isnan(values[5])));
}

BOOST_DATA_TEST_CASE(many_operations_under_way_do_not_mix,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    std::vector<std::vector<float>> buffers;
    std::vector<comm::OperationHandle> operations;
    for (std::size_t i = 0; i < 20; ++i) {
        buffers.emplace_back(300 * i + 1, static_cast<float>(i + 1));
    }
    for (auto& buffer : buffers) {
        operations.push_back(algorithm->start(buffer));
    }
    // Finished in the opposite order: each advances on its own.
    for (auto operation = operations.rbegin(); operation != operations.rend(); ++operation) {
        bool done = false;
        while (!done) {
            for (auto& other : operations) {
                other->advance();
            }
            done = (*operation)->advance();
            std::this_thread::yield();
        }
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const float expected = static_cast<float>((i + 1) * static_cast<std::size_t>(ranks.size()));
        for (const float value : buffers[i]) {
            wrong += value == expected ? 0 : 1;
        }
    }
    BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_CASE(more_operations_than_tags_keep_their_order) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm("ring", ranks);
    float value = 1.0F;
    const int operations = ranks.size() > 2 ? 100 : 33000;
    for (int i = 0; i < operations; ++i) {
        value = 1.0F;
        test::all_reduce(*algorithm, std::span(&value, 1));
    }
    BOOST_TEST(value == static_cast<float>(ranks.size()));
}

BOOST_AUTO_TEST_CASE(a_null_communicator_is_one_rank_for_every_algorithm) {
    const mpi::Communicator alone;
    for (const auto& name : test::algorithm_names()) {
        std::vector<float> values = {1.0F, 2.0F, 3.0F};
        test::all_reduce(*test::make_algorithm(name, alone), values);
        BOOST_TEST((values == std::vector<float>{1.0F, 2.0F, 3.0F}));
    }
}

BOOST_AUTO_TEST_CASE(impossible_options_are_refused) {
    const mpi::Communicator alone;
    BOOST_CHECK_THROW((void)comm::make_algorithm({.algorithm = "rign"}, alone), UsageError);
    BOOST_CHECK_THROW((void)comm::make_algorithm({.chunk = Bytes(0)}, alone), UsageError);
    BOOST_CHECK_THROW((void)comm::make_algorithm({.segment = mib(2048)}, alone), UsageError);
    BOOST_CHECK_THROW((void)comm::make_algorithm({.spin = Seconds(2)}, alone), UsageError);
    BOOST_CHECK_THROW(comm::Ring(alone, {.segment = Bytes(2), .depth = 2}), UsageError);
    BOOST_CHECK_THROW(comm::Ring(alone, {.segment = mib(2048), .depth = 2}), UsageError);
    BOOST_CHECK_THROW(comm::Ring(alone, {.segment = mib(1), .depth = 1}), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
