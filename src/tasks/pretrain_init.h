#pragma once

#include <string>

#include "tasks/pretrain.h"
#include "train/replica.h"

namespace hpml::tasks {

/// Give every rank's replica the weights of `options.init_from` and, if `options.init_moments`, the
/// optimizer state, of a verified checkpoint; of a run, of its newest one; or the weights of a
/// folder in Hugging Face's form. Steps are counted from 0 all the same. Collective.
/// @return the checkpoint's folder
/// @throw InputError, the same on every rank, for a checkpoint that is not valid or of another
/// model, and for a folder of another model or tokenizer
[[nodiscard]] std::string initialize_from(const PretrainOptions& options, train::Replica& replica,
                                          const PretrainContext& context);

}  // namespace hpml::tasks
