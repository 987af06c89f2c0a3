// The algorithms that go over the network, between hosts that share no memory.
// tests/support/hosts.sh starts this.

#include <boost/test/unit_test.hpp>
#include <vector>

#include "comm/algorithms.h"
#include "comm/buffers.h"

using namespace hpml;

namespace {

const std::vector<std::string> kNames = {
    "ring",         "ring-128-bytes",     "ring-deep", "twoshot",
    "hierarchical", "recursive_doubling", "mpi",       "auto"};

std::vector<float> summed(const std::string& name, std::vector<float> values) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    test::all_reduce(*algorithm, std::span(values));
    return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(across_hosts_suite)

BOOST_AUTO_TEST_CASE(the_ranks_are_on_several_nodes) {
    const auto ranks = mpi::Communicator::world();
    BOOST_TEST(ranks.split_by_node().size() < ranks.size());
}

BOOST_AUTO_TEST_CASE(sums_are_exact_where_their_order_does_not_matter) {
    const auto ranks = mpi::Communicator::world();
    for (const std::string& name : kNames) {
        const auto algorithm = test::make_algorithm(name, ranks);
        for (const std::size_t size : test::awkward_sizes(ranks.size())) {
            if (test::too_long_for(name, size)) {
                continue;
            }
            test::GuardedBuffer buffer(size, 1);
            std::vector<float> expected(size);
            for (std::size_t i = 0; i < size; ++i) {
                buffer.values()[i] = test::whole_value(ranks.rank().value, i);
                for (int rank = 0; rank < ranks.size(); ++rank) {
                    expected[i] += test::whole_value(rank, i);
                }
            }
            test::all_reduce(*algorithm, buffer.values());
            BOOST_TEST(test::same_bits(buffer.values(), expected), name << ", " << size);
            BOOST_TEST(buffer.canaries_stand(), name << ", " << size);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_bits_are_the_same_on_all_ranks_and_in_every_run) {
    const auto ranks = mpi::Communicator::world();
    const auto values = test::rough_values(ranks.rank().value, 300007);
    for (const std::string& name : kNames) {
        if (test::too_long_for(name, values.size())) {
            continue;
        }
        const auto first = summed(name, values);
        BOOST_TEST(test::same_on_all_ranks(ranks, first), name);
        for (int repeat = 0; repeat < 3; ++repeat) {
            const bool same = test::same_bits(summed(name, values), first);
            BOOST_TEST((same || name == "mpi"), name);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
