#include <bzlib.h>

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "fuzz/fuzz_input.h"
#include "text/bzip2_blocks.h"

namespace {

using namespace hpml;

/// @return false if the file is refused
bool unpack(std::span<const std::uint8_t> bytes, std::string& text) {
    const test::FuzzFile file(bytes);
    try {
        const auto source = text::open_bzip2(file.path());
        char buffer[4096];
        for (std::size_t got = source->read(buffer); got > 0; got = source->read(buffer)) {
            text.append(buffer, got);
        }
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// libbz2's opinion of one stream.
bool unpack_by_peer(std::span<const std::uint8_t> bytes, std::string& text) {
    text.resize(std::size_t{8} << 20);
    auto size = static_cast<unsigned>(text.size());
    std::string packed(bytes.begin(), bytes.end());
    const int result = BZ2_bzBuffToBuffDecompress(text.data(), &size, packed.data(),
                                                  static_cast<unsigned>(packed.size()), 0, 0);
    text.resize(result == BZ_OK ? size : 0);
    return result == BZ_OK;
}

}  // namespace

/// As a packed file: what is accepted begins with what libbz2 makes of its first stream. As text to
/// be packed by libbz2: it comes back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string ours;
    std::string theirs;
    if (unpack({data, size}, ours) && unpack_by_peer({data, size}, theirs) &&
        !ours.starts_with(theirs)) {
        std::abort();
    }
    std::string text(reinterpret_cast<const char*>(data), size);
    std::string packed(size + size / 50 + 1000, '\0');
    auto packed_size = static_cast<unsigned>(packed.size());
    if (BZ2_bzBuffToBuffCompress(packed.data(), &packed_size, text.data(),
                                 static_cast<unsigned>(size), 1, 0, 0) != BZ_OK) {
        std::abort();
    }
    std::string back;
    if (!unpack({reinterpret_cast<const std::uint8_t*>(packed.data()), packed_size}, back) ||
        back != text) {
        std::abort();
    }
    return 0;
}
