// Every type and operation through every algorithm.

#include <bit>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <vector>

#include "comm/algorithms.h"
#include "comm/buffers.h"

using namespace hpml;
using comm::DataType;
using comm::ReduceOp;

namespace {

constexpr DataType kTypes[] = {DataType::U8,  DataType::I8,   DataType::I32, DataType::I64,
                               DataType::F16, DataType::BF16, DataType::F32, DataType::F64};
constexpr ReduceOp kOps[] = {ReduceOp::Sum, ReduceOp::Avg, ReduceOp::Min, ReduceOp::Max,
                             ReduceOp::Prod};

/// Small whole numbers, as each type holds them.
void put(std::byte* at, DataType type, int value) {
    const auto store = [at](auto number) { std::memcpy(at, &number, sizeof(number)); };
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    switch (type) {
        case DataType::U8:
            return store(static_cast<std::uint8_t>(value));
        case DataType::I8:
            return store(static_cast<std::int8_t>(value));
        case DataType::I32:
            return store(static_cast<std::int32_t>(value));
        case DataType::I64:
            return store(static_cast<std::int64_t>(value));
        case DataType::F16:  // normal numbers of at most 11 bits: only the exponent's bias differs
            return store(static_cast<std::uint16_t>(
                value == 0
                    ? 0
                    : ((bits >> 16) & 0x8000U) | (((bits & 0x7FFFFFFFU) - 0x38000000U) >> 13)));
        case DataType::BF16:
            return store(static_cast<std::uint16_t>(bits >> 16));
        case DataType::F32:
            return store(static_cast<float>(value));
        case DataType::F64:
            return store(static_cast<double>(value));
    }
}

/// What a rank contributes: sums stay within 7 bits, the mean is whole, one factor is not 1.
int contribution(ReduceOp op, int rank, int ranks, std::size_t index) {
    const int wave = static_cast<int>((index * 7 + static_cast<std::size_t>(rank) * 3) % 16);
    switch (op) {
        case ReduceOp::Avg:
            return ranks * static_cast<int>(index % 3) + (rank == 1 ? ranks : 0);
        case ReduceOp::Prod:
            return static_cast<std::size_t>(rank) == index % static_cast<std::size_t>(ranks) ? 3
                                                                                             : 1;
        default:
            return wave;
    }
}

int expected(ReduceOp op, int ranks, std::size_t index) {
    int result = contribution(op, 0, ranks, index);
    for (int rank = 1; rank < ranks; ++rank) {
        const int next = contribution(op, rank, ranks, index);
        result = op == ReduceOp::Min    ? std::min(result, next)
                 : op == ReduceOp::Max  ? std::max(result, next)
                 : op == ReduceOp::Prod ? result * next
                                        : result + next;
    }
    return op == ReduceOp::Avg ? result / ranks : result;
}

constexpr std::size_t kGuard = 64;

std::size_t room_for(DataType type, std::size_t count) {
    return 3 * kGuard + count * comm::size_of(type);
}

/// Bytes of `memory` that are not what they should be, the canaries around the buffer included.
std::size_t mistakes(comm::Algorithm& algorithm, const mpi::Communicator& ranks, DataType type,
                     ReduceOp op, std::size_t count, std::span<std::byte> memory) {
    const std::size_t width = comm::size_of(type);
    const std::size_t begin = kGuard + count % width;  // at any address
    std::fill(memory.begin(), memory.end(), std::byte{0xA5});
    std::vector<std::byte> wanted(memory.begin(), memory.end());
    for (std::size_t i = 0; i < count; ++i) {
        put(memory.data() + begin + i * width, type,
            contribution(op, ranks.rank().value, ranks.size(), i));
        put(wanted.data() + begin + i * width, type, expected(op, ranks.size(), i));
    }
    test::all_reduce(algorithm, {memory.data() + begin, count, type, op});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < memory.size(); ++i) {
        wrong += memory[i] == wanted[i] ? 0 : 1;
    }
    return wrong;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(types_suite)

BOOST_DATA_TEST_CASE(every_type_and_operation_at_awkward_sizes,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    for (const DataType type : kTypes) {
        for (const ReduceOp op : kOps) {
            for (const std::size_t count : test::awkward_sizes(ranks.size())) {
                // The longest in every type, but added only: longer buffers meet no other kernel.
                const bool is_long = count > 100000 && op != ReduceOp::Sum;
                if (is_long || test::too_long_for(name, count)) {
                    continue;
                }
                std::vector<std::byte> memory(room_for(type, count));
                const std::size_t wrong = mistakes(*algorithm, ranks, type, op, count, memory);
                BOOST_TEST(wrong == 0U, name << ", " << name_of(op) << " of " << count << " "
                                             << name_of(type) << ": " << wrong << " bytes wrong");
            }
        }
    }
}

BOOST_DATA_TEST_CASE(every_type_and_operation_in_the_algorithms_own_memory,
                     boost::unit_test::data::make({"shm", "shm-4-kib", "shm-by-file", "nodes",
                                                   "hierarchical", "ring"}),
                     name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    const std::size_t most = room_for(DataType::F64, 65537);
    const auto owned = algorithm->allocate(Bytes(most));
    for (const DataType type : kTypes) {
        for (const ReduceOp op : kOps) {
            for (const std::size_t count : {17U, 4097U, 65537U}) {
                const std::size_t wrong = mistakes(*algorithm, ranks, type, op, count,
                                                   {owned.get(), room_for(type, count)});
                BOOST_TEST(wrong == 0U, name << ", " << name_of(op) << " of " << count << " "
                                             << name_of(type) << ": " << wrong << " bytes wrong");
            }
        }
    }
}

BOOST_DATA_TEST_CASE(a_scale_is_applied_once_before_the_rounding,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm(name, ranks);
    // N times 40000 is beyond binary16 for N > 1; a quarter of 1/N of it is not.
    std::vector<std::uint16_t> halves(1001, 0x78E2);  // 40000
    comm::Buffer buffer(std::as_writable_bytes(std::span(halves)).data(), halves.size(),
                        DataType::F16, ReduceOp::Sum);
    buffer.scale = 0.25 / ranks.size();
    test::all_reduce(*algorithm, buffer);
    const auto is_10000 = [](std::uint16_t half) { return half == 0x70E2; };
    BOOST_TEST(std::all_of(halves.begin(), halves.end(), is_10000));
    std::vector<float> values(1001, static_cast<float>(ranks.rank().value + 1));
    buffer = values;
    buffer.scale = 0.5;
    test::all_reduce(*algorithm, buffer);
    const auto half_of_all = static_cast<float>(ranks.size() * (ranks.size() + 1)) / 4;
    BOOST_TEST(std::count(values.begin(), values.end(), half_of_all) == 1001);
}

BOOST_AUTO_TEST_SUITE_END()
