#pragma once

#include <span>

#include "apps/options.h"

namespace hpml {

/// A call that names neither a configuration nor a model means BERT-base by its documented recipe,
/// jobs/pretrain_bert_base.cfg; who names a model has a recipe of his own. Before `parse`.
/// @param arguments  those of main
void use_default_recipe(OptionTable& table, std::span<char* const> arguments);

}  // namespace hpml
