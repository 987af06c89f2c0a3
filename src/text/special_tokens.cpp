#include "text/special_tokens.h"

namespace hpml::text {

namespace {

struct Role {
    std::int32_t SpecialTokens::*id;
    const char* roberta;
    const char* bert;
};
constexpr Role kRoles[] = {{&SpecialTokens::pad, "<pad>", "[PAD]"},
                           {&SpecialTokens::unknown, "<unk>", "[UNK]"},
                           {&SpecialTokens::cls, "<s>", "[CLS]"},
                           {&SpecialTokens::sep, "</s>", "[SEP]"},
                           {&SpecialTokens::mask, "<mask>", "[MASK]"}};

}  // namespace

SpecialTokens SpecialTokens::find_in(const std::function<std::int32_t(std::string_view)>& find) {
    SpecialTokens special;
    for (const Role& role : kRoles) {
        special.*role.id = find(role.roberta);
        if (special.*role.id < 0) {
            special.*role.id = find(role.bert);
        }
    }
    return special;
}

std::string SpecialTokens::missing() const {
    std::string names;
    for (const Role& role : kRoles) {
        if (this->*role.id < 0) {
            names += (names.empty() ? "" : ", ") + std::string(role.roberta) + " or " + role.bert;
        }
    }
    return names;
}

}  // namespace hpml::text
