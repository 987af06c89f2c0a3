// Once its shards are open, the loader asks for no memory.

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "corpus/corpus_fixture.h"
#include "corpus/loader.h"
#include "support/allocations.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(loader_steady_suite)

BOOST_DATA_TEST_CASE(a_batch_costs_no_allocation, boost::unit_test::data::make({0, 3}), prefetch) {
    const test::ScratchFolder data("loader-steady");
    const auto manifest = test::write_corpus(data.path(), 500, 5);
    corpus::LoaderOptions options;
    options.global_batch = 40;
    options.micro_batch = 20;
    options.masking = test::masking_options();
    options.prefetch = prefetch;
    corpus::Loader loader(data.path(), manifest, options);
    for (int batch = 0; batch < 30; ++batch) {  // more than an epoch: every shard is open
        (void)loader.next();
    }
    const test::Allocations before = test::allocations();
    std::size_t tokens = 0;
    for (int batch = 0; batch < 400; ++batch) {
        tokens += loader.next().token_count();
    }
    const test::Allocations after = test::allocations();
    BOOST_TEST(tokens > 0u);
    BOOST_TEST(after.by_malloc == before.by_malloc);
    BOOST_TEST(after.by_new == before.by_new);
}

BOOST_AUTO_TEST_SUITE_END()
