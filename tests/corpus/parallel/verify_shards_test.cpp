#include "corpus/verify_shards.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <utility>

#include "corpus/corpus_fixture.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTrainShards = 7;
constexpr std::int64_t kShards = kTrainShards + 1;  ///< with the one of validation

/// The same corpus in a folder of each rank's own, so that a shard can be damaged for one rank.
struct Copies {
    mpi::Communicator world = mpi::Communicator::world();
    test::ScratchFolder data{"verify-shards"};
    Manifest manifest = test::write_corpus(data.path(), 70, kTrainShards);

    [[nodiscard]] fs::path path(std::int64_t shard) const {
        const auto at = static_cast<std::size_t>(shard);
        return data / (shard < kTrainShards ? manifest.train[at] : manifest.validation[0]).name;
    }
    void damage(std::int64_t shard) const {
        std::string bytes = test::read_bytes(path(shard));
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        test::write_file(path(shard), bytes);
    }
    /// The rank that has to read this shard: parts of neighbours, as equal as can be.
    [[nodiscard]] int reader_of(std::int64_t shard) const {
        int rank = 0;
        while (kShards * (rank + 1) / world.size() <= shard) {
            ++rank;
        }
        return rank;
    }
    [[nodiscard]] std::pair<std::string, ExitCode> verdict() const {
        try {
            verify_shards(data.path(), manifest, world);
        } catch (const Error& error) {
            return {error.what(), error.code()};
        }
        return {"", ExitCode::Finished};
    }
    /// Whether every rank has the same text, which is collective.
    [[nodiscard]] bool is_same_everywhere(const std::string& text) const {
        bool is_same = true;
        for (const std::string& other : world.all_gather(text)) {
            is_same = is_same && other == text;
        }
        return is_same;
    }
};

BOOST_FIXTURE_TEST_SUITE(verify_shards_suite, Copies)

BOOST_AUTO_TEST_CASE(an_intact_corpus_is_accepted) { BOOST_TEST(verdict().first.empty()); }

BOOST_AUTO_TEST_CASE(each_shard_is_read_by_one_rank_of_the_node_and_no_other) {
    for (std::int64_t shard = 0; shard < kShards; ++shard) {
        if (reader_of(shard) != world.rank().value) {
            damage(shard);
        }
    }
    const auto [message, code] = verdict();
    BOOST_TEST(message.empty(), message);
}

BOOST_AUTO_TEST_CASE(a_damaged_shard_is_found_whichever_it_is) {
    for (std::int64_t shard = 0; shard < kShards; ++shard) {
        damage(shard);
        const auto [message, code] = verdict();
        const bool is_same = is_same_everywhere(message);
        BOOST_TEST((code == ExitCode::Input));
        BOOST_TEST(is_same, message);
        BOOST_TEST(
            (message.find(path(shard).filename().string() + " is damaged") != std::string::npos),
            message);
        damage(shard);  // the same bit again: as it was
    }
}

BOOST_AUTO_TEST_CASE(of_several_bad_shards_every_rank_names_the_first) {
    damage(6);
    damage(2);
    damage(5);
    const auto [message, code] = verdict();
    const bool is_same = is_same_everywhere(message);
    BOOST_TEST((message.find("train-2.h5 is damaged") != std::string::npos), message);
    BOOST_TEST(is_same, message);
}

BOOST_AUTO_TEST_CASE(missing_shards_are_listed_before_any_is_read) {
    damage(0);
    fs::remove(path(3));
    fs::remove(path(kTrainShards));
    const auto [message, code] = verdict();
    BOOST_TEST((code == ExitCode::MissingInput));
    BOOST_TEST((message.find("2 of 8 shards") != std::string::npos), message);
    BOOST_TEST((message.find("train-3.h5, validation-0.h5") != std::string::npos), message);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
