// encode_records TOKENIZER auto|lower|keep FILE: the ids of every record of the file, to standard
// output, and on stderr how long the encoding alone took. A record is a length and so many bytes;
// an answer a count and so many ids; all numbers 32 bits, little endian. For comparisons with other
// tokenizers: tests/golden/compare_tokenizers.py.
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "text/tokenizer.h"

namespace {

hpml::text::CaseChoice choice_of(const char* word) {
    using hpml::text::CaseChoice;
    return std::strcmp(word, "lower") == 0  ? CaseChoice::Lower
           : std::strcmp(word, "keep") == 0 ? CaseChoice::Keep
                                            : CaseChoice::Auto;
}

void put(std::span<const std::int32_t> numbers) {
    if (std::fwrite(numbers.data(), sizeof(std::int32_t), numbers.size(), stdout) !=
        numbers.size()) {
        throw hpml::IoError("standard output cannot be written to; see what reads it");
    }
}

/// @return seconds of encoding
double encode_all(const hpml::text::Tokenizer& tokenizer, std::string_view records) {
    double seconds = 0;
    std::vector<std::int32_t> ids;
    while (!records.empty()) {
        std::uint32_t length = 0;
        hpml::expects(records.size() >= sizeof(length), "a whole length");
        std::memcpy(&length, records.data(), sizeof(length));
        records.remove_prefix(sizeof(length));
        hpml::expects(records.size() >= length, "a whole record");
        ids.assign(1, 0);
        const hpml::Stopwatch watch;
        tokenizer.encode(records.substr(0, length), ids);
        seconds += watch.elapsed().value;
        ids[0] = static_cast<std::int32_t>(ids.size() - 1);
        put(ids);
        records.remove_prefix(length);
    }
    return seconds;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: encode_records TOKENIZER auto|lower|keep FILE\n", stderr);
        return 64;
    }
    try {
        const auto tokenizer = hpml::text::load_tokenizer(argv[1], choice_of(argv[2]));
        const double seconds = encode_all(*tokenizer, hpml::read_text(argv[3], hpml::mib(1024)));
        std::fprintf(stderr, "%.3f s\n", seconds);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "error: %s\n", failure.what());
        return 65;
    }
}
