// The same bits again: in every repetition, and for every cut of a buffer into buckets where an
// algorithm adds each element over the ranks in one order.

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/engine.h"

using namespace hpml;

namespace {

/// Ours: the MPI library promises nothing.
std::vector<std::string> own_algorithms() {
    auto names = test::algorithm_names();
    std::erase_if(names, [](const std::string& name) { return name.starts_with("mpi"); });
    return names;
}

/// Rank by rank, whatever the element's place.
std::vector<std::string> by_rank() { return {"shm", "shm-4-kib", "shm-by-file", "twoshot"}; }

/// The sum of `mine` over the ranks, as an engine makes it of buckets of `bucket` floats.
void sum_in_buckets(comm::Engine& engine, std::span<float> values, std::span<const float> mine,
                    std::size_t bucket) {
    std::copy(mine.begin(), mine.end(), values.begin());
    for (std::size_t at = 0; at < values.size(); at += bucket) {
        engine.submit(values.subspan(at, std::min(bucket, values.size() - at)));
    }
    engine.wait_all();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(repeat_suite)

BOOST_DATA_TEST_CASE(twenty_repetitions_give_the_same_bits,
                     boost::unit_test::data::make(own_algorithms()), name) {
    const auto ranks = mpi::Communicator::world();
    const std::size_t count = 50021;
    const auto mine = test::rough_values(ranks.rank().value, count);
    std::vector<float> first;
    std::size_t different = 0;
    for (const auto mode : {comm::Progress::Inline, comm::Progress::Thread}) {
        auto algorithm = test::make_algorithm(name, ranks);
        const auto memory = algorithm->allocate(Bytes(count * sizeof(float)));
        const std::span<float> values(reinterpret_cast<float*>(memory.get()), count);
        comm::Engine engine(std::move(algorithm), mode);
        for (int repetition = 0; repetition < 10; ++repetition) {
            sum_in_buckets(engine, values, mine, 7001);
            if (first.empty()) {
                first.assign(values.begin(), values.end());
            }
            different += test::same_bits(first, values) ? 0 : 1;
        }
    }
    BOOST_TEST(different == 0U);
}

BOOST_DATA_TEST_CASE(buckets_of_1_4_25_and_128_mib_give_the_same_bits,
                     boost::unit_test::data::make(by_rank()), name) {
    const auto ranks = mpi::Communicator::world();
    const std::size_t count = mib(27).value / sizeof(float) + 5;
    const auto mine = test::rough_values(ranks.rank().value, count);
    auto algorithm = test::make_algorithm(name, ranks);
    const auto memory = algorithm->allocate(Bytes(count * sizeof(float)));
    const std::span<float> values(reinterpret_cast<float*>(memory.get()), count);
    comm::Engine engine(std::move(algorithm), comm::Progress::Inline);
    std::vector<float> first;
    for (const double size : {1.0, 4.0, 25.0, 128.0}) {
        sum_in_buckets(engine, values, mine, mib(size).value / sizeof(float));
        if (first.empty()) {
            first.assign(values.begin(), values.end());
        }
        BOOST_TEST(test::same_bits(first, values), name << ", buckets of " << size << " MiB");
    }
    BOOST_TEST(test::same_on_all_ranks(ranks, first));
}

BOOST_DATA_TEST_CASE(a_thousand_sums_of_one_element_are_right,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    comm::Engine engine(test::make_algorithm(name, ranks), comm::Progress::Inline);
    test::GuardedBuffer guarded(1000, 1);
    for (std::size_t i = 0; i < 1000; ++i) {
        guarded.values()[i] = test::whole_value(ranks.rank().value, i);
        engine.submit(guarded.values().subspan(i, 1));
    }
    engine.wait_all();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        float expected = 0;
        for (int rank = 0; rank < ranks.size(); ++rank) {
            expected += test::whole_value(rank, i);
        }
        wrong += guarded.values()[i] == expected ? 0 : 1;
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(guarded.canaries_stand());
}

BOOST_AUTO_TEST_SUITE_END()
