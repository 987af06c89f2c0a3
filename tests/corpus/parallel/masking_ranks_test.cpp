// Which tokens are masked, and with what, depends neither on the number of ranks nor on the size of
// the micro-batches: seen over 20 steps, by ranks that each read their own part.

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <vector>

#include "corpus/corpus_fixture.h"
#include "mpi/communicator.h"

using namespace hpml;
using corpus::Batch;

namespace {

constexpr std::int64_t kSteps = 20;
constexpr std::int64_t kGlobalBatch = 24;

/// Sequence `index` of a batch as the model sees it: sample, tokens, masked places and their ids.
Digest digest_of(const Batch& batch, std::size_t index) {
    const std::int32_t begin = batch.cu_seqlens[index];
    const std::int32_t end = batch.cu_seqlens[index + 1];
    Hasher hasher;
    const auto add = [&hasher](std::int64_t value) {
        hasher.update(std::as_bytes(std::span(&value, 1)));
    };
    add(batch.samples[index]);
    for (std::int32_t at = begin; at < end; ++at) {
        add(batch.tokens[static_cast<std::size_t>(at)]);
    }
    for (std::size_t i = 0; i < batch.mlm_positions.size(); ++i) {
        if (batch.mlm_positions[i] >= begin && batch.mlm_positions[i] < end) {
            add(batch.mlm_positions[i] - begin);
            add(batch.mlm_labels[i]);
        }
    }
    return hasher.digest();
}

/// A corpus that all ranks share.
struct Shared {
    mpi::Communicator world = mpi::Communicator::world();
    test::ScratchFolder own{"masking-ranks"};
    std::filesystem::path data = world.broadcast(own.path().string());
    corpus::Manifest manifest;

    Shared() {
        if (world.is_root()) {
            (void)test::write_corpus(data, 101, 3);
        }
        world.barrier();
        manifest = corpus::read_manifest(data);
    }
    ~Shared() { world.barrier(); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    Shared(Shared&&) = delete;
    Shared& operator=(Shared&&) = delete;

    /// All sequences of all steps in order, each read by the rank whose part it is in.
    [[nodiscard]] std::string masked_by_all(std::int64_t micro_batch, std::uint64_t seed) const {
        corpus::LoaderOptions options;
        options.global_batch = kGlobalBatch;
        options.micro_batch = micro_batch;
        options.seed = seed;
        options.masking = test::masking_options();
        corpus::Loader loader(data, manifest, options);
        const std::int64_t count = kGlobalBatch / micro_batch;
        const std::int64_t first = count * world.rank().value / world.size();
        const std::int64_t last = count * (world.rank().value + 1) / world.size();
        loader.seek(Step(0), first, last);
        // Each place is filled by one rank, and the sum over ranks puts them together.
        std::vector<std::int64_t> found(static_cast<std::size_t>(kSteps * kGlobalBatch), 0);
        for (std::int64_t step = 0; step < kSteps; ++step) {
            for (std::int64_t micro = first; micro < last; ++micro) {
                const Batch& batch = loader.next();
                for (std::size_t i = 0; i < batch.sequences(); ++i) {
                    const std::int64_t place = step * kGlobalBatch + micro * micro_batch;
                    found[static_cast<std::size_t>(place) + i] =
                        static_cast<std::int64_t>(digest_of(batch, i).low);
                }
            }
        }
        world.sum(found);
        return hash_bytes(std::as_bytes(std::span(found))).hex();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(masking_ranks_suite, Shared)

BOOST_AUTO_TEST_CASE(every_number_of_ranks_sees_the_same_masked_tokens) {
    // Pinned, so that the runs of this test on 1, 2, 3 and 4 ranks are compared with each other.
    const std::string expected = "5d46778ff7b54b8e5685bc57cd7c4d3e";
    for (const std::int64_t micro_batch : {1, 2, 4}) {
        const std::string found = masked_by_all(micro_batch, 42);
        BOOST_TEST(found == expected, "micro-batches of " << micro_batch << ": " << found);
    }
}

BOOST_AUTO_TEST_CASE(another_seed_masks_other_tokens) {
    const std::string one = masked_by_all(2, 42);
    const std::string other = masked_by_all(2, 43);
    BOOST_TEST(one != other);
}

BOOST_AUTO_TEST_SUITE_END()
