#include "corpus/loader.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "corpus/corpus_fixture.h"

using namespace hpml;
using corpus::Batch;
using corpus::Loader;
using corpus::LoaderOptions;

namespace {

LoaderOptions options_for(std::int64_t global, std::int64_t micro, int prefetch = 0) {
    LoaderOptions options;
    options.global_batch = global;
    options.micro_batch = micro;
    options.masking = test::masking_options();
    options.prefetch = prefetch;
    return options;
}

bool same(const Batch& a, const Batch& b) {
    return a.tokens == b.tokens && a.segments == b.segments && a.cu_seqlens == b.cu_seqlens &&
           a.samples == b.samples && a.mlm_positions == b.mlm_positions &&
           a.mlm_labels == b.mlm_labels;
}

std::vector<Batch> take(Loader& loader, int count) {
    std::vector<Batch> batches;
    for (int i = 0; i < count; ++i) {
        batches.push_back(loader.next());
    }
    return batches;
}

bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Batch& x, const Batch& y) { return same(x, y); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loader_suite)

BOOST_AUTO_TEST_CASE(an_epoch_gives_every_row_once_unharmed) {
    const test::ScratchFolder data("loader-epoch");
    const auto manifest = test::write_corpus(data.path(), 97, 3);
    Loader loader(data.path(), manifest, options_for(97, 97));
    const Batch& batch = loader.next();
    BOOST_REQUIRE(batch.sequences() == 97u);
    std::vector<std::int32_t> original = batch.tokens;
    for (std::size_t i = 0; i < batch.mlm_positions.size(); ++i) {
        original[static_cast<std::size_t>(batch.mlm_positions[i])] = batch.mlm_labels[i];
    }
    std::set<std::int64_t> seen;
    for (std::size_t i = 0; i < batch.sequences(); ++i) {
        seen.insert(batch.samples[i]);
        const std::vector<std::int32_t> row(original.begin() + batch.cu_seqlens[i],
                                            original.begin() + batch.cu_seqlens[i + 1]);
        BOOST_TEST(row == test::sample_row(batch.samples[i]), boost::test_tools::per_element());
    }
    BOOST_TEST(seen.size() == 97u);
    BOOST_TEST(static_cast<std::size_t>(batch.cu_seqlens.back()) == batch.token_count());
}

// Rows are addressed over all shards: neither the cutting into files nor the number of ranks shows.
BOOST_AUTO_TEST_CASE(ranks_shards_and_prefetch_do_not_change_the_batches) {
    constexpr int kSteps = 5;
    std::vector<Batch> expected;
    for (const std::int64_t shards : {1, 2, 5}) {
        const test::ScratchFolder data("loader-matrix");
        const auto manifest = test::write_corpus(data.path(), 101, shards);
        if (expected.empty()) {
            Loader loader(data.path(), manifest, options_for(28, 4));
            expected = take(loader, 7 * kSteps);
        }
        for (const std::int64_t ranks : {1, 2, 3, 4, 7}) {
            std::vector<Batch> found(expected.size());
            for (std::int64_t rank = 0; rank < ranks; ++rank) {
                Loader loader(data.path(), manifest, options_for(28, 4, rank % 2 == 0 ? 4 : 0));
                const std::int64_t first = 7 * rank / ranks;
                const std::int64_t last = 7 * (rank + 1) / ranks;
                loader.seek(Step(0), first, last);
                for (int step = 0; step < kSteps; ++step) {
                    for (std::int64_t index = first; index < last; ++index) {
                        found[static_cast<std::size_t>(step * 7 + index)] = loader.next();
                    }
                }
            }
            BOOST_TEST(same(found, expected), shards << " shards, " << ranks << " ranks");
        }
    }
}

BOOST_AUTO_TEST_CASE(prefetch_changes_no_bit) {
    const test::ScratchFolder data("loader-prefetch");
    const auto manifest = test::write_corpus(data.path(), 50, 2);
    Loader direct(data.path(), manifest, options_for(8, 2, 0));
    const auto expected = take(direct, 40);
    for (const int prefetch : {1, 4, 64}) {
        Loader loader(data.path(), manifest, options_for(8, 2, prefetch));
        BOOST_TEST(same(take(loader, 40), expected), "prefetch " << prefetch);
        BOOST_TEST(loader.stalled().value >= 0.0);
    }
}

BOOST_AUTO_TEST_CASE(seek_goes_on_as_if_never_interrupted) {
    const test::ScratchFolder data("loader-seek");
    const auto manifest = test::write_corpus(data.path(), 41, 2);
    Loader straight(data.path(), manifest, options_for(8, 2, 2));
    const auto expected = take(straight, 4 * 12);
    Loader loader(data.path(), manifest, options_for(8, 2, 4));
    for (const int step : {7, 0, 11, 3}) {
        loader.seek(Step(step), 0, 4);
        for (int i = 0; i < 4; ++i) {
            BOOST_TEST(same(loader.next(), expected[static_cast<std::size_t>(4 * step + i)]));
        }
    }
}

// A batch that grows takes the same samples in the same order, on any number of ranks and from any
// step on.
BOOST_AUTO_TEST_CASE(a_ramped_batch_takes_the_samples_in_order) {
    const test::ScratchFolder data("loader-ramp");
    const auto manifest = test::write_corpus(data.path(), 41, 2);
    LoaderOptions options = options_for(12, 2, 2);
    Loader straight(data.path(), manifest, options);
    constexpr int kMicroBatches = 2 + 2 + 4 + 6 + 6;  // of 4, 4, 8, 12 and 12 sequences
    const auto expected = take(straight, kMicroBatches);
    options.ramp = {.start = 4, .increment = 4, .sequences = 16};
    for (const int ranks : {1, 2}) {
        for (int first_step = 0; first_step < 5; ++first_step) {
            std::vector<std::unique_ptr<Loader>> loaders;
            for (int rank = 0; rank < ranks; ++rank) {
                loaders.push_back(std::make_unique<Loader>(data.path(), manifest, options));
                loaders.back()->seek_share(Step(first_step), rank, ranks);
            }
            std::size_t at = first_step == 0   ? 0
                             : first_step == 1 ? 2
                             : first_step == 2 ? 4
                             : first_step == 3 ? 8
                                               : 14;
            for (int step = first_step; step < 5; ++step) {
                for (int rank = 0; rank < ranks; ++rank) {
                    Loader& loader = *loaders[static_cast<std::size_t>(rank)];
                    for (std::int64_t i = loader.share(Step(step), rank, ranks); i > 0; --i, ++at) {
                        BOOST_TEST_REQUIRE(at < expected.size());
                        BOOST_TEST(same(loader.next(), expected[at]), "micro-batch " << at);
                    }
                }
            }
            BOOST_TEST(at == expected.size());
        }
    }
    options.ramp.start = 3;
    test::must_fail<UsageError>([&] { Loader l(data.path(), manifest, options); },
                                {"batch ramp", "micro-batches of 2"});
}

// The order is endless: a global batch larger than the corpus reaches into the next epochs, where
// rows come again with other masks.
BOOST_AUTO_TEST_CASE(a_tiny_corpus_repeats_in_further_epochs) {
    const test::ScratchFolder data("loader-tiny");
    const auto manifest = test::write_corpus(data.path(), 3, 5);  // two shards are empty
    Loader loader(data.path(), manifest, options_for(12, 12));
    const Batch& batch = loader.next();
    std::map<std::int64_t, int> times;
    for (const std::int64_t sample : batch.samples) {
        ++times[sample];
    }
    BOOST_TEST(times.size() == 3u);
    for (const auto& [sample, count] : times) {
        BOOST_TEST(count == 4, "row " << sample);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_may_own_no_micro_batch) {
    const test::ScratchFolder data("loader-none");
    const auto manifest = test::write_corpus(data.path(), 7, 1);
    Loader loader(data.path(), manifest, options_for(2, 1, 2));
    loader.seek(Step(0), 1, 1);
    BOOST_CHECK_THROW((void)loader.next(), InternalError);
    BOOST_CHECK_THROW(loader.seek(Step(0), 0, 3), InternalError);
}

BOOST_AUTO_TEST_CASE(a_loader_can_be_dropped_while_its_thread_works) {
    const test::ScratchFolder data("loader-drop");
    const auto manifest = test::write_corpus(data.path(), 31, 1);
    for (int taken = 0; taken < 20; ++taken) {
        Loader loader(data.path(), manifest, options_for(8, 2, 3));
        loader.seek(Step(taken), 0, 4);
        (void)take(loader, taken % 3);
    }
}

BOOST_AUTO_TEST_CASE(an_error_in_the_thread_comes_out_of_next_again_and_again) {
    const test::ScratchFolder data("loader-error");
    const auto manifest = test::write_corpus(data.path(), 40, 1);
    for (const int prefetch : {0, 3}) {
        (void)test::write_corpus(data.path(), 40, 1);
        Loader loader(data.path(), manifest, options_for(40, 2, prefetch));
        // The file that stays open is emptied beneath the loader.
        std::filesystem::resize_file(data / "train-0.h5", 100);
        loader.seek(Step(0), 0, 20);
        test::must_fail<InputError>([&] { (void)loader.next(); }, {"train-0.h5", "truncated"});
        test::must_fail<InputError>([&] { (void)loader.next(); }, {"train-0.h5", "truncated"});
    }
}

BOOST_AUTO_TEST_CASE(batches_that_do_not_fit_are_refused) {
    const test::ScratchFolder data("loader-batch");
    auto manifest = test::write_corpus(data.path(), 7, 1);
    test::must_fail<UsageError>([&] { Loader l(data.path(), manifest, options_for(10, 4)); },
                                {"global batch 10", "micro-batch 4"});
    test::must_fail<UsageError>([&] { Loader l(data.path(), manifest, options_for(10, 0)); },
                                {"micro-batch 0"});
    manifest.train.clear();
    test::must_fail<InputError>([&] { Loader l(data.path(), manifest, options_for(4, 4)); },
                                {data.path().string(), "no training rows"});
}

BOOST_AUTO_TEST_CASE(a_shard_is_hashed_when_a_row_of_it_is_first_read) {
    const test::ScratchFolder data("loader-verify");
    auto manifest = test::write_corpus(data.path(), 40, 2);
    manifest.train[1].hash.low ^= 1;
    manifest.validation[0].hash.low ^= 1;
    LoaderOptions options = options_for(1, 1);
    options.masking = test::masking_options();
    for (const int prefetch : {0, 2}) {
        options.prefetch = prefetch;
        Loader loader(data.path(), manifest, options);
        test::must_fail<InputError>(
            [&] {
                for (int row = 0; row < 40; ++row) {
                    BOOST_TEST(loader.next().samples.at(0) < 20);
                }
            },
            {"train-1.h5 is damaged"});
    }
    const corpus::ValidationSet validation(data.path(), manifest, options);
    test::must_fail<InputError>([&] { (void)validation.micro_batch(0); },
                                {"validation-0.h5 is damaged"});
}

BOOST_AUTO_TEST_CASE(sizes_are_checked_before_anything_is_read) {
    const test::ScratchFolder data("loader-size");
    const auto manifest = test::write_corpus(data.path(), 40, 2);
    test::write_file(data / "train-1.h5", "short");
    test::must_fail<InputError>([&] { Loader l(data.path(), manifest, options_for(4, 4)); },
                                {"train-1.h5 is truncated: 5 bytes"});
}

BOOST_AUTO_TEST_CASE(the_validation_split_keeps_its_order_and_masks) {
    const test::ScratchFolder data("loader-validation");
    const auto manifest = test::write_corpus(data.path(), 7, 1);
    const auto masking = test::masking_options();
    const corpus::ValidationSet by_four(data.path(), manifest, 4, 42, masking);
    BOOST_TEST(by_four.micro_batches() == 3);
    BOOST_TEST(by_four.micro_batch(2).sequences() == 2u);
    const corpus::ValidationSet at_once(data.path(), manifest, 10, 42, masking);
    const Batch whole = at_once.micro_batch(0);
    std::vector<std::int32_t> tokens;
    std::vector<std::int64_t> samples;
    for (std::int64_t i = 0; i < 3; ++i) {
        const Batch part = by_four.micro_batch(i);
        tokens.insert(tokens.end(), part.tokens.begin(), part.tokens.end());
        samples.insert(samples.end(), part.samples.begin(), part.samples.end());
    }
    BOOST_TEST(tokens == whole.tokens, boost::test_tools::per_element());
    BOOST_TEST(samples == (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}),
               boost::test_tools::per_element());
    BOOST_TEST(same(by_four.micro_batch(1), by_four.micro_batch(1)));
}

BOOST_AUTO_TEST_SUITE_END()
