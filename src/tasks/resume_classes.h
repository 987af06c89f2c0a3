#pragma once

#include <span>

#include "base/json.h"
#include "corpus/manifest.h"
#include "model/config.h"
#include "tasks/pretrain.h"
#include "tasks/resume_settings.h"

namespace hpml::tasks {

/// The option that --allow-dataset-change stands for, in place of --override.
inline constexpr const char* kDataOption = "data";

/// What a setting's value is taken from.
struct SettingSource {
    const PretrainOptions& options;  ///< resolved
    const corpus::Manifest& manifest;
    const model::ModelConfig model;
};

/// What it means that a checkpoint does not have a key.
enum class Absent {
    NotRecorded,  ///< it is of an older version: nothing is compared
    Off,          ///< the feature was off
};

/// A value that checkpoints hold in state.json.
struct Setting {
    const char* key;     ///< there
    const char* option;  ///< that decides it; several keys may have one
    OnResume on_resume;
    const char* why;                      ///< what hangs on it
    Json (*value)(const SettingSource&);  ///< null: left out
    Absent absent = Absent::NotRecorded;
};

/// An option whose value no checkpoint compares.
struct UnrecordedOption {
    const char* option;
    OnResume on_resume;  ///< Said (elsewhere, as a matter of bits) or Free
};

[[nodiscard]] std::span<const Setting> all_settings();
[[nodiscard]] std::span<const UnrecordedOption> unrecorded_options();

}  // namespace hpml::tasks
