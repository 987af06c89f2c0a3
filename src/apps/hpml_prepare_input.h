#pragma once

#include <filesystem>
#include <vector>

#include "apps/options.h"
#include "text/documents.h"

namespace hpml {

/// The options that say what is read and how documents stand in it: of hpml_prepare and of its
/// train-vocab.
void declare_input(OptionGroup& group, std::vector<std::filesystem::path>& inputs,
                   text::DocumentOptions& documents);

}  // namespace hpml
