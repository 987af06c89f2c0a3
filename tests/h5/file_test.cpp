#include "h5/file.h"

#include <hdf5.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "support/data.h"

using namespace hpml;
namespace fs = std::filesystem;

namespace {

std::vector<std::byte> sample_image() {
    h5::MemoryFile file;
    file.add_attribute("version", std::int64_t{7});
    file.add_attribute("hash", std::string("0123abcd"));
    std::vector<std::uint16_t> ids(1000);
    std::iota(ids.begin(), ids.end(), std::uint16_t{64000});
    file.add_dataset("ids", std::span<const std::uint16_t>(ids));
    file.add_dataset("empty", std::span<const std::int64_t>());
    return file.image();
}

void write_bytes(const fs::path& path, std::span<const std::byte> bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

/// A file made by HDF5 itself, for what our writer cannot make.
fs::path foreign_file(const fs::path& path, const std::function<void(hid_t)>& fill) {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    fill(file);
    H5Fclose(file);
    return path;
}

void add_foreign(hid_t file, const char* name, hid_t type, std::vector<hsize_t> shape,
                 hid_t properties = H5P_DEFAULT) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    const std::vector<double> zeros(4096);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data());
    H5Dclose(dataset);
    H5Sclose(space);
}

/// Run it; it must throw Expected, whose text must have all parts.
template <class Expected>
void must_fail(const std::function<void()>& action, const std::vector<std::string>& parts) {
    try {
        action();
        BOOST_ERROR("nothing was thrown");
    } catch (const Expected& error) {
        for (const std::string& part : parts) {
            BOOST_TEST((std::string(error.what()).find(part) != std::string::npos),
                       "'" << part << "' is not in: " << error.what());
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(h5_file_suite)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
    const test::ScratchFolder folder("h5-read");
    write_bytes(folder / "a.h5", sample_image());
    const h5::File file(folder / "a.h5");
    BOOST_TEST(file.integer_attribute("version") == 7);
    BOOST_TEST(file.text_attribute("hash") == "0123abcd");
    const h5::Dataset ids = file.dataset("ids", h5::Element::Uint16);
    BOOST_TEST(ids.length() == 1000);
    std::vector<std::uint16_t> slab(3);
    ids.read(997, std::span(slab));
    BOOST_TEST(slab == (std::vector<std::uint16_t>{64997, 64998, 64999}),
               boost::test_tools::per_element());
    const h5::Dataset empty = file.dataset("empty", h5::Element::Int64);
    BOOST_TEST(empty.length() == 0);
    BOOST_TEST(!empty.file_offset().has_value());
}

BOOST_AUTO_TEST_CASE(a_dataset_lies_at_its_offset_in_the_file) {
    const test::ScratchFolder folder("h5-offset");
    const auto image = sample_image();
    write_bytes(folder / "a.h5", image);
    const h5::File file(folder / "a.h5");
    const auto offset = file.dataset("ids", h5::Element::Uint16).file_offset();
    BOOST_REQUIRE(offset.has_value());
    BOOST_TEST(static_cast<int>(image.at(*offset)) == 64000 % 256);
    BOOST_TEST(static_cast<int>(image.at(*offset + 1)) == 64000 / 256);
}

BOOST_AUTO_TEST_CASE(the_same_calls_give_the_same_bytes) {
    const auto first = sample_image();
    const auto second = sample_image();
    BOOST_TEST((first == second));
}

BOOST_AUTO_TEST_CASE(files_that_are_not_hdf5_are_bad_input) {
    const test::ScratchFolder folder("h5-bad");
    test::write_file(folder / "empty.h5", "");
    must_fail<InputError>([&] { h5::File file(folder / "empty.h5"); }, {"empty.h5", "is empty"});
    test::write_file(folder / "text.h5", std::string(5000, 'x'));
    must_fail<InputError>([&] { h5::File file(folder / "text.h5"); },
                          {"text.h5", "cannot be opened as HDF5", "file signature not found"});
    must_fail<MissingInputError>([&] { h5::File file(folder / "none.h5"); },
                                 {"none.h5", "No such file"});
}

BOOST_AUTO_TEST_CASE(a_truncated_file_is_bad_input_with_hdf5s_reason) {
    const test::ScratchFolder folder("h5-truncated");
    const auto image = sample_image();
    for (std::size_t cut = 1; cut <= 64; ++cut) {
        const std::size_t size = image.size() - image.size() * cut / 65 - 1;
        write_bytes(folder / "cut.h5", std::span(image).first(size));
        must_fail<InputError>([&] { h5::File file(folder / "cut.h5"); }, {"cut.h5"});
    }
    write_bytes(folder / "cut.h5", std::span(image).first(image.size() - 1));
    must_fail<InputError>([&] { h5::File file(folder / "cut.h5"); }, {"truncated file"});
}

BOOST_AUTO_TEST_CASE(wrong_datasets_are_refused_not_converted) {
    const test::ScratchFolder folder("h5-strict");
    write_bytes(folder / "a.h5", sample_image());
    const h5::File file(folder / "a.h5");
    must_fail<InputError>([&] { (void)file.dataset("tokens", h5::Element::Uint16); },
                          {"a.h5", "'tokens'", "missing", "16-bit unsigned integer"});
    must_fail<InputError>(
        [&] { (void)file.dataset("ids", h5::Element::Int32); },
        {"'ids'", "holds 16-bit unsigned integer", "32-bit signed integer expected"});
    const h5::Dataset ids = file.dataset("ids", h5::Element::Uint16);
    std::vector<std::int32_t> wide(2);
    must_fail<InputError>([&] { ids.read(0, std::span(wide)); }, {"'ids'", "16-bit"});

    const h5::File other(foreign_file(folder / "b.h5", [](hid_t id) {
        add_foreign(id, "floats", H5T_IEEE_F64LE, {8});
        add_foreign(id, "big", H5T_STD_U16BE, {8});
        add_foreign(id, "square", H5T_STD_U16LE, {4, 4});
        H5Lcreate_external("elsewhere.h5", "/ids", id, "outside", H5P_DEFAULT, H5P_DEFAULT);
        const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
        const hsize_t chunk = 8;
        H5Pset_chunk(chunked, 1, &chunk);
        H5Pset_fletcher32(chunked);
        add_foreign(id, "chunked", H5T_STD_U16LE, {64}, chunked);
        H5Pclose(chunked);
    }));
    const auto open = [&](const char* name) {
        return [&other, name] { (void)other.dataset(name, h5::Element::Uint16); };
    };
    must_fail<InputError>(open("floats"), {"64-bit float", "16-bit unsigned integer expected"});
    must_fail<InputError>(open("big"), {"big-endian"});
    must_fail<InputError>(open("square"), {"2 dimensions", "1 dimension expected"});
    must_fail<InputError>(open("outside"), {"link to another place"});
    must_fail<InputError>(open("chunked"), {"chunked, filtered"});
}

BOOST_AUTO_TEST_CASE(wrong_attributes_are_refused) {
    const test::ScratchFolder folder("h5-attributes");
    write_bytes(folder / "a.h5", sample_image());
    const h5::File file(folder / "a.h5");
    must_fail<InputError>([&] { (void)file.integer_attribute("none"); },
                          {"a.h5", "attribute 'none'", "missing"});
    must_fail<InputError>([&] { (void)file.integer_attribute("hash"); },
                          {"'hash'", "text", "64-bit signed integer expected"});
    must_fail<InputError>([&] { (void)file.text_attribute("version"); },
                          {"'version'", "64-bit signed integer", "text of fixed length expected"});
}

BOOST_AUTO_TEST_CASE(packed_tables_are_read_by_rows_from_every_type) {
    const test::ScratchFolder folder("h5-table");
    const std::int64_t rows = 2500;
    const std::int64_t columns = 3;
    std::vector<std::int8_t> small(static_cast<std::size_t>(rows * columns));
    std::iota(small.begin(), small.end(), std::int8_t{-100});
    std::vector<std::int64_t> wide(static_cast<std::size_t>(rows), -5);
    wide[1700] = std::int64_t{1} << 31;
    h5::MemoryFile file;
    h5::PackedTable pairs = file.add_packed("small", h5::Element::Int8, rows, columns);
    pairs.append(std::span<const std::int8_t>(small).first(1000 * 3));
    pairs.append(std::span<const std::int8_t>(small).subspan(1000 * 3));
    pairs.close();
    h5::PackedTable flat = file.add_packed("wide", h5::Element::Int64, rows, 0);
    flat.append(std::span<const std::int64_t>(wide));
    flat.close();
    write_bytes(folder / "a.h5", file.image());

    const h5::File stored(folder / "a.h5");
    h5::Table table = stored.table("small", 2);
    BOOST_TEST(table.rows() == rows);
    BOOST_TEST(table.columns() == columns);
    std::vector<std::int32_t> slab(1200 * 3);
    table.read_rows(1300, 1200, slab);
    BOOST_TEST(std::ranges::equal(slab, std::span(small).subspan(1300 * 3)));
    h5::Table numbers = stored.table("wide", 1);
    std::vector<std::int32_t> first(1700);
    numbers.read_rows(0, 1700, first);
    BOOST_TEST(first == std::vector<std::int32_t>(1700, -5), boost::test_tools::per_element());
    must_fail<InputError>([&] { numbers.read_rows(800, 1700, std::span(slab).first(1700)); },
                          {"a.h5: dataset 'wide', row 1700 holds 2147483648"});
    must_fail<InputError>([&] { (void)stored.table("wide", 2); }, {"'wide' has 1 dimensions"});
    must_fail<InputError>([&] { (void)stored.dataset("small", h5::Element::Int64); },
                          {"'small'", "8-bit signed integer"});
}

BOOST_AUTO_TEST_SUITE_END()
