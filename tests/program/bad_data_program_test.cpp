// Shards and weights that are not what they claim: one message that names file and place, exit 65;
// files that cannot be opened: exit 66. Shards are hashed, so what is spoilt here gets a manifest
// that agrees with it: only the check in question is left to refuse it.

#include <hdf5.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <functional>
#include <vector>

#include "corpus/manifest.h"
#include "program/refusal.h"
#include "program/sample.h"
#include "support/process.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

struct Fixture {
    ScratchFolder folder{"bad-data"};
    fs::path data = folder / "data";
    fs::path shard = data / "train-00000.h5";
    Fixture() { prepare_sample(data); }

    [[nodiscard]] CommandResult pretrain(int ranks) const {
        // A whole epoch, so that every row is read.
        return run_command(pretrain_command(ranks, folder.path(), "run", "--steps 135"));
    }
    [[nodiscard]] std::string check_command() const {
        return program("hpml_check") + " --data " + data.string() + " --run " +
               (folder / "run").string() + " --model " + micro_model(folder.path());
    }
    /// Make the manifest agree with the shard as it is now.
    void refresh_manifest() const {
        auto manifest = corpus::read_manifest(data);
        manifest.train.at(0).bytes = fs::file_size(shard);
        manifest.train.at(0).hash = hash_file(shard);
        corpus::write_manifest(data, manifest);
    }
    /// Change the shard with HDF5's own functions.
    void spoil(const std::function<void(hid_t file)>& change) const {
        const hid_t file = H5Fopen(shard.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        BOOST_TEST_REQUIRE(file >= 0);
        change(file);
        BOOST_TEST_REQUIRE(H5Fclose(file) >= 0);
        refresh_manifest();
    }
    /// Both programs refuse the corpus alike.
    void check_refused(const std::vector<std::string>& words) const {
        const auto trained = pretrain(3);
        const auto checked = run_command(check_command());
        for (const std::string& word : words) {
            check_one_error(trained, 65, word);
            check_one_error(checked, 65, word);
        }
    }
};

std::vector<std::uint16_t> tokens_of(hid_t file) {
    const hid_t dataset = H5Dopen2(file, "tokens", H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset);
    std::vector<std::uint16_t> tokens(
        static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    BOOST_TEST_REQUIRE(
        H5Dread(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, tokens.data()) >= 0);
    H5Sclose(space);
    H5Dclose(dataset);
    return tokens;
}

/// The same token ids as another type.
void store_tokens_as(hid_t file, hid_t type) {
    const auto tokens = tokens_of(file);
    BOOST_TEST_REQUIRE(H5Ldelete(file, "tokens", H5P_DEFAULT) >= 0);
    const hsize_t length = tokens.size();
    const hid_t space = H5Screate_simple(1, &length, nullptr);
    const hid_t dataset =
        H5Dcreate2(file, "tokens", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    BOOST_TEST_REQUIRE(
        H5Dwrite(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, tokens.data()) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

/// Replace token `column` of row `row`.
void set_token(hid_t file, std::int64_t row, std::int64_t column, std::uint16_t id) {
    auto tokens = tokens_of(file);
    const hid_t offsets = H5Dopen2(file, "offsets", H5P_DEFAULT);
    std::vector<std::int32_t> begins(tokens.size() + 1);
    BOOST_TEST_REQUIRE(
        H5Dread(offsets, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, begins.data()) >= 0);
    H5Dclose(offsets);
    tokens.at(static_cast<std::size_t>(begins.at(static_cast<std::size_t>(row)) + column)) = id;
    const hid_t dataset = H5Dopen2(file, "tokens", H5P_DEFAULT);
    BOOST_TEST_REQUIRE(
        H5Dwrite(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, tokens.data()) >= 0);
    H5Dclose(dataset);
}

/// A safetensors file: the header's length, the header, the data.
std::string safetensors(std::uint64_t length, const std::string& header, const std::string& data) {
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
    return bytes + header + data;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_data_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_shard_that_is_not_hdf5_is_named) {
    write_file(shard, std::string(fs::file_size(shard), 'x'));
    refresh_manifest();
    check_refused({"train-00000.h5 cannot be opened as HDF5"});
}

BOOST_AUTO_TEST_CASE(a_dataset_of_another_type_is_refused_and_not_converted) {
    for (const auto& [type, words] : {std::pair(H5T_IEEE_F32LE, "32-bit float"),
                                      std::pair(H5T_STD_I64LE, "64-bit signed integer")}) {
        spoil([type = type](hid_t file) { store_tokens_as(file, type); });
        check_refused({"train-00000.h5", "'tokens'", words, "16-bit unsigned integer"});
    }
}

BOOST_AUTO_TEST_CASE(a_token_id_outside_the_vocabulary_is_named_by_shard_row_and_value) {
    spoil([](hid_t file) { set_token(file, 1234, 1, 60000); });
    check_refused({"train-00000.h5", "row 1234, column 1", "token id 60000"});
}

// An open shard is read on, whoever takes its name; one that is opened later is refused. Nothing of
// the other files is ever trained on.
BOOST_AUTO_TEST_CASE(a_shard_replaced_during_a_run_is_ignored_or_refused) {
    const auto steps = [&](const std::string& run, const std::string& count) {
        return pretrain_command(2, folder.path(), run, "--schedule constant --steps " + count);
    };
    const auto straight = run_command(steps("straight", "6"));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);

    Background job("env HPML_FAULT=stop@step=3,rank=0,site=step " + steps("replaced", "6"),
                   folder / "replaced.log");
    int stopped = 0;
    const bool is_stopped = wait_until(60, [&] {
        for (const int pid : children_of(job.pid())) {
            stopped = state_of(pid) == 'T' ? pid : stopped;
        }
        return stopped != 0;
    });
    BOOST_TEST_REQUIRE(is_stopped, job.wait(0).output);
    // The first is open since the first step, the second is not before the validation at the end.
    for (const char* name : {"train-00000.h5", "validation-00000.h5"}) {
        std::string bytes = text_of(data / name);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        write_file(folder / "other.h5", bytes);
        fs::rename(folder / "other.h5", data / name);
    }
    ::kill(stopped, SIGCONT);
    const auto validated = job.wait(120);
    check_one_error(validated, 65, "validation-00000.h5 is damaged: its hash is");
    const auto weights = [&](const char* run) {
        return hash_file(folder / run / "checkpoints/step-00000006/model.safetensors").hex();
    };
    BOOST_TEST(weights("replaced") == weights("straight"));

    const auto next = run_command(steps("replaced", "8"));
    check_one_error(next, 65, "train-00000.h5 is damaged: its hash is " + hash_file(shard).hex());
    BOOST_TEST(next.says(corpus::read_manifest(data).train.at(0).hash.hex()), next.output);
}

BOOST_AUTO_TEST_CASE(a_folder_in_place_of_a_file_is_said) {
    fs::remove(data / "vocab.txt");
    fs::create_directory(data / "vocab.txt");
    check_one_error(pretrain(2), 66, "vocab.txt: it is a folder");
    check_one_error(run_command(check_command()), 66, "vocab.txt: it is a folder");
}

BOOST_AUTO_TEST_CASE(a_file_without_permission_is_named_with_the_reason) {
    // Root reads everything unless it gives up the right to.
    const std::string mortal =
        ::geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
    const fs::path secret = folder / "secret";
    write_file(secret, "x");
    fs::permissions(secret, fs::perms::none);
    if (run_command(mortal + "cat " + secret.string()).code == 0 ||
        run_command(mortal + "true").code != 0) {
        not_run("this user reads files without permission, and setpriv cannot take that away");
        return;
    }
    for (const char* name : {"vocab.txt", "manifest.json", "train-00000.h5"}) {
        fs::permissions(data / name, fs::perms::none);
        const auto trained =
            run_command(mortal + pretrain_command(2, folder.path(), "run", "--steps 2"));
        check_one_error(trained, 66, name);
        BOOST_TEST(trained.says("Permission denied"), trained.output);
        check_one_error(run_command(mortal + check_command()), 66, name);
        fs::permissions(data / name, fs::perms::owner_read | fs::perms::owner_write);
    }
    const auto prepared = run_command(
        mortal + mpirun(2) + program("hpml_prepare") + " --input " + secret.string() + " --vocab " +
        source("data/sample/vocab.txt") + " --output " + (folder / "out").string());
    check_one_error(prepared, 66, "secret: Permission denied");
}

BOOST_AUTO_TEST_CASE(a_hostile_safetensors_header_is_refused_by_fine_tuning) {
    const fs::path model = folder / "model";
    fs::create_directory(model);
    fs::rename(micro_model(folder.path()), model / "config.json");
    fs::copy_file(source("data/sample/vocab.txt"), model / "vocab.txt");
    const std::string overlap = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})";
    const std::string giant =
        R"({"a":{"dtype":"F32","shape":[4611686018427387904,16],"data_offsets":[0,8]}})";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {safetensors(std::uint64_t{1} << 63U, "{}", ""), "header claims 9223372036854775808 bytes"},
        {safetensors(1000, "{}", ""), "header claims 1000 bytes but the file has 10"},
        {safetensors(2, "[]", ""), "does not start with '{'"},
        {safetensors(5, "{\"a\":", ""), "not valid JSON"},
        {safetensors(overlap.size(), overlap, "123456"), "inside the tensor before it"},
        {safetensors(giant.size(), giant, "12345678"), "overflows 64 bits"}};
    for (const auto& [bytes, words] : cases) {
        write_file(model / "model.safetensors", bytes);
        const auto result =
            run_command(mpirun(2) + program("hpml_finetune") + " --task sst2 --data " +
                        source("data/sample/task") + " --run " + (folder / "tuned").string() +
                        " --init-from " + model.string() + " --max-sequence-length 32 --threads 1");
        check_one_error(result, 65, words);
        BOOST_TEST(result.says("model.safetensors is not a usable safetensors file"),
                   result.output);
    }
}

BOOST_AUTO_TEST_SUITE_END()
