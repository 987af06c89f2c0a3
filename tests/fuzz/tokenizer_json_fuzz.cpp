#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer_json.h"

/// Whatever a tokenizer.json holds, a tokenizer comes that encodes, or an error of ours is thrown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hpml::text;
    try {
        const auto tokenizer = parse_tokenizer_json({reinterpret_cast<const char*>(data), size},
                                                    "tokenizer.json", CaseChoice::Auto);
        std::vector<std::int32_t> ids;
        tokenizer->encode("The rivers' \u00c9cole 2015, we'll see the\n\n  end", ids);
        for (const std::int32_t id : ids) {
            if (id < 0 || id >= tokenizer->size()) {
                std::abort();
            }
        }
        (void)tokenizer->decode(ids);
        (void)tokenizer->files();
    } catch (const hpml::Error&) {
        return 0;
    }
    return 0;
}
