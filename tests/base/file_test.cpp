#include "base/file.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "support/data.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(file_suite)

BOOST_AUTO_TEST_CASE(an_unpublished_file_leaves_the_old_content_and_no_trace) {
    const test::ScratchFolder folder("file");
    const auto path = folder / "x.txt";
    write_text_atomically(path, "old");
    {
        AtomicFile file(path);
        file.write("new");
    }
    BOOST_TEST(read_text(path) == "old");
    BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_published_file_has_the_hash_and_size_that_the_writer_says) {
    const test::ScratchFolder folder("file");
    const auto path = folder / "x.txt";
    AtomicFile file(path);
    file.write("hello ");
    file.write("world");
    const Digest digest = file.digest();
    file.publish();
    BOOST_TEST(digest.hex() == hash_text("hello world").hex());
    BOOST_TEST(hash_file(path).hex() == digest.hex());
    BOOST_TEST(file.size().value == 11u);
}

BOOST_AUTO_TEST_CASE(failures_name_the_path_and_the_reason) {
    const test::ScratchFolder folder("file");
    BOOST_CHECK_EXCEPTION(
        (void)read_text(folder / "absent"), MissingInputError, [](const Error& error) {
            return std::string(error.what()).find("absent") != std::string::npos &&
                   std::string(error.what()).find("No such file") != std::string::npos;
        });
    BOOST_CHECK_THROW(InputFile{folder.path()}, MissingInputError);
    BOOST_CHECK_THROW(AtomicFile(folder / "no" / "such" / "x"), OutputError);
    test::write_file(folder / "file", "x");
    BOOST_CHECK_THROW(make_folders(folder / "file" / "below"), OutputError);
}

BOOST_AUTO_TEST_CASE(reading_past_the_end_says_truncated) {
    const test::ScratchFolder folder("file");
    test::write_file(folder / "x", "1234");
    const InputFile file(folder / "x");
    std::vector<std::byte> bytes(8);
    BOOST_CHECK_THROW(file.read_at(0, bytes), InputError);
    BOOST_CHECK_THROW((void)read_text(folder / "x", Bytes(3)), InputError);
}

BOOST_AUTO_TEST_CASE(a_mapped_file_is_seen_as_long_as_its_owner_lives) {
    const test::ScratchFolder folder("file");
    test::write_file(folder / "data", "rows and rows");
    test::write_file(folder / "empty", "");
    const auto text_of = [](const MappedFile& file) {
        return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    };
    MappedFile first{InputFile(folder / "data")};
    MappedFile second(std::move(first));
    std::filesystem::remove(folder / "data");
    BOOST_TEST(text_of(second) == "rows and rows");
    second = MappedFile(InputFile(folder / "empty"));
    BOOST_TEST(second.bytes().empty());
    BOOST_CHECK_THROW(MappedFile{InputFile(folder.path())}, MissingInputError);
}

BOOST_AUTO_TEST_CASE(a_digest_reads_back_from_its_text) {
    const Digest digest = hash_text("x");
    BOOST_TEST((Digest::from_hex(digest.hex()) == digest));
    BOOST_CHECK_THROW((void)Digest::from_hex("12"), InputError);
    BOOST_CHECK_THROW((void)Digest::from_hex(std::string(32, 'g')), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
