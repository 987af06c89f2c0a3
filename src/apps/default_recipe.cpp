#include "apps/default_recipe.h"

#include <algorithm>
#include <string_view>

#include "apps/places.h"

namespace hpml {

void use_default_recipe(OptionTable& table, std::span<char* const> arguments) {
    const auto names_model = [](std::string_view argument) {
        return argument.starts_with("--model");
    };
    if (std::ranges::none_of(arguments, names_model)) {
        table.default_config(default_config_file("pretrain_bert_base.cfg"));
    }
}

}  // namespace hpml
