#include "corpus/duplicates.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

#include "support/data.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(duplicates_suite)

/// Three files of hashes, every fourth of them met before; more than one partition of 2^20.
BOOST_AUTO_TEST_CASE(all_but_the_first_of_equal_rows_are_marked_in_every_partition) {
    const test::ScratchFolder folder("duplicates");
    const std::vector<std::int64_t> rows{700000, 1, 600000};
    std::vector<corpus::HashRun> runs;
    std::set<std::int64_t> met;
    std::vector<bool> expected;
    std::int64_t number = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<corpus::ItemHash> hashes;
        for (std::int64_t row = 0; row < rows[i]; ++row, ++number) {
            const std::int64_t value = number % 4 == 3 ? number / 8 : number;
            expected.push_back(!met.insert(value).second);
            const std::vector<std::int32_t> tokens{static_cast<std::int32_t>(value)};
            hashes.push_back({corpus::hash_row(tokens), row});
        }
        runs.push_back({folder / ("rows-" + std::to_string(i)), rows[i], number - rows[i]});
        corpus::sort_hashes(hashes);
        (void)corpus::write_hashes(runs.back().path, hashes);
    }
    const corpus::DuplicateFinder finder(runs);
    BOOST_TEST(finder.partitions() == 2);
    corpus::ItemBits found(number);
    for (std::int64_t part = 0; part < finder.partitions(); ++part) {
        finder.mark(part, found);
    }
    std::int64_t wrong = 0;
    for (std::int64_t row = 0; row < number; ++row) {
        wrong += found.test(row) == expected[static_cast<std::size_t>(row)] ? 0 : 1;
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(found.count() == std::ranges::count(expected, true));
}

BOOST_AUTO_TEST_SUITE_END()
