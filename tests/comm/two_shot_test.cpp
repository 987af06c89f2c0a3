// Two exchanges between the ranks: the same bits as in shared memory, and short forms on the wire.

#include "comm/two_shot.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/kernels/convert.h"

using namespace hpml;

namespace {

constexpr std::size_t kCount = 70001;

std::vector<float> reduced(comm::Algorithm& algorithm, const mpi::Communicator& ranks,
                           const std::vector<std::size_t>& cuts, double scale = 1) {
    auto values = test::rough_values(ranks.rank().value, kCount);
    std::size_t at = 0;
    for (std::size_t cut : cuts) {
        comm::Buffer bucket = comm::Buffer(values).part(at, cut);
        bucket.scale = scale;
        test::all_reduce(algorithm, bucket);
        at += cut;
    }
    BOOST_TEST_REQUIRE(at == kCount);
    return values;
}

/// What a 16-bit wire makes of the sum: every rank's values rounded, added in fp32 in the order of
/// the ranks, scaled, and rounded once more.
std::vector<float> through_wire(int ranks, comm::DataType wire, float scale) {
    std::vector<float> sum(kCount, 0.0F);
    std::vector<std::byte> narrow(kCount * 2);
    std::vector<float> rounded(kCount);
    const comm::Buffer travelling(narrow.data(), kCount, wire, comm::ReduceOp::Sum);
    const auto round = [&](const std::vector<float>& values) {
        comm::narrow(reinterpret_cast<const std::byte*>(values.data()), travelling);
        comm::widen(travelling, reinterpret_cast<std::byte*>(rounded.data()));
    };
    for (int rank = 0; rank < ranks; ++rank) {
        round(test::rough_values(rank, kCount));
        for (std::size_t i = 0; i < kCount; ++i) {
            sum[i] = rank == 0 ? rounded[i] : sum[i] + rounded[i];
        }
    }
    for (float& value : sum) {
        value *= scale;
    }
    round(sum);
    return rounded;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(two_shot_suite)

BOOST_AUTO_TEST_CASE(the_bits_are_those_of_shared_memory_however_buffers_are_cut) {
    const auto ranks = mpi::Communicator::world();
    const auto shared = test::make_algorithm("shm", ranks);
    const auto expected = reduced(*shared, ranks, {kCount});
    for (const char* name : {"twoshot", "twoshot-pieces"}) {
        const auto algorithm = test::make_algorithm(name, ranks);
        BOOST_TEST(test::same_bits(reduced(*algorithm, ranks, {kCount}), expected), name);
        BOOST_TEST(test::same_bits(reduced(*algorithm, ranks, {1, 3, 996, 20001, 49000}), expected),
                   name);
    }
}

BOOST_AUTO_TEST_CASE(on_a_16_bit_wire_values_are_rounded_once_and_added_in_fp32) {
    const auto ranks = mpi::Communicator::world();
    if (ranks.size() == 1) {
        return;  // nothing travels
    }
    for (const auto& [wire, type] : {std::pair(comm::Wire::BF16, comm::DataType::BF16),
                                     std::pair(comm::Wire::F16, comm::DataType::F16)}) {
        comm::TwoShot algorithm(ranks, {.piece = Bytes(8192), .wire = wire});
        const auto expected = through_wire(ranks.size(), type, 0.25F);
        BOOST_TEST(test::same_bits(reduced(algorithm, ranks, {kCount}, 0.25), expected));
        BOOST_TEST(test::same_bits(reduced(algorithm, ranks, {5, 30000, 39996}, 0.25), expected),
                   "whichever rank sums an element");
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_fp32_travels_as_it_is) {
    const auto ranks = mpi::Communicator::world();
    comm::TwoShot algorithm(ranks, {.wire = comm::Wire::BF16});
    std::vector<std::int64_t> values(1001, std::int64_t{1} << 40);
    test::all_reduce(algorithm, {reinterpret_cast<std::byte*>(values.data()), values.size(),
                                 comm::DataType::I64, comm::ReduceOp::Sum});
    for (const std::int64_t value : values) {
        BOOST_TEST_REQUIRE(value == (std::int64_t{1} << 40) * ranks.size());
    }
}

BOOST_AUTO_TEST_CASE(impossible_pieces_are_refused) {
    const mpi::Communicator one;
    BOOST_CHECK_THROW(comm::TwoShot(one, {.piece = Bytes(32)}), UsageError);
    BOOST_CHECK_THROW(comm::TwoShot(one, {.depth = 1}), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
