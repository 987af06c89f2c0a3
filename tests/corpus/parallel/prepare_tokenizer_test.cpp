#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "corpus/prepare.h"
#include "corpus/shard.h"
#include "support/data.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = HPML_SOURCE_DIR;

/// A scratch folder that all ranks share, and options that prepare the sample into it.
struct Shared {
    mpi::Communicator world = mpi::Communicator::world();
    test::ScratchFolder own{"prepare-tokenizer"};
    fs::path folder = world.broadcast(own.path().string());
    Log log{world.rank(), false};
    PrepareOptions options;

    Shared() {
        options.inputs = {kSource / "data/sample/corpus"};
        options.output = folder / "out";
        options.sequence_lengths = {32};
    }
    ~Shared() { world.barrier(); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    Shared(Shared&&) = delete;
    Shared& operator=(Shared&&) = delete;
};

BOOST_FIXTURE_TEST_SUITE(prepare_tokenizer, Shared)

BOOST_AUTO_TEST_CASE(a_byte_level_tokenizer_lies_in_the_folder_and_gives_its_special_ids) {
    options.vocabulary = kSource / "tests/golden/small_bpe";
    (void)prepare(options, world, log);
    const Manifest manifest = read_manifest(options.output);
    BOOST_CHECK(manifest.tokenizer == text::TokenizerKind::BytePair);
    BOOST_TEST(!manifest.lower_case);
    const auto tokenizer = read_tokenizer(options.output, manifest);
    const ShardReader shard(options.output, manifest.train.front(), shard_format(manifest));
    std::vector<std::int32_t> row;
    shard.read_row(0, row);
    BOOST_TEST(row.front() == 0);
    BOOST_TEST(row.back() == 2);
    BOOST_TEST(tokenizer->special().pad == 1);
    const auto files = tokenizer->files();
    BOOST_REQUIRE(files.size() == 3u);
    BOOST_TEST(files[1].name == "merges.txt");
    BOOST_CHECK(prepare(options, world, log).was_complete);
}

BOOST_AUTO_TEST_CASE(a_tokenizer_without_special_tokens_is_refused) {
    options.vocabulary = folder / "vocabulary";
    if (world.is_root()) {
        fs::create_directories(options.vocabulary);
        Json json = read_json(kSource / "tests/golden/small_bpe/vocab.json");
        json["<maks>"] = json.at("<mask>");
        json.erase("<mask>");
        test::write_file(options.vocabulary / "vocab.json", json.dump());
        fs::copy_file(kSource / "tests/golden/small_bpe/merges.txt",
                      options.vocabulary / "merges.txt");
    }
    world.barrier();
    BOOST_CHECK_EXCEPTION((void)prepare(options, world, log), Error, [](const Error& error) {
        return error.code() == ExitCode::Input &&
               std::string(error.what()).find("has no token <mask> or [MASK]") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
