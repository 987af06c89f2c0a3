#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "text/special_tokens.h"

namespace hpml::text {

/// A WordPiece vocabulary: one token per line, the line's number (from 0) is its id.
class Vocabulary {
  public:
    /// @throw MissingInputError; InputError naming the line for a duplicate token, an empty line,
    /// CR LF, a byte order mark, bytes that are not UTF-8, more than 2^31 - 1 tokens, or a missing
    /// [PAD], [UNK], [CLS], [SEP] or [MASK]
    explicit Vocabulary(const std::filesystem::path& path);
    /// The same from the file's text. @param name  what to call it in messages
    Vocabulary(std::string text, const std::string& name);
    ~Vocabulary() = default;
    Vocabulary(Vocabulary&&) = default;
    Vocabulary& operator=(Vocabulary&&) = default;
    Vocabulary(const Vocabulary&) = delete;  // the map's keys point into this object's tokens
    Vocabulary& operator=(const Vocabulary&) = delete;

    [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }
    [[nodiscard]] const SpecialTokens& special() const { return special_; }
    /// The id of a token, -1 if there is none.
    [[nodiscard]] std::int32_t find(std::string_view token) const;
    [[nodiscard]] const std::string& token(std::int32_t id) const {
        return tokens_.at(static_cast<std::size_t>(id));
    }
    /// XXH3-128 of the file.
    [[nodiscard]] Digest hash() const { return hash_; }
    /// The file's bytes, for the copies in data folders and checkpoints.
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
    Digest hash_;
    std::vector<std::string> tokens_;
    std::unordered_map<std::string_view, std::int32_t> ids_;
    SpecialTokens special_;
};

}  // namespace hpml::text
