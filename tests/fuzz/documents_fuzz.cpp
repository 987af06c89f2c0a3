#include "base/error.h"
#include "fuzz/fuzz_input.h"
#include "text/documents.h"

/// Whatever a file holds, its documents come or an error of ours is thrown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const hpml::test::FuzzFile file({data, size});
    try {
        const hpml::text::DocumentFile opened(file.path(), {});
        const auto reader = opened.open();
        hpml::text::Document document;
        while (reader->next(document)) {
        }
    } catch (const hpml::Error&) {
        return 0;
    }
    return 0;
}
