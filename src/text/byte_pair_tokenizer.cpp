#include "text/byte_pair_tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "text/utf8.h"

namespace hpml::text {

BytePairTokenizer::BytePairTokenizer(BytePairParts parts, const std::string& name)
    : parts_(std::move(parts)), encoder_(parts_, name) {
    special_ = SpecialTokens::find_in([this](std::string_view token) {
        const auto found = std::find(parts_.tokens.begin(), parts_.tokens.end(), token);
        return found == parts_.tokens.end()
                   ? -1
                   : static_cast<std::int32_t>(found - parts_.tokens.begin());
    });
    hash_ = hash_text(vocabulary_text() + merges_text() +
                      (parts_.adds_prefix_space ? "add_prefix_space" : ""));
}

std::string BytePairTokenizer::decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const std::int32_t id : ids) {
        const auto bytes = special_.contains(id) ? std::nullopt : alphabet_.bytes(token(id));
        text += bytes ? *bytes : token(id);
    }
    return repaired_utf8(text);
}

std::string BytePairTokenizer::vocabulary_text() const {
    std::string text("{");
    for (std::size_t id = 0; id < parts_.tokens.size(); ++id) {
        text += (id == 0 ? "" : ", ") + Json(parts_.tokens[id]).dump() + ": " + std::to_string(id);
    }
    return text + "}";
}

std::string BytePairTokenizer::merges_text() const {
    std::string text("#version: 0.2\n");
    for (const auto& [left, right] : parts_.merges) {
        text.append(left).append(" ").append(right).append("\n");
    }
    return text;
}

std::vector<TokenizerFile> BytePairTokenizer::files() const {
    const bool is_roberta = special_.missing().empty();
    const Json config{{"tokenizer_class", is_roberta ? "RobertaTokenizer" : "GPT2Tokenizer"},
                      {"add_prefix_space", parts_.adds_prefix_space}};
    return {{"vocab.json", vocabulary_text()},
            {"merges.txt", merges_text()},
            {"tokenizer_config.json", config.dump(2) + "\n"}};
}

}  // namespace hpml::text
