#include "checkpoint/checkpoint.h"

#include <ATen/ops/empty.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/philox.h"
#include "checkpoint/sample.h"
#include "manifest/manifest.h"
#include "support/data.h"
#include "support/text.h"

using namespace hpml;
using namespace hpml::checkpoint;
using test::sample_contents;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFiles[] = {
    "model.safetensors", "optimizer.safetensors", "state.json",   "config.json",
    "vocab.txt",         "tokenizer_config.json", "MANIFEST.json"};

const Log kQuiet(Rank(0), false);

bool is_valid(const fs::path& folder) {
    try {
        (void)verify_checkpoint(folder);
        return true;
    } catch (const InputError&) {
        return false;
    }
}

template <class Action>
std::string message_of(const Action& action) {
    try {
        action();
    } catch (const Error& failure) {
        return failure.what();
    }
    return "";
}

using test::contains;

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A run with checkpoints of steps 10 and 20.
struct Run {
    test::ScratchFolder folder{"checkpoint"};
    fs::path ten = write_checkpoint(folder.path(), 1, sample_contents(10)).folder;
    fs::path twenty = write_checkpoint(folder.path(), 1, sample_contents(20)).folder;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_suite)

BOOST_FIXTURE_TEST_CASE(writes_a_folder_that_verifies_and_leaves_nothing_else, Run) {
    BOOST_TEST(verify_checkpoint(twenty).step.value == 20);
    BOOST_TEST(twenty.filename() == "step-00000020");
    const std::vector<std::string> wanted = {"step-00000010", "step-00000020"};
    BOOST_TEST(names_in(folder / "checkpoints") == wanted);
    BOOST_TEST(names_in(twenty).size() == std::size(kFiles));
}

BOOST_AUTO_TEST_CASE(the_same_state_gives_the_same_bytes) {
    const test::ScratchFolder a("bytes-a");
    const test::ScratchFolder b("bytes-b");
    const fs::path one = write_checkpoint(a.path(), 1, sample_contents(5)).folder;
    const fs::path two = write_checkpoint(b.path(), 7, sample_contents(5)).folder;
    for (const char* name : kFiles) {
        BOOST_TEST(read_text(one / name) == read_text(two / name), name);
    }
}

BOOST_FIXTURE_TEST_CASE(a_step_can_be_saved_again, Run) {
    write_checkpoint(folder.path(), 2, sample_contents(20));
    BOOST_TEST(is_valid(twenty));
    auto other = sample_contents(20);
    other.state["seed"] = 43;
    write_checkpoint(folder.path(), 2, other);
    BOOST_TEST(is_valid(twenty));
    BOOST_TEST(contains(read_text(twenty / "state.json"), "43"));
    BOOST_TEST(names_in(folder / "checkpoints").size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_veto_right_before_publishing_leaves_everything_as_it_was, Run) {
    auto other = sample_contents(20);
    other.state["seed"] = 43;
    const std::string before = read_text(twenty / "state.json");
    const auto veto = [] { throw MismatchError("a later start owns the run"); };
    BOOST_CHECK_THROW(write_checkpoint(folder.path(), 2, other, veto), MismatchError);
    BOOST_CHECK_THROW(write_checkpoint(folder.path(), 2, sample_contents(30), veto), MismatchError);
    BOOST_TEST(read_text(twenty / "state.json") == before);
    const std::vector<std::string> wanted = {"step-00000010", "step-00000020"};
    BOOST_TEST(names_in(folder / "checkpoints") == wanted);
}

BOOST_FIXTURE_TEST_CASE(a_checkpoint_that_an_interrupted_exchange_set_aside_is_put_back, Run) {
    const fs::path all = folder / "checkpoints";
    fs::create_directory(all / ".old-4-20");
    fs::rename(twenty, all / ".old-4-20" / "step-00000020");
    BOOST_TEST(newest_checkpoint(folder.path(), kQuiet)->step.value == 20);
    const std::vector<std::string> wanted = {"step-00000010", "step-00000020"};
    BOOST_TEST(names_in(all) == wanted);
}

BOOST_FIXTURE_TEST_CASE(a_checkpoint_tells_its_size, Run) {
    std::uint64_t bytes = 0;
    for (const char* name : kFiles) {
        bytes += std::string_view(name) == kManifestName ? 0 : fs::file_size(twenty / name);
    }
    BOOST_TEST(verify_checkpoint(twenty).bytes.value == bytes);
    BOOST_TEST(write_checkpoint(folder.path(), 1, sample_contents(20)).bytes.value == bytes);
}

BOOST_FIXTURE_TEST_CASE(every_truncation_is_rejected, Run) {
    for (const char* name : kFiles) {
        const std::string whole = read_text(twenty / name);
        for (std::size_t i = 0; i < 64; ++i) {
            test::write_file(twenty / name, whole.substr(0, whole.size() * i / 64));
            BOOST_TEST(!is_valid(twenty), name << " cut at " << i << "/64");
        }
        test::write_file(twenty / name, whole.substr(0, whole.size() - 1));
        BOOST_TEST(!is_valid(twenty), name << " without its last byte");
        test::write_file(twenty / name, whole + "\n");
        BOOST_TEST(!is_valid(twenty), name << " with one byte more");
        test::write_file(twenty / name, whole);
    }
    BOOST_TEST(is_valid(twenty));
}

BOOST_FIXTURE_TEST_CASE(every_flipped_bit_is_rejected, Run) {
    PhiloxStream random(philox_key(1, RandomUse::Test), 0, 0, 0);
    for (int i = 0; i < 500; ++i) {
        const char* name = kFiles[random.below(std::size(kFiles))];
        const std::string whole = read_text(twenty / name);
        std::string flipped = whole;
        const std::size_t at = random.below(static_cast<std::uint32_t>(whole.size()));
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
        test::write_file(twenty / name, flipped);
        BOOST_TEST(!is_valid(twenty), name << " with a flipped bit in byte " << at);
        test::write_file(twenty / name, whole);
    }
    BOOST_TEST(is_valid(twenty));
}

BOOST_FIXTURE_TEST_CASE(names_the_file_and_both_hashes, Run) {
    std::string bytes = read_text(twenty / "model.safetensors");
    const std::string digest = hash_text(bytes).hex();
    std::fill_n(bytes.begin() + 4096, 4096, '\0');  // a page lost with the power
    test::write_file(twenty / "model.safetensors", bytes);
    const std::string message = message_of([&] { (void)verify_checkpoint(twenty); });
    BOOST_TEST(contains(message, "model.safetensors"));
    BOOST_TEST(contains(message, digest));
    BOOST_TEST(contains(message, hash_text(bytes).hex()));
}

BOOST_FIXTURE_TEST_CASE(missing_and_empty_files_are_rejected_and_strangers_are_not_read, Run) {
    for (const char* name : kFiles) {
        const std::string whole = read_text(twenty / name);
        fs::remove(twenty / name);
        BOOST_TEST(!is_valid(twenty), name << " missing");
        test::write_file(twenty / name, "");
        BOOST_TEST(!is_valid(twenty), name << " empty");
        fs::remove(twenty / name);
        test::write_file(folder / "elsewhere", whole);
        fs::create_symlink(folder / "elsewhere", twenty / name);
        BOOST_TEST(!is_valid(twenty), name << " a link");
        fs::remove(twenty / name);
        test::write_file(twenty / name, whole);
    }
    test::write_file(twenty / "notes.txt", "mine");
    BOOST_TEST(is_valid(twenty));
}

BOOST_FIXTURE_TEST_CASE(a_checkpoint_that_may_not_be_read_is_passed_over_and_keeps_its_name, Run) {
    fs::permissions(twenty / "model.safetensors", fs::perms::none);
    const bool is_root = ::geteuid() == 0;
    if (is_root) {  // root reads everything: be nobody for a moment
        BOOST_TEST_REQUIRE(::seteuid(65534) == 0);
    }
    const auto found = newest_checkpoint(folder.path(), kQuiet);
    if (is_root) {
        BOOST_TEST_REQUIRE(::seteuid(0) == 0);
    }
    BOOST_TEST(found->step.value == 10);
    fs::permissions(twenty / "model.safetensors", fs::perms::owner_all);
    BOOST_TEST(newest_checkpoint(folder.path(), kQuiet)->step.value == 20);
}

BOOST_FIXTURE_TEST_CASE(a_manifest_or_folder_of_another_step_is_rejected, Run) {
    fs::rename(twenty, folder / "checkpoints" / "step-00000030");
    BOOST_TEST(!is_valid(folder / "checkpoints" / "step-00000030"));
    fs::rename(folder / "checkpoints" / "step-00000030", twenty);
    BOOST_TEST(is_valid(twenty));
    fs::copy_file(ten / "MANIFEST.json", twenty / "MANIFEST.json",
                  fs::copy_options::overwrite_existing);
    BOOST_TEST(contains(message_of([&] { (void)verify_checkpoint(twenty); }),
                        "of step 10 but its folder"));
}

BOOST_FIXTURE_TEST_CASE(a_manifest_cannot_name_a_file_elsewhere_or_a_newer_format, Run) {
    for (const char* name :
         {"../../secret", "/etc/passwd", ".hidden", "a/b", "", "MANIFEST.json"}) {
        const Manifest manifest{Step(20), {whole_file(name, Bytes(1), Digest{})}};
        test::write_file(twenty / "MANIFEST.json", manifest_text(manifest));
        BOOST_TEST(contains(message_of([&] { (void)verify_checkpoint(twenty); }), "outside"), name);
    }
    test::write_file(twenty / "MANIFEST.json", "{\"format_version\": 3}");
    BOOST_TEST(contains(message_of([&] { (void)verify_checkpoint(twenty); }), "format version 3"));
}

BOOST_FIXTURE_TEST_CASE(falls_back_to_the_checkpoint_before_a_bad_one, Run) {
    test::write_file(twenty / "vocab.txt", "other");
    BOOST_TEST(newest_checkpoint(folder.path(), kQuiet)->step.value == 10);
    BOOST_TEST(!fs::exists(twenty));
    BOOST_TEST(fs::exists(twenty.string() + ".corrupt"));
    test::write_file(ten / "vocab.txt", "other");
    const auto refuse = [&] { (void)newest_checkpoint(folder.path(), kQuiet); };
    BOOST_CHECK_THROW(refuse(), InputError);
    BOOST_CHECK_THROW(refuse(), InputError);  // also when all have been set aside
    const auto start_over = [&] {
        return newest_checkpoint(folder.path(), kQuiet, IfNoneIsValid::StartOver);
    };
    BOOST_TEST(!start_over().has_value());
    BOOST_TEST(fs::exists(ten.string() + ".corrupt"));
}

BOOST_FIXTURE_TEST_CASE(only_damage_takes_the_name_of_a_checkpoint_that_cannot_be_verified, Run) {
    // Of several ranks every failure comes as an Error with a code.
    const auto step_if_newest_fails = [&](ExitCode code) {
        return newest_checkpoint(folder.path(), kQuiet, IfNoneIsValid::Refuse,
                                 [&](const fs::path& checkpoint) {
                                     if (checkpoint == twenty) {
                                         throw Error(code, "acted out");
                                     }
                                     return verify_checkpoint(checkpoint);
                                 })
            ->step.value;
    };
    for (const ExitCode code : {ExitCode::Resource, ExitCode::Backend, ExitCode::Internal}) {
        BOOST_CHECK_EXCEPTION((void)step_if_newest_fails(code), Error,
                              [&](const Error& error) { return error.code() == code; });
        BOOST_TEST(fs::exists(twenty));
    }
    for (const ExitCode code : {ExitCode::Io, ExitCode::MissingInput}) {
        BOOST_TEST(step_if_newest_fails(code) == 10);
        BOOST_TEST(fs::exists(twenty));
    }
    BOOST_TEST(step_if_newest_fails(ExitCode::Input) == 10);
    BOOST_TEST(!fs::exists(twenty));
}

BOOST_FIXTURE_TEST_CASE(a_new_run_has_none_and_leftovers_of_saves_only_are_removed, Run) {
    const test::ScratchFolder fresh("fresh");
    BOOST_TEST(!newest_checkpoint(fresh.path(), kQuiet).has_value());
    const fs::path all = folder / "checkpoints";
    for (const char* name : {".tmp-3-30", ".old-1-5", ".tmp-mine", ".tmp-3-x", "other"}) {
        fs::create_directory(all / name);
    }
    BOOST_TEST(newest_checkpoint(folder.path(), kQuiet)->step.value == 20);
    const std::vector<std::string> wanted = {".tmp-3-x", ".tmp-mine", "other", "step-00000010",
                                             "step-00000020"};
    BOOST_TEST(names_in(all) == wanted);
}

BOOST_FIXTURE_TEST_CASE(retention_keeps_the_newest_and_always_a_valid_one, Run) {
    write_checkpoint(folder.path(), 1, sample_contents(30));
    retain(folder.path(), 2);
    const std::vector<std::string> wanted = {"step-00000020", "step-00000030"};
    BOOST_TEST(names_in(folder / "checkpoints") == wanted);
    test::write_file(folder / "checkpoints" / "step-00000030" / "vocab.txt", "x");
    retain(folder.path(), 1);
    BOOST_TEST(names_in(folder / "checkpoints") == wanted);
    BOOST_TEST(list_checkpoints(folder.path()).size() == 2U);
}

// A write that fails midway, as a full disk or a quota makes it fail: here a limit on the size of
// files.
BOOST_FIXTURE_TEST_CASE(a_write_that_fails_midway_leaves_the_older_checkpoints, Run) {
    rlimit before{};
    BOOST_TEST_REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8192, before.rlim_max};
    BOOST_TEST_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const std::string message =
        message_of([&] { write_checkpoint(folder.path(), 1, sample_contents(30)); });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    BOOST_TEST(contains(message, "File too large"), message);
    BOOST_TEST(names_in(folder / "checkpoints").size() == 2U);
    BOOST_TEST(newest_checkpoint(folder.path(), kQuiet)->step.value == 20);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_is_said_before_the_first_byte, Run) {
    const fs::path disk = folder / "disk";
    fs::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") == 0) {
        write_checkpoint(disk, 1, sample_contents(10));
        const std::string message =
            message_of([&] { write_checkpoint(disk, 1, sample_contents(12000, 500'000)); });
        BOOST_TEST(contains(message, "no space left on"), message);
        BOOST_TEST(contains(message, "while writing step-00012000 (needed 2."), message);
        BOOST_TEST(newest_checkpoint(disk, kQuiet)->step.value == 10);
        ::umount(disk.c_str());
    } else {
        test::not_run("a tmpfs of 2 MiB cannot be mounted here (needs root)");
    }
    if (has_fault_points()) {
        ::setenv("HPML_FAULT", "nospace@step=30,site=checkpoint.write", 1);
        const std::string message =
            message_of([&] { write_checkpoint(folder.path(), 1, sample_contents(30)); });
        ::unsetenv("HPML_FAULT");
        BOOST_TEST(contains(message, "while writing step-00000030"), message);
        BOOST_TEST(names_in(folder / "checkpoints").size() == 2U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
