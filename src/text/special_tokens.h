#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace hpml::text {

/// Ids of the tokens that no text gives; -1 for one that a vocabulary has not.
struct SpecialTokens {
    std::int32_t pad = 0;
    std::int32_t unknown = 0;
    std::int32_t cls = 0;
    std::int32_t sep = 0;
    std::int32_t mask = 0;

    [[nodiscard]] bool contains(std::int32_t id) const {
        return id == pad || id == unknown || id == cls || id == sep || id == mask;
    }
    /// Look for RoBERTa's <pad> <unk> <s> </s> <mask>, then for BERT's [PAD] [UNK] [CLS] [SEP]
    /// [MASK]. @param find  the id of a token, -1 if there is none
    [[nodiscard]] static SpecialTokens find_in(
        const std::function<std::int32_t(std::string_view)>& find);
    /// Which of them are missing, as BERT and RoBERTa write them; empty if none is.
    [[nodiscard]] std::string missing() const;
};

}  // namespace hpml::text
