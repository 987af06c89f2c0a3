#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "corpus/manifest.h"
#include "tasks/pretrain.h"

namespace hpml::tasks {

/// What a resume does about an option of hpml_pretrain whose value is not the checkpoint's.
enum class OnResume {
    Fixed,     ///< refuses: the state, or the place in the data, would not fit
    Override,  ///< refuses, unless the option is named; what was changed stays on record
    Said,      ///< goes on and says it in one line
    Free,      ///< goes on: the weights do not depend on it, or it is another start's matter
};

/// @param option  a name without dashes. Every option has one class.
/// @throw InternalError for an option that has none
[[nodiscard]] OnResume on_resume(std::string_view option);
/// What --override takes; the data have --allow-dataset-change.
[[nodiscard]] std::vector<std::string> overridable_options();

/// The values that a resume compares, for state.json.
struct RecordedSettings {
    Json settings;    ///< of the options that are Fixed or Override
    Json changeable;  ///< of those whose change is said
};
[[nodiscard]] RecordedSettings recorded_settings(const PretrainOptions& options,
                                                 const corpus::Manifest& manifest);

/// Compare with a checkpoint's state.json and tell what may change. Local.
/// @param where  what to call the checkpoint in messages
/// @return all that was ever overridden in this run's history, now included: a list of `step`,
/// `option`, `key`, `from` and `to`
/// @throw MismatchError with a table of the keys that may not change, why, and what would help
[[nodiscard]] Json compare_settings(const Json& state, const PretrainOptions& options,
                                    const corpus::Manifest& manifest, const std::string& where,
                                    const Log& log);

/// What the bits depend on beside settings, precision and batch, for state.json. Local.
[[nodiscard]] Json platform_record(bool on_gpu);
/// Say on rank 0 where this start is not what the checkpoint was made with. Collective.
void note_other_platform(const PretrainOptions& options, const PretrainContext& context);

}  // namespace hpml::tasks
