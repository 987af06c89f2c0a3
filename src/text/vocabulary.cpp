#include "text/vocabulary.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "text/utf8.h"

namespace hpml::text {

namespace {

[[noreturn]] void refuse(const std::string& name, std::size_t line, const std::string& what) {
    throw InputError(name + ", line " + std::to_string(line) + ": " + what);
}

void check_line(const std::string& name, std::size_t line, std::string_view token) {
    if (line == 1 && token.starts_with("\xEF\xBB\xBF")) {
        refuse(name, line,
               "begins with a byte order mark (it would become part of the first token); save the "
               "file as UTF-8 without one");
    }
    if (token.ends_with('\r')) {
        refuse(name, line,
               "ends in CR LF (the CR would become part of every token); convert the file with "
               "dos2unix");
    }
    if (token.empty()) {
        refuse(name, line,
               "is empty (a line's number is its token's id, so no line can be skipped); give the "
               "vocabulary file that belongs to the model");
    }
    if (!is_utf8(token)) {
        refuse(name, line, "is not UTF-8; give the vocabulary file that belongs to the model");
    }
}

}  // namespace

Vocabulary::Vocabulary(const std::filesystem::path& path)
    : Vocabulary(read_text(path), path.string()) {}

Vocabulary::Vocabulary(std::string text, const std::string& name)
    : text_(std::move(text)), hash_(hash_text(text_)) {
    for (std::size_t at = 0; at < text_.size();) {
        const std::size_t end = std::min(text_.find('\n', at), text_.size());
        const std::string_view token = std::string_view(text_).substr(at, end - at);
        check_line(name, tokens_.size() + 1, token);
        if (tokens_.size() == std::numeric_limits<std::int32_t>::max()) {
            refuse(name, tokens_.size() + 1, "is one more token than an id can name (2^31 - 1)");
        }
        tokens_.emplace_back(token);
        at = end + 1;
    }
    ids_.reserve(tokens_.size());
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
        const auto [first, is_new] = ids_.emplace(tokens_[id], static_cast<std::int32_t>(id));
        if (!is_new) {
            refuse(name, id + 1,
                   "'" + tokens_[id] + "' stands in line " + std::to_string(first->second + 1) +
                       " already (a token needs one id); remove one of them");
        }
    }
    const auto need = [&](const char* token) {
        const std::int32_t id = find(token);
        if (id < 0) {
            refuse(name, tokens_.size(),
                   std::string("the file ends without the token ") + token +
                       " (every BERT vocabulary has it); give a WordPiece vocab.txt");
        }
        return id;
    };
    special_ = {need("[PAD]"), need("[UNK]"), need("[CLS]"), need("[SEP]"), need("[MASK]")};
}

std::int32_t Vocabulary::find(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? -1 : found->second;
}

}  // namespace hpml::text
