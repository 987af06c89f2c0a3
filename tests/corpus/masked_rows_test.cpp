// The predecessors' files of masked rows: tests/golden/make_masked.py wrote them with h5py, and
// what they hold to expected.json.
#include "corpus/masked_rows.h"

#include <hdf5.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "corpus/masked_files.h"
#include "corpus/masked_rows_writer.h"
#include "corpus_fixture.h"
#include "support/data.h"

using namespace hpml;
using Ids = std::vector<std::int32_t>;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::path(HPML_SOURCE_DIR) / "tests/golden/masked";

std::vector<corpus::MaskedRow> read_all(const fs::path& path) {
    corpus::MaskedRowsReader reader(path);
    std::vector<corpus::MaskedRow> rows(1);
    while (reader.next(rows.back())) {
        rows.emplace_back();
    }
    rows.pop_back();
    return rows;
}

corpus::MaskedRow sample_row() {
    return {{2, 50, 4, 52, 3}, {2, 50, 51, 52, 3}, {0, 0, 0, 0, 0}, {2}, {51}, {}};
}

void write_rows(const fs::path& path, const std::vector<corpus::MaskedRow>& rows) {
    corpus::MaskedRowsWriter writer(
        {static_cast<std::int64_t>(rows.size()), 8, 3, rows.front().next_sentence.has_value()});
    for (const auto& row : rows) {
        writer.append(row);
    }
    AtomicFile file(path);
    file.write(writer.image());
    file.publish();
}

/// A good file of two rows with one value of a dataset changed.
struct Damage {
    const char* dataset;
    int row;
    int column;
    int value;
    const char* message;
};

void overwrite(const fs::path& path, const Damage& damage) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, damage.dataset, H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset);
    const std::vector<hsize_t> start{static_cast<hsize_t>(damage.row),
                                     static_cast<hsize_t>(damage.column)};
    const std::vector<hsize_t> one{1, 1};
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, one.data(), nullptr);
    const hid_t memory = H5Screate_simple(1, one.data(), nullptr);
    H5Dwrite(dataset, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, &damage.value);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

/// In a copy of a good file, a dataset is replaced by another one, or by none.
fs::path replaced(const test::ScratchFolder& folder, const char* name,
                  const std::function<hid_t(hid_t)>& make) {
    const fs::path path = folder / "replaced.hdf5";
    write_rows(path, {sample_row(), sample_row()});
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, name, H5P_DEFAULT);
    if (make) {
        H5Dclose(make(file));
    }
    H5Fclose(file);
    return path;
}

hid_t make_dataset(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape,
                   hid_t properties = H5P_DEFAULT) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Sclose(space);
    return dataset;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masked_rows_suite)

BOOST_AUTO_TEST_CASE(files_that_h5py_wrote_are_read_as_they_were_meant) {
    const Json expected = read_json(kFolder / "expected.json");
    BOOST_TEST(expected.size() == 8u);
    for (const auto& [name, stored] : expected.items()) {
        const auto rows = read_all(kFolder / name);
        BOOST_REQUIRE(rows.size() == stored.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto equal = [&](const Ids& found, const char* key) {
                BOOST_TEST(found == stored[i].at(key).get<Ids>(), boost::test_tools::per_element());
            };
            equal(rows[i].tokens, "tokens");
            equal(rows[i].originals, "originals");
            equal(rows[i].segments, "segments");
            equal(rows[i].positions, "positions");
            equal(rows[i].labels, "labels");
            BOOST_TEST(rows[i].next_sentence.value_or(-1) == stored[i].value("next_sentence", -1));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read_through_several_slabs) {
    const test::ScratchFolder folder("masked-slabs");
    std::vector<corpus::MaskedRow> rows(2500, sample_row());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].labels[0] = static_cast<std::int32_t>(i);
        rows[i].originals[2] = static_cast<std::int32_t>(i);
        rows[i].next_sentence = static_cast<std::int32_t>(i % 2);
    }
    rows[7].positions = rows[7].labels = {};
    rows[7].originals = rows[7].tokens;
    write_rows(folder / "train_1.hdf5", rows);
    const auto found = read_all(folder / "train_1.hdf5");
    BOOST_REQUIRE(found.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        BOOST_REQUIRE((found[i].tokens == rows[i].tokens && found[i].labels == rows[i].labels &&
                       found[i].originals == rows[i].originals &&
                       found[i].positions == rows[i].positions &&
                       found[i].segments == rows[i].segments &&
                       found[i].next_sentence == rows[i].next_sentence));
    }
    write_rows(folder / "train_2.hdf5", rows);
    BOOST_TEST(
        (test::read_bytes(folder / "train_1.hdf5") == test::read_bytes(folder / "train_2.hdf5")));
}

BOOST_AUTO_TEST_CASE(a_row_that_ends_with_the_id_0_keeps_it) {
    // RoBERTa's <s> is 0 and so is the padding of its files.
    const test::ScratchFolder folder("masked-zero");
    corpus::MaskedRow row{{0, 50, 4, 0, 2}, {0, 50, 0, 0, 2}, Ids(5), {2}, {0}, {}};
    write_rows(folder / "train_1.hdf5", {row});
    const auto found = read_all(folder / "train_1.hdf5");
    BOOST_TEST(found.at(0).originals == row.originals, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bad_values_are_named_with_dataset_row_and_column) {
    const test::ScratchFolder folder("masked-bad");
    const fs::path path = folder / "bad.hdf5";
    for (const Damage& damage : {
             Damage{"input_mask", 1, 2, 0, "the value is 1 (1 for every token, then 0 expected)"},
             Damage{"input_mask", 1, 6, 1, "1 for every token, then 0 expected"},
             Damage{"input_mask", 0, 0, 2, "the value is 2"},
             Damage{"input_ids", 1, 3, -7, "the value is -7"},
             Damage{"input_ids", 1, 6, 9, "the value is 9 (0 to 0 expected in the padding)"},
             Damage{"segment_ids", 1, 1, 2, "the value is 2 (0 to 1 expected)"},
             Damage{"segment_ids", 1, 7, 1, "in the padding"},
             Damage{"masked_lm_positions", 1, 0, 5, "position 5 (rising positions of 1 to 4"},
             Damage{"masked_lm_positions", 1, 0, -2, "position -2"},
             Damage{"masked_lm_positions", 1, 1, 2, "position 2 (rising"},
             Damage{"masked_lm_positions", 1, 2, 3, "behind the first position 0"},
             Damage{"masked_lm_ids", 1, 1, 60, "behind the first position 0"},
             Damage{"masked_lm_ids", 1, 0, -1, "the value is -1"},
         }) {
        write_rows(path, {sample_row(), sample_row()});
        overwrite(path, damage);
        test::must_fail<InputError>(
            [&] { (void)read_all(path); },
            {"bad.hdf5", damage.dataset, "row " + std::to_string(damage.row), "column",
             damage.message});
    }
    auto row = sample_row();
    row.next_sentence = 3;
    write_rows(path, {row});
    test::must_fail<InputError>([&] { (void)read_all(path); },
                                {"next_sentence_labels", "row 0", "the value is 3"});
}

BOOST_AUTO_TEST_CASE(bad_datasets_are_named_with_what_was_found) {
    const test::ScratchFolder folder("masked-datasets");
    const auto refused = [&](const char* name, const std::function<hid_t(hid_t)>& make,
                             const std::vector<std::string>& parts) {
        const fs::path path = replaced(folder, name, make);
        test::must_fail<InputError>([&] { (void)read_all(path); }, parts);
    };
    refused("input_mask", nullptr, {"replaced.hdf5", "'input_mask' is missing"});
    refused("segment_ids",
            [](hid_t file) {
                return make_dataset(file, "segment_ids", H5T_IEEE_F32LE, {2, 8});
            },
            {"'segment_ids'", "32-bit float"});
    refused("input_ids",
            [](hid_t file) {
                return make_dataset(file, "input_ids", H5T_STD_I32BE, {2, 8});
            },
            {"'input_ids'", "big-endian"});
    refused("input_mask",
            [](hid_t file) { return make_dataset(file, "input_mask", H5T_STD_I8LE, {16}); },
            {"'input_mask' has 1 dimensions (2 expected)"});
    const auto contiguous = [](const char* name, hid_t type, std::vector<hsize_t> shape) {
        return [=](hid_t file) {
            const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
            H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
            const hid_t dataset = make_dataset(file, name, type, shape, create);
            H5Pclose(create);
            return dataset;
        };
    };
    refused("input_mask", contiguous("input_mask", H5T_STD_I8LE, {2, 9}),
            {"'input_mask' has 2 x 9 elements (2 x 8 expected, as input_ids has)"});
    refused("masked_lm_ids", contiguous("masked_lm_ids", H5T_STD_I32LE, {2, 4}),
            {"'masked_lm_ids' has 2 x 4", "as masked_lm_positions has"});
    refused("masked_lm_ids",
            [](hid_t file) {
                return make_dataset(file, "masked_lm_ids", H5T_STD_I32LE, {2, 3});
            },
            {"'masked_lm_ids'", "fewer bytes in the file than its shape needs"});
    refused("input_ids",
            [](hid_t file) {
                const std::vector<hsize_t> chunk{1, 8};
                const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
                H5Pset_chunk(create, 2, chunk.data());
                const hid_t dataset =
                    make_dataset(file, "input_ids", H5T_STD_I32LE, {hsize_t{1} << 38, 8}, create);
                H5Pclose(create);
                return dataset;
            },
            {"'input_ids' has 0 chunks in the file (274877906944 expected"});
}

BOOST_AUTO_TEST_CASE(a_64_bit_id_that_fits_is_read_and_another_is_not) {
    const test::ScratchFolder folder("masked-wide");
    const auto wide = [&](std::int64_t id) {
        return replaced(folder, "input_ids", [=](hid_t file) {
            const hid_t dataset = make_dataset(file, "input_ids", H5T_STD_I64LE, {2, 8});
            std::vector<std::int64_t> ids{2, id, 4, 52, 3, 0, 0, 0, 2, 50, 4, 52, 3, 0, 0, 0};
            H5Dwrite(dataset, H5T_STD_I64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids.data());
            return dataset;
        });
    };
    BOOST_TEST(read_all(wide(70000)).at(0).originals == (Ids{2, 70000, 51, 52, 3}),
               boost::test_tools::per_element());
    const fs::path path = wide(std::int64_t{1} << 32);
    test::must_fail<InputError>([&] { (void)read_all(path); },
                                {"'input_ids', row 0 holds 4294967296 (at most 32 bits"});
}

BOOST_AUTO_TEST_CASE(a_damaged_chunk_and_a_cut_file_are_bad_input) {
    const test::ScratchFolder folder("masked-damaged");
    std::vector<corpus::MaskedRow> rows(300, sample_row());
    write_rows(folder / "a.hdf5", rows);
    std::string bytes = test::read_bytes(folder / "a.hdf5");
    const std::size_t gzip = bytes.find("\x78\x5e");  // zlib's header at level 4
    BOOST_REQUIRE(gzip != std::string::npos);
    std::string damaged = bytes;
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(gzip) + 2, 8, '\xff');
    test::write_file(folder / "damaged.hdf5", damaged);
    test::must_fail<InputError>([&] { (void)read_all(folder / "damaged.hdf5"); },
                                {"damaged.hdf5: dataset 'input_ids'"});
    test::write_file(folder / "cut.hdf5", bytes.substr(0, bytes.size() / 2));
    test::must_fail<InputError>([&] { (void)read_all(folder / "cut.hdf5"); }, {"cut.hdf5"});
}

BOOST_AUTO_TEST_CASE(the_last_word_of_a_name_decides_the_split) {
    using corpus::Split;
    for (const char* name : {"train_shard_3.hdf5", "wiki_training_3.hdf5", "latest_training_3.hdf5",
                             "test_set-train.h5"}) {
        BOOST_TEST((corpus::split_of_masked_file(name) == Split::Train), name);
    }
    for (const char* name : {"test_shard_3.hdf5", "training_set_test_0.hdf5", "validation.h5"}) {
        BOOST_TEST((corpus::split_of_masked_file(name) == Split::Validation), name);
    }
    test::must_fail<InputError>([] { (void)corpus::split_of_masked_file("latest_3.hdf5"); },
                                {"latest_3.hdf5", "rename it"});
}

BOOST_AUTO_TEST_CASE(files_are_in_the_order_of_their_numbers) {
    const auto entry = [](const std::string& name) {
        return corpus::InputEntry{name, name, Bytes(1)};
    };
    const auto files = corpus::sort_masked_files(
        {entry("b/train_1.h5"), entry("a/train_10.h5"), entry("a/train_9.h5"),
         entry("a/train_010.h5"), entry("vocab.txt"), entry("a/test_0.h5")},
        "folder");
    std::vector<std::string> names;
    for (const auto& file : files.train) {
        names.push_back(file.name);
    }
    BOOST_TEST(names == (std::vector<std::string>{"a/train_9.h5", "a/train_010.h5", "a/train_10.h5",
                                                  "b/train_1.h5"}),
               boost::test_tools::per_element());
    test::must_fail<InputError>(
        [&] { (void)corpus::sort_masked_files({entry("train_1.h5")}, "folder"); },
        {"folder has no test file"});
}

BOOST_AUTO_TEST_SUITE_END()
