#include "model/fused/buffers.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

using namespace hpml;
using namespace hpml::model;

namespace {

/// What a micro-batch of so many floats in a row takes at a time: rows, and some thrice as wide.
/// @return floats in all
std::int64_t compute(const std::shared_ptr<BufferPool>& pool, std::int64_t row) {
    std::vector<Buffer> lent;
    std::int64_t sum = 0;
    for (int i = 0; i < 8; ++i) {
        const std::int64_t count = i % 2 == 0 ? row : 3 * row;
        lent.push_back(pool->take(count));
        lent.back().data()[count - 1] = 1;
        sum += count;
    }
    return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(buffers_suite)

BOOST_AUTO_TEST_CASE(buffers_of_micro_batches_of_many_lengths_are_those_of_the_longest) {
    const auto pool = std::make_shared<BufferPool>();
    std::int64_t longest = 0;
    for (const std::int64_t row : {600'000, 540'000, 700'000, 1'000'000, 620'000, 999'000}) {
        longest = std::max(longest, compute(pool, row));
        BOOST_TEST(pool->size().value == static_cast<std::uint64_t>(longest) * sizeof(float), row);
    }
}

BOOST_AUTO_TEST_CASE(a_buffer_is_aligned_and_keeps_what_is_written_while_it_is_lent) {
    const auto pool = std::make_shared<BufferPool>();
    for (const std::int64_t count : {1, 300, 200'000, 300'000, 1'100'000, 5'000'000}) {
        const Buffer one = pool->take(count);
        const Buffer other = pool->take(count);
        BOOST_TEST(reinterpret_cast<std::uintptr_t>(one.data()) % 64 == 0U);
        std::fill_n(one.data(), count, 1.0F);
        std::fill_n(other.data(), count, 2.0F);
        BOOST_TEST(std::count(one.data(), one.data() + count, 1.0F) == count);
    }
}

BOOST_AUTO_TEST_SUITE_END()
