#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/hash.h"
#include "support/command.h"
#include "support/data.h"
#include "text/packing.h"

namespace hpml::test {
namespace {

/// hpml_prepare of some inputs, with more options behind.
std::string prepare_command(const std::string& inputs, const std::filesystem::path& output,
                            const std::string& more = "") {
    return program("hpml_prepare") + " --input " + inputs + " --vocab " +
           source("data/sample/vocab.txt") + " --output " + output.string() + " " + more;
}

std::string page(int number) {
    std::string text = "'''Page " + std::to_string(number) + "''' is a [[river|stream]].";
    std::uint64_t state = static_cast<std::uint64_t>(number) * 77 + 5;
    for (int word = 0; word < 60 + number % 200; ++word) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        text += " " + std::to_string(state >> 44);
    }
    const std::string redirect = number % 5 == 4 ? "<redirect title=\"A\" />" : "";
    return "<page><title>P</title><ns>" + std::to_string(number % 9 == 8 ? 1 : 0) + "</ns>" +
           redirect + "<revision><text>" + text + "</text></revision></page>\n";
}

/// A dump of many streams, as Wikipedia's multistream dumps are: the head, pages by the ten, the
/// end.
std::string multistream_dump(int streams) {
    std::string dump = bzip2("<mediawiki><siteinfo></siteinfo>\n");
    for (int stream = 0; stream < streams; ++stream) {
        std::string pages;
        for (int i = 0; i < 10; ++i) {
            pages += page(10 * stream + i);
        }
        dump += bzip2(pages, 9);
    }
    return dump + bzip2("</mediawiki>\n");
}

bool same_corpus(const std::filesystem::path& one, const std::filesystem::path& other) {
    for (const char* name : {"train-00000.h5", "validation-00000.h5", "manifest.json"}) {
        if (hash_file(one / name) != hash_file(other / name)) {
            return false;
        }
    }
    return true;
}

BOOST_AUTO_TEST_SUITE(dump_program)

BOOST_AUTO_TEST_CASE(ranks_share_a_dump_and_make_the_same_bytes) {
    const ScratchFolder folder("dump-program");
    const std::string dump = (folder / "dump.xml.bz2").string();
    write_file(dump, multistream_dump(40));
    const auto whole = run_command(prepare_command(dump, folder / "whole"));
    BOOST_REQUIRE_MESSAGE(whole.code == 0, whole.output);
    BOOST_TEST(whole.says("284 documents"), whole.output);
    BOOST_TEST(whole.says("72 redirects left out"), whole.output);
    BOOST_TEST(whole.says("44 pages outside the main namespace left out"), whole.output);
    for (int ranks = 1; ranks <= 3; ++ranks) {
        const auto output = folder / std::to_string(ranks);
        const auto parts =
            run_command(mpirun(ranks) + prepare_command(dump, output, "--part-size 32"));
        BOOST_REQUIRE_MESSAGE(parts.code == 0, parts.output);
        BOOST_TEST(parts.says("72 redirects left out"), parts.output);
        BOOST_TEST(same_corpus(folder / "whole", output));
    }
}

BOOST_AUTO_TEST_CASE(a_killed_preparation_of_a_dump_goes_on_to_the_same_bytes) {
    const ScratchFolder folder("dump-program");
    const std::string dump = (folder / "dump.xml.bz2").string();
    write_file(dump, multistream_dump(40));
    BOOST_REQUIRE(run_command(prepare_command(dump, folder / "whole")).code == 0);
    const std::string parted = prepare_command(dump, folder / "out", "--part-size 32");
    BOOST_REQUIRE(run_command("HPML_FAULT=kill@step=2,rank=0,site=prepare.piece " + parted).code !=
                  0);
    const auto resumed = run_command(mpirun(2) + parted);
    BOOST_REQUIRE_MESSAGE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("3 of "), resumed.output);
    BOOST_TEST(same_corpus(folder / "whole", folder / "out"));
}

BOOST_AUTO_TEST_CASE(inputs_come_from_patterns_and_the_standard_input) {
    const ScratchFolder folder("dump-program");
    write_file(folder / "a.txt", "one river\n\ntwo rivers\n");
    write_file(folder / "b.txt.gz", gzip("three rivers\n"));
    write_file(folder / "d-multistream-index.txt", "1:2:Title\n");
    const std::string pattern = "'" + (folder / "*.txt*").string() + "'";
    const auto matched = run_command(prepare_command(pattern, folder / "matched"));
    BOOST_REQUIRE_MESSAGE(matched.code == 0, matched.output);
    BOOST_TEST(matched.says("preparing 2 files"), matched.output);
    BOOST_TEST(matched.says("3 documents"), matched.output);
    const auto piped = "printf 'one river\\n\\ntwo rivers\\n' | " +
                       prepare_command("-", folder / "piped", "--format text");
    const auto first = run_command(piped);
    BOOST_REQUIRE_MESSAGE(first.code == 0, first.output);
    BOOST_TEST(first.says("2 documents"), first.output);
    BOOST_TEST(run_command(piped).says("all is there already"));
    BOOST_TEST(!std::filesystem::exists(folder / "piped/.work"));
    BOOST_TEST(run_command(prepare_command("'/nonexistent/*.txt'", folder / "out")).code == 66);
    const auto index =
        run_command(prepare_command((folder / "d-multistream-index.txt").string(), folder / "out"));
    BOOST_TEST(index.code == 64);
    BOOST_TEST(index.says("index of a multistream dump"), index.output);
}

BOOST_AUTO_TEST_CASE(broken_input_exits_65_with_file_and_place) {
    const ScratchFolder folder("dump-program");
    const std::string dump = multistream_dump(10);
    write_file(folder / "short.xml.bz2", dump.substr(0, dump.size() - 300));
    write_file(folder / "bad.jsonl", "{\"text\": \"a\"}\n{\"body\": \"b\"}\n");
    for (const auto& [name, words] :
         {std::pair("short.xml.bz2", "short.xml.bz2, byte "),
          std::pair("bad.jsonl", "bad.jsonl, line 2: there is no member \"text\"")}) {
        const auto refused =
            run_command(mpirun(2) + prepare_command((folder / name).string(),
                                                    folder / (std::string(name) + ".out")));
        BOOST_TEST(refused.code == 65);
        BOOST_TEST(refused.count("error:") == 1, refused.output);
        BOOST_TEST(refused.says(words), refused.output);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::test
