#include "mpi/communicator.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/error.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(communicator_suite)

BOOST_AUTO_TEST_CASE(sums_and_gathers_over_all_ranks) {
    const auto ranks = mpi::Communicator::world();
    std::int64_t value = ranks.rank().value + 1;
    ranks.sum(std::span(&value, 1));
    const auto texts = ranks.all_gather("r" + std::to_string(ranks.rank().value));
    BOOST_TEST(value == ranks.size() * (ranks.size() + 1) / 2);
    BOOST_TEST(texts.back() == "r" + std::to_string(ranks.size() - 1));
}

BOOST_AUTO_TEST_CASE(every_rank_gets_all_parts_also_where_some_are_empty) {
    const auto ranks = mpi::Communicator::world();
    std::vector<std::int64_t> counts;
    std::vector<float> expected;
    std::vector<float> values;
    for (int rank = 0; rank < ranks.size(); ++rank) {
        counts.push_back(rank == 1 ? 0 : 3 + rank);
        for (std::int64_t i = 0; i < counts.back(); ++i) {
            expected.push_back(static_cast<float>(100 * rank + i));
            values.push_back(rank == ranks.rank().value ? expected.back() : -1.0F);
        }
    }
    ranks.all_gather(std::span(values), counts);
    BOOST_TEST(values == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bits_that_several_ranks_have_set_stay_set) {
    const auto ranks = mpi::Communicator::world();
    std::vector<std::int64_t> words{1, std::int64_t{2} << ranks.rank().value, -1};
    ranks.bit_or(std::span(words));
    BOOST_TEST(words[0] == 1);
    BOOST_TEST(words[1] == (std::int64_t{2} << ranks.size()) - 2);
    BOOST_TEST(words[2] == -1);
}

BOOST_AUTO_TEST_CASE(a_failure_on_the_last_rank_is_everybodys_with_its_own_text_and_code) {
    const auto ranks = mpi::Communicator::world();
    ExitCode code = ExitCode::Finished;
    std::string text;
    try {
        mpi::agree(ranks, [&] {
            if (ranks.rank().value == ranks.size() - 1) {
                throw InputError("shard 7 is broken");
            }
        });
    } catch (const Error& error) {
        code = error.code();
        text = error.what();
    }
    BOOST_TEST((code == ExitCode::Input));
    BOOST_TEST(text.find("shard 7 is broken") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(agreement_without_failure_goes_on) {
    const auto ranks = mpi::Communicator::world();
    BOOST_CHECK_NO_THROW(mpi::agree(ranks, [] {}));
}

BOOST_AUTO_TEST_CASE(a_null_communicator_is_one_rank) {
    const mpi::Communicator alone;
    std::int64_t value = 5;
    alone.sum(std::span(&value, 1));
    BOOST_TEST(value == 5);
    BOOST_TEST(alone.size() == 1);
    BOOST_TEST(alone.is_root());
}

BOOST_AUTO_TEST_SUITE_END()
