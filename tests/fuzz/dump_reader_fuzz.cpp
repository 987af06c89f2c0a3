#include <algorithm>
#include <string>

#include "base/error.h"
#include "fuzz/fuzz_input.h"
#include "text/bzip2_blocks.h"
#include "text/documents.h"

namespace {

using namespace hpml;

/// The texts of all documents, one after the other. @param cut  where the file is cut in two parts
std::string read_all(const text::DocumentFile& file, std::uint64_t cut) {
    std::string all;
    for (const text::FilePart part : {text::FilePart{0, cut}, text::FilePart{cut, UINT64_MAX}}) {
        const auto reader = file.open(part);
        text::Document document;
        while (reader->next(document)) {
            all += document.text + '\n';
        }
    }
    return all;
}

}  // namespace

/// Whatever a dump holds, packed or not, its documents come or an error of ours is thrown. The
/// first byte chooses where it is read in two parts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const test::FuzzFile bytes({data + 1, size - 1});
    try {
        const text::DocumentFile file(bytes.path(), {text::DocumentFormat::Dump, "text"});
        (void)read_all(file, UINT64_MAX - 1);
        if (file.has_parts()) {
            (void)read_all(file, std::max<std::uint64_t>(1, (size - 1) * data[0] / 256));
        }
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
