#include <cstdlib>
#include <string>

#include "text/icu_sentences.h"
#include "text/sentences.h"

/// Whatever a text holds, its sentences end where ICU ends them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const hpml::text::SentenceSplitter splitter;
    static hpml::text::IcuSentences icu;
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<std::uint32_t> ours;
    std::vector<std::uint32_t> theirs;
    splitter.split(text, ours);
    icu.split(text, theirs);
    if (ours != theirs) {
        std::abort();
    }
    return 0;
}
