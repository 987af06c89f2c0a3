// The levels of determinism: which algorithms they allow, and what their bits depend on.

#include "comm/reproducible.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/engine.h"

using namespace hpml;
using comm::AllReduceOptions;
using comm::Reproducible;

namespace {

constexpr std::size_t kCount = 1000003;

/// A step's gradients in buckets of `bucket` elements, summed over the ranks.
std::vector<float> summed(const AllReduceOptions& options, std::size_t bucket,
                          comm::Progress progress = comm::Progress::Inline) {
    const auto ranks = mpi::Communicator::world();
    auto algorithm = comm::make_algorithm(options, ranks);
    const auto memory = algorithm->allocate(Bytes(kCount * sizeof(float)));
    const std::span<float> gradients(reinterpret_cast<float*>(memory.get()), kCount);
    const auto values = test::rough_values(ranks.rank().value, kCount);
    std::copy(values.begin(), values.end(), gradients.begin());
    comm::Engine engine(std::move(algorithm), progress);
    for (std::size_t end = kCount; end > 0; end -= std::min(end, bucket)) {
        const std::size_t begin = end - std::min(end, bucket);
        engine.submit(gradients.subspan(begin, end - begin));
    }
    engine.wait_all();
    return {gradients.begin(), gradients.end()};
}

AllReduceOptions strict(const std::string& algorithm) {
    AllReduceOptions options;
    options.algorithm = algorithm;
    options.reproducible = Reproducible::Strict;
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reproducible_suite)

BOOST_AUTO_TEST_CASE(strict_bits_depend_neither_on_buckets_nor_chunks_nor_the_algorithm) {
    const auto expected = summed(strict("auto"), kCount);
    for (const std::size_t mib : {1U, 4U, 25U, 128U}) {
        for (const char* algorithm : {"auto", "shm", "twoshot"}) {
            BOOST_TEST(test::same_bits(summed(strict(algorithm), mib << 18U), expected),
                       algorithm << " in buckets of " << mib << " MiB");
        }
    }
    AllReduceOptions other = strict("shm");
    other.chunk = Bytes(4096);
    BOOST_TEST(test::same_bits(summed(other, 30011, comm::Progress::Thread), expected));
}

BOOST_AUTO_TEST_CASE(a_ring_does_depend_on_buckets) {
    // With two ranks a sum has one order only.
    if (mpi::Communicator::world().size() > 2) {
        AllReduceOptions ring;
        ring.algorithm = "ring";
        BOOST_TEST(!test::same_bits(summed(ring, kCount), summed(ring, 30011)));
    }
}

BOOST_AUTO_TEST_CASE(strict_refuses_what_it_cannot_promise) {
    const mpi::Communicator one;
    for (const char* algorithm : {"ring", "hierarchical", "recursive_doubling", "mpi"}) {
        BOOST_CHECK_THROW((void)comm::make_algorithm(strict(algorithm), one), UsageError);
    }
}

BOOST_AUTO_TEST_CASE(another_wire_format_is_refused_where_it_would_round_in_every_step) {
    const mpi::Communicator one;
    for (const char* algorithm : {"ring", "hierarchical", "recursive_doubling", "mpi"}) {
        AllReduceOptions options;
        options.algorithm = algorithm;
        options.wire = comm::Wire::BF16;
        BOOST_CHECK_THROW((void)comm::make_algorithm(options, one), UsageError);
    }
}

BOOST_AUTO_TEST_SUITE_END()
