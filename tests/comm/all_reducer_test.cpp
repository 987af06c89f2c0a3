#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "comm/select.h"
#include "hpml/comm.h"
#include "mpi/communicator.h"

using namespace hpml;
using comm::AllReducer;
using comm::Progress;

namespace {

/// Rank r of n gives r + 1 everywhere.
double sum_of_ranks(int ranks) { return ranks * (ranks + 1) / 2.0; }

template <class T>
bool sums_right(AllReducer& reducer, const mpi::Communicator& ranks, std::span<T> values) {
    for (T& value : values) {
        value = static_cast<T>(ranks.rank().value + 1);
    }
    reducer.all_reduce(values);
    const auto expected = static_cast<T>(sum_of_ranks(ranks.size()));
    return std::all_of(values.begin(), values.end(), [&](T sum) { return sum == expected; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(all_reducer_suite)

BOOST_DATA_TEST_CASE(own_and_allocated_buffers_of_every_type_are_summed, comm::algorithm_names(),
                     name) {
    const auto ranks = mpi::Communicator::world();
    for (const Progress progress : {Progress::Inline, Progress::Thread}) {
        AllReducer reducer(MPI_COMM_WORLD, {.algorithm = name, .progress = progress});
        std::vector<float> floats(10007);
        std::vector<std::int32_t> integers(17);
        std::vector<std::uint8_t> bytes(4097);
        const auto doubles = reducer.allocate<double>(65537);
        const std::vector<bool> are_right = {
            sums_right<float>(reducer, ranks, floats),
            sums_right<std::int32_t>(reducer, ranks, integers),
            sums_right<std::uint8_t>(reducer, ranks, bytes),
            sums_right<double>(reducer, ranks, {doubles.get(), 65537})};
        BOOST_TEST(are_right == std::vector<bool>(4, true), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(many_buffers_are_under_way_at_once) {
    const auto ranks = mpi::Communicator::world();
    AllReducer reducer(MPI_COMM_WORLD);
    std::vector<std::vector<double>> buffers(20,
                                             std::vector<double>(1000, ranks.rank().value + 1.0));
    for (auto& buffer : buffers) {
        reducer.submit(std::span(buffer), comm::ReduceOp::Max);
        reducer.progress();
    }
    reducer.wait_all();
    for (const auto& buffer : buffers) {
        BOOST_TEST(buffer == std::vector<double>(1000, ranks.size()),
                   boost::test_tools::per_element());
    }
    BOOST_TEST(reducer.exposed().value > 0);
}

BOOST_AUTO_TEST_CASE(a_communicator_of_the_program_is_used_and_left_as_it_was) {
    const auto ranks = mpi::Communicator::world();
    MPI_Comm half = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_WORLD, ranks.rank().value % 2, 0, &half);
    MPI_Comm_set_errhandler(half, MPI_ERRORS_ARE_FATAL);
    int size = 0;
    MPI_Comm_size(half, &size);
    std::vector<std::int64_t> values(5, 1);
    {
        AllReducer first(half);
        AllReducer reducer(std::move(first));
        reducer.all_reduce(std::span(values));
    }
    BOOST_TEST(values == std::vector<std::int64_t>(5, size), boost::test_tools::per_element());
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_Comm_get_errhandler(half, &handler);
    BOOST_TEST((handler == MPI_ERRORS_ARE_FATAL));
    MPI_Comm_free(&half);
}

BOOST_AUTO_TEST_CASE(a_scaled_half_precision_mean_is_rounded_once) {
    AllReducer reducer(MPI_COMM_WORLD);
    std::vector<std::uint16_t> ones(33, 0x3c00);  // 1.0 in binary16
    comm::Buffer buffer(reinterpret_cast<std::byte*>(ones.data()), ones.size(), comm::DataType::F16,
                        comm::ReduceOp::Avg);
    buffer.scale = 0.5;
    reducer.submit(buffer);
    reducer.wait_all();
    BOOST_TEST(ones == std::vector<std::uint16_t>(33, 0x3800), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_sums_come_with_their_norm_and_what_is_not_finite) {
    const auto ranks = mpi::Communicator::world();
    AllReducer reducer(MPI_COMM_WORLD);
    std::vector<float> values(100, ranks.rank().value == 0 ? 2.0F : 0.0F);
    comm::Buffer buffer(values);
    buffer.examine = comm::Examine::Yes;
    reducer.submit(buffer);
    const auto finite = reducer.wait_all();
    values[7] = std::numeric_limits<float>::infinity();
    reducer.submit(buffer);
    const auto infinite = reducer.wait_all();
    BOOST_TEST(!finite.non_finite);
    BOOST_TEST(finite.sum_of_squares == 400.0);
    BOOST_TEST(infinite.non_finite);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_summed_is_refused_with_the_reason) {
    const auto says = [](const char* words) {
        return [words](const std::runtime_error& error) {
            return std::string(error.what()).find(words) != std::string::npos;
        };
    };
    BOOST_CHECK_EXCEPTION(AllReducer(MPI_COMM_WORLD, {.algorithm = "rign"}), std::runtime_error,
                          says("choose one of auto, shm"));
    BOOST_CHECK_EXCEPTION(AllReducer{MPI_COMM_NULL}, std::runtime_error, says("MPI_COMM_NULL"));
    AllReducer reducer(MPI_COMM_WORLD);
    BOOST_CHECK_EXCEPTION(reducer.submit({nullptr, 7, comm::DataType::F32, comm::ReduceOp::Sum}),
                          std::runtime_error, says("7 elements"));
}

BOOST_AUTO_TEST_SUITE_END()
