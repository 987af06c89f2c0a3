// encode_lines VOCABULARY lower|keep FILE...: the ids of every line of the files, one line of text
// for each, and on stderr how long the encoding alone took. For comparisons with other tokenizers.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "text/wordpiece.h"

namespace {

void encode_file(const hpml::text::WordPiece& wordpiece, const char* path, double& seconds) {
    const std::string text = hpml::read_text(path);
    std::vector<std::int32_t> ids;
    std::string line_of_ids;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        ids.clear();
        const hpml::Stopwatch watch;
        wordpiece.encode(std::string_view(text).substr(at, end - at), ids);
        seconds += watch.elapsed().value;
        line_of_ids.clear();
        for (const std::int32_t id : ids) {
            line_of_ids += std::to_string(id) + " ";
        }
        std::puts(line_of_ids.c_str());
        at = end + 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: encode_lines VOCABULARY lower|keep FILE...\n", stderr);
        return 64;
    }
    try {
        const hpml::text::Vocabulary vocabulary(argv[1]);
        const hpml::text::WordPiece wordpiece(vocabulary, std::strcmp(argv[2], "lower") == 0
                                                              ? hpml::text::LetterCase::Lower
                                                              : hpml::text::LetterCase::Keep);
        double seconds = 0;
        for (int i = 3; i < argc; ++i) {
            encode_file(wordpiece, argv[i], seconds);
        }
        std::fprintf(stderr, "%.3f s\n", seconds);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "error: %s\n", failure.what());
        return 65;
    }
}
