#include "text/byte_source.h"

#include <boost/test/unit_test.hpp>
#include <utility>

#include "base/error.h"
#include "packing.h"
#include "support/data.h"
#include "support/text.h"
#include "text/bzip2_blocks.h"

namespace hpml::text {
namespace {

/// Text that does not pack well, so that a few hundred kilobytes make several blocks.
std::string noise(std::size_t size) {
    std::string text;
    std::uint64_t state = 7;
    while (text.size() < size) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        text.push_back(static_cast<char>('a' + (state >> 60)));
    }
    return text;
}

struct Folder {
    test::ScratchFolder folder{"byte-source"};

    std::string read(const std::string& bytes, std::size_t step = 1000) const {
        test::write_file(folder / "file", bytes);
        const auto source = open_bytes(folder / "file");
        std::string all;
        std::string buffer(step, '\0');
        for (std::size_t got = source->read(buffer); got > 0; got = source->read(buffer)) {
            all.append(buffer, 0, got);
        }
        return all;
    }
    std::string refusal(const std::string& bytes) const {
        try {
            (void)read(bytes);
        } catch (const InputError& error) {
            return error.what();
        }
        return "accepted";
    }
};

using test::contains;

BOOST_FIXTURE_TEST_SUITE(byte_source, Folder)

BOOST_AUTO_TEST_CASE(a_plain_file_comes_as_it_is) {
    BOOST_TEST(read("").empty());
    BOOST_TEST(read(noise(5000), 7) == noise(5000));
}

BOOST_AUTO_TEST_CASE(gzip_members_come_one_after_the_other) {
    const std::string text = noise(700000);
    BOOST_CHECK(read(test::gzip(text)) == text);
    BOOST_TEST(read(test::gzip("one ") + test::gzip("") + test::gzip("two") +
                    std::string(600, '\0')) == "one two");
}

BOOST_AUTO_TEST_CASE(bzip2_streams_come_one_after_the_other) {
    const std::string text = noise(700000);
    BOOST_CHECK(read(test::bzip2(text)) == text);
    BOOST_TEST(read(test::bzip2("one ") + test::bzip2("") + test::bzip2("two", 9)) == "one two");
}

BOOST_AUTO_TEST_CASE(bzip2_gives_back_texts_of_every_kind) {
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) {
        all_bytes += static_cast<char>(byte);
    }
    std::string fibonacci = "a";
    for (std::string before = "b"; fibonacci.size() < 200000;) {
        before = std::exchange(fibonacci, fibonacci + before);
    }
    for (const std::string& text :
         {std::string("a"), std::string(3, 'a'), std::string(4, 'a'), std::string(5, 'a'),
          std::string(258, 'a'), std::string(259, 'a'), std::string(3000000, '\0'), all_bytes,
          all_bytes + all_bytes, std::string(1000, '\xFF') + noise(20), fibonacci,
          "aaaab" + std::string(260, 'b') + "ccccd"}) {
        for (const int level : {1, 9}) {
            BOOST_CHECK(read(test::bzip2(text, level), 777) == text);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_short_is_refused_with_its_offset) {
    for (const std::string& packed : {test::gzip(noise(90000)), test::bzip2(noise(90000))}) {
        for (const std::size_t size : {packed.size() - 1, packed.size() / 2, std::size_t{12}}) {
            const std::string why = refusal(packed.substr(0, size));
            BOOST_TEST(contains(why, "file, byte " + std::to_string(size)), why);
            BOOST_TEST(contains(why, "cut short"), why);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_refused) {
    for (std::string packed : {test::gzip(noise(90000)), test::bzip2(noise(90000))}) {
        packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x10);
        const std::string why = refusal(packed);
        BOOST_TEST((contains(why, "damaged") && contains(why, "file, byte ")), why);
    }
    BOOST_TEST(contains(refusal(test::gzip("x") + "stray"), "damaged"));
    BOOST_TEST(contains(refusal(test::bzip2("x") + "stray"), "damaged"));
}

BOOST_AUTO_TEST_CASE(no_flipped_bit_of_a_bzip2_file_goes_unseen) {
    const std::string text = noise(300) + std::string(30, 'x');
    const std::string whole = test::bzip2(text);
    for (std::size_t bit = 8 * std::size_t{4}; bit < 8 * whole.size(); ++bit) {
        std::string packed = whole;
        packed[bit / 8] = static_cast<char>(packed[bit / 8] ^ (1 << (bit % 8)));
        // The bits that fill the last byte say nothing; before byte 4 it would be no such file.
        const bool matters = bit / 8 != whole.size() - 1;
        BOOST_REQUIRE_MESSAGE(!matters || refusal(packed) != "accepted", "bit " << bit);
    }
}

BOOST_AUTO_TEST_CASE(the_blocks_of_a_bzip2_file_are_its_text) {
    const std::string text = noise(450000);
    test::write_file(folder / "file", test::bzip2(text) + test::bzip2("") + test::bzip2("behind"));
    Bzip2Blocks blocks(folder / "file", {});
    std::string all;
    std::string buffer(30000, '\0');
    int count = 0;
    for (; blocks.next(); ++count) {
        for (std::size_t got = blocks.read(buffer); got > 0; got = blocks.read(buffer)) {
            all.append(buffer, 0, got);
        }
    }
    BOOST_TEST(count == 6);  // a block of level 1 holds a little less than 100,000 bytes
    BOOST_CHECK(all == text + "behind");
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_refused) {
    std::string packed = test::bzip2(noise(250000));
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x10);
    test::write_file(folder / "file", packed);
    const auto read_all = [&] {
        Bzip2Blocks blocks(folder / "file", {});
        std::string buffer(30000, '\0');
        while (blocks.next()) {
            while (blocks.read(buffer) > 0) {
            }
        }
    };
    BOOST_CHECK_THROW(read_all(), InputError);
    test::write_file(folder / "file", packed.substr(0, packed.size() - 20000));
    BOOST_CHECK_THROW(read_all(), InputError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
