#include "tasks/resume_settings.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "base/error.h"
#include "base/version.h"
#include "comm/reproducible.h"
#include "tasks/resume_classes.h"

namespace hpml::tasks {

namespace {

bool is_compared(const Setting& setting) {
    return setting.on_resume == OnResume::Fixed || setting.on_resume == OnResume::Override;
}

/// Null: not there.
Json member_or_null(const Json& json, const std::string& key) {
    const auto found = json.find(key);
    return found == json.end() ? Json() : *found;
}

std::string to_text(const Json& value) {
    if (value.is_null()) {
        return "-";
    }
    return value.is_string() ? value.get<std::string>() : value.dump();
}

struct Change {
    const Setting* setting;
    Json before;
    Json now;
};

std::vector<Change> changes_of(const Json& saved, const Json& now, bool compared) {
    std::vector<Change> changes;
    for (const Setting& setting : all_settings()) {
        if (is_compared(setting) != compared) {
            continue;
        }
        Json before = member_or_null(saved, setting.key);
        // Older checkpoints do not have all keys; some stand there only where they mean something.
        if (before.is_null() && setting.absent == Absent::NotRecorded) {
            continue;
        }
        Json value = member_or_null(now, setting.key);
        if (before != value) {
            changes.push_back({&setting, std::move(before), std::move(value)});
        }
    }
    return changes;
}

bool is_allowed(const Setting& setting, const PretrainOptions& options) {
    if (setting.on_resume != OnResume::Override) {
        return false;
    }
    if (std::string_view(setting.option) == kDataOption) {
        return options.allow_dataset_change;
    }
    return std::find(options.overrides.begin(), options.overrides.end(), setting.option) !=
           options.overrides.end();
}

std::string permission(const Setting& setting) {
    return std::string_view(setting.option) == kDataOption
               ? "--allow-dataset-change"
               : std::string("--override ") + setting.option;
}

std::string row(const Change& change) {
    const Setting& setting = *change.setting;
    const bool may_change = setting.on_resume == OnResume::Override;
    return fmt::format("\n  {:<18} {:<34} {}\n      {}{}", setting.key, to_text(change.before),
                       to_text(change.now), setting.why,
                       may_change ? "; " + permission(setting) + " goes on all the same"
                                  : "; it cannot change within a run");
}

std::string hint(const std::vector<Change>& refused) {
    std::set<std::string> permissions;
    for (const Change& change : refused) {
        if (change.setting->on_resume == OnResume::Fixed) {
            return "\nhint: repeat the old settings, choose another --run folder, or begin a run "
                   "with the checkpoint's weights by --init-from";
        }
        permissions.insert(permission(*change.setting));
    }
    return fmt::format(
        "\nhint: repeat the old settings, or go on from here with {} (which the run's checkpoints "
        "then tell), or choose another --run folder",
        fmt::join(permissions, " "));
}

/// A key of a later version: nobody here knows what it means.
void refuse_unknown_keys(const Json& saved, const std::string& where) {
    const std::span settings = all_settings();
    for (const auto& [key, value] : saved.items()) {
        const auto known = std::find_if(settings.begin(), settings.end(),
                                        [&](const Setting& setting) { return key == setting.key; });
        if (known == settings.end()) {
            throw MismatchError(where + " has the setting " + key +
                                ", which this version does not know (it may decide what the "
                                "weights become); go on with the version that wrote it");
        }
    }
}

/// "learning_rate 0.1 -> 0.2, clip_norm 1.0 -> 0.5"
std::string list_of(const std::vector<Change>& changes) {
    std::string text;
    for (const Change& change : changes) {
        text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", change.setting->key,
                            to_text(change.before), to_text(change.now));
    }
    return text;
}

}  // namespace

OnResume on_resume(std::string_view option) {
    for (const Setting& setting : all_settings()) {
        if (setting.option == option) {
            return setting.on_resume;
        }
    }
    for (const UnrecordedOption& other : unrecorded_options()) {
        if (other.option == option) {
            return other.on_resume;
        }
    }
    throw InternalError("--" + std::string(option) + " has no class in tasks/resume_classes.cpp");
}

std::vector<std::string> overridable_options() {
    std::vector<std::string> names;
    for (const Setting& setting : all_settings()) {
        if (setting.on_resume == OnResume::Override &&
            std::string_view(setting.option) != kDataOption) {
            names.emplace_back(setting.option);
        }
    }
    return names;
}

RecordedSettings recorded_settings(const PretrainOptions& options,
                                   const corpus::Manifest& manifest) {
    const SettingSource source{options, manifest, model_of(options, manifest)};
    RecordedSettings recorded{Json::object(), Json::object()};
    for (const Setting& setting : all_settings()) {
        Json value = setting.value(source);
        if (!value.is_null()) {
            (is_compared(setting) ? recorded.settings : recorded.changeable)[setting.key] =
                std::move(value);
        }
    }
    return recorded;
}

Json compare_settings(const Json& state, const PretrainOptions& options,
                      const corpus::Manifest& manifest, const std::string& where, const Log& log) {
    const auto step = json_member<std::int64_t>(state, "step", where);
    const Json saved = json_member<Json>(state, "settings", where);
    refuse_unknown_keys(saved, where);
    const RecordedSettings now = recorded_settings(options, manifest);
    std::vector<Change> refused;
    std::vector<Change> overridden;
    for (Change& change : changes_of(saved, now.settings, true)) {
        (is_allowed(*change.setting, options) ? overridden : refused).push_back(std::move(change));
    }
    if (!refused.empty()) {
        std::string table = fmt::format("  {:<18} {:<34} {}", "key", "checkpoint", "this run");
        for (const Change& change : refused) {
            table += row(change);
        }
        throw MismatchError(where +
                            " was made with other settings (going on would not be the same run)\n" +
                            table + hint(refused));
    }
    Json history = state.value("overrides", Json::array());
    for (const Change& change : overridden) {
        history.push_back({{"step", step},
                           {"option", change.setting->option},
                           {"key", change.setting->key},
                           {"from", change.before},
                           {"to", change.now}});
    }
    if (!overridden.empty()) {
        log.warn(
            "from step {} on this is another run than it was, as asked for: {}; its "
            "checkpoints tell of it",
            step, list_of(overridden));
    }
    const auto said = changes_of(state.value("changeable", Json::object()), now.changeable, false);
    if (!said.empty()) {
        log.info("from step {} on: {}", step, list_of(said));
    }
    return history;
}

Json platform_record(bool on_gpu) {
    return {{"device", on_gpu ? "cuda" : "cpu"},
            {"threads", at::get_num_threads()},
            {"libtorch", TORCH_VERSION},
            {"version", build_info().version}};
}

void note_other_platform(const PretrainOptions& options, const PretrainContext& context) {
    mpi::on_root(context.ranks, [&] {
        const Json state = read_json(context.resume_from / "state.json");
        std::string text;
        const auto compare = [&](const Json& before, const Json& now) {
            for (const auto& [key, value] : now.items()) {
                const Json was = member_or_null(before, key);
                if (!was.is_null() && was != value) {
                    text += fmt::format("{}{} {}, was {}", text.empty() ? "" : "; ", key,
                                        to_text(value), to_text(was));
                }
            }
        };
        compare(state, {{"precision", options.precision}, {"micro_batch", options.micro_batch}});
        compare(state.value("platform", Json::object()),
                platform_record(context.accelerator.cuda != nullptr));
        if (!text.empty()) {
            context.log.info(
                "this start computes otherwise than the checkpoint's ({}): the bits will not be "
                "those of a run that was not interrupted",
                text);
        }
    });
}

}  // namespace hpml::tasks
