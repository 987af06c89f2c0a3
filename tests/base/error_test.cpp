#include "base/error.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>

#include "support/data.h"

namespace {

using hpml::Described;
using hpml::ExitCode;

template <typename Work>
Described described(Work work) {
    try {
        work();
    } catch (...) {
        return hpml::describe_current_exception();
    }
    return {ExitCode::Finished, ""};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(every_exception_has_an_exit_code_and_words_for_the_user) {
    const auto ours = described([] { throw hpml::IoError("disk"); });
    BOOST_TEST((ours.code == ExitCode::Io));
    BOOST_TEST(ours.message == "disk");
    const auto memory = described([] { throw std::bad_alloc(); });
    BOOST_TEST((memory.code == ExitCode::Resource));
    BOOST_TEST(memory.message.starts_with("out of memory (this process holds "), memory.message);
    BOOST_TEST(memory.message.find(" MB left); try ") != std::string::npos, memory.message);
    const auto bug = described([] { throw std::out_of_range("index"); });
    BOOST_TEST((bug.code == ExitCode::Internal));
    BOOST_TEST(bug.message == "internal: index; please report this");
    const auto unknown = described([] { throw 1; });
    BOOST_TEST((unknown.code == ExitCode::Internal));
}

BOOST_AUTO_TEST_CASE(memory_that_libtorch_cannot_get_is_a_missing_resource_and_no_bug) {
    const std::string host =
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 9223372036854775 bytes. Error code 12 (Cannot allocate memory)";
    const std::string device = "CUDA out of memory. Tried to allocate 20.00 GiB.";
    for (const std::string& text : {std::cref(host), std::cref(device)}) {
        const auto memory = described([&] { throw std::runtime_error(text + "\nframe #0: x"); });
        BOOST_TEST((memory.code == ExitCode::Resource));
        const std::string figures = &text == &host ? "; this process holds " : "); try ";
        BOOST_TEST(memory.message.starts_with("out of memory (" + text + figures), memory.message);
        BOOST_TEST(memory.message.find("frame #0") == std::string::npos, memory.message);
    }
    const auto ours = described([] { throw hpml::BackendError("a peer is out of memory"); });
    BOOST_TEST((ours.code == ExitCode::Backend));
}

BOOST_AUTO_TEST_CASE(a_link_that_goes_in_a_circle_is_an_input_that_cannot_be_read) {
    const hpml::test::ScratchFolder folder("error");
    const auto link = folder / "link";
    std::filesystem::create_symlink(link, link);
    const auto found = described([&] { (void)std::filesystem::exists(link); });
    BOOST_TEST((found.code == ExitCode::MissingInput));
    BOOST_TEST(found.message.starts_with("cannot look at " + link.string() + ": "));
}

BOOST_AUTO_TEST_SUITE_END()
