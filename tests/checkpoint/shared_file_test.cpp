#include "checkpoint/shared_file.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "support/data.h"

using namespace hpml;
using checkpoint::SharedFile;
namespace fs = std::filesystem;

namespace {

struct FreeAligned {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

/// Bytes that differ, at an address that direct writes take.
class Aligned {
  public:
    explicit Aligned(std::size_t size)
        : memory_(std::aligned_alloc(SharedFile::kAlignment,
                                     (size / SharedFile::kAlignment + 1) * SharedFile::kAlignment)),
          size_(size) {
        auto* values = static_cast<unsigned char*>(memory_.get());
        for (std::size_t i = 0; i < size; ++i) {
            values[i] = static_cast<unsigned char>(i * 31 + i / 251);
        }
    }
    [[nodiscard]] std::span<const std::byte> bytes() const {
        return {static_cast<const std::byte*>(memory_.get()), size_};
    }

  private:
    std::unique_ptr<void, FreeAligned> memory_;
    std::size_t size_;
};

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_file_suite)

// The temporary folder's file system, and one that knows no direct writes.
BOOST_DATA_TEST_CASE(whatever_the_stretches_the_bytes_are_right, boost::unit_test::data::xrange(2),
                     in_memory) {
    const test::ScratchFolder scratch("shared-file");
    const fs::path folder = in_memory == 0 ? fs::path(scratch.path()) : fs::path("/dev/shm");
    const fs::path path = folder / ("shared-" + std::to_string(::getpid()));
    const Aligned content((std::size_t{1} << 20U) + 777);
    constexpr std::size_t kPage = SharedFile::kAlignment;
    const auto all = content.bytes();
    {
        SharedFile one(path);
        SharedFile other(path);
        // Ends within pages, at their borders, and stretches that lie askew in memory or file.
        const std::vector<std::size_t> cuts = {
            0,         1,      kPage,   2 * kPage, 2 * kPage + 1, 3 * kPage, 5 * kPage + 4096,
            6 * kPage, 700000, 1048000, 1048576,   all.size()};
        for (std::size_t i = cuts.size() - 1; i > 0; --i) {
            (i % 2 == 0 ? one : other)
                .write_at(cuts[i - 1], all.subspan(cuts[i - 1], cuts[i] - cuts[i - 1]));
        }
        one.begin_writing_back(0, all.size());
        one.finish();
        other.finish();
    }
    BOOST_TEST((read_text(path) == text_of(all)));
    {
        const Aligned again(2 * kPage + 5);
        SharedFile file(path);
        file.write_at(kPage, again.bytes());
        file.finish();
        std::string wanted = text_of(all);
        wanted.replace(kPage, 2 * kPage + 5, text_of(again.bytes()));
        BOOST_TEST((read_text(path) == wanted));
    }
    fs::remove(path);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_made_is_named) {
    const test::ScratchFolder scratch("shared-file");
    BOOST_CHECK_EXCEPTION(SharedFile(fs::path(scratch.path()) / "missing" / "file"), IoError,
                          [](const IoError& error) {
                              const std::string text = error.what();
                              return text.find("missing/file") != std::string::npos;
                          });
}

BOOST_AUTO_TEST_SUITE_END()
