#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "manifest/manifest.h"
#include "manifest/verify.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(folder, failure)) {
        names.push_back(entry.path().filename().string());
    }
    if (failure && failure != std::errc::no_such_file_or_directory) {
        throw IoError("cannot list " + folder.string() + ": " + failure.message());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Names that only this program gives: `.tmp-G-S` and `.old-G-S`, numbers G and S.
bool is_leftover(const std::string& name) {
    const bool prefixed = name.starts_with(".tmp-") || name.starts_with(".old-");
    const std::string rest = prefixed ? name.substr(5) : "";
    const auto dash = rest.find('-');
    const auto is_number = [](const std::string& text) {
        return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    return dash != std::string::npos && is_number(rest.substr(0, dash)) &&
           is_number(rest.substr(dash + 1));
}

/// A save that was killed between its two renames has left the earlier checkpoint of the step in
/// `.old-G-S`, and nothing under its name.
void put_back(const fs::path& set_aside, const fs::path& all, const Log& log) {
    for (const std::string& name : names_in(set_aside)) {
        std::error_code failure;
        if (step_of(name) && !fs::exists(all / name)) {
            fs::rename(set_aside / name, all / name, failure);
            log.info("put {} back (its replacement was interrupted)", (all / name).string());
        }
    }
}

void remove_leftovers(const fs::path& all, const Log& log) {
    for (const std::string& name : names_in(all)) {
        if (is_leftover(name)) {
            if (name.starts_with(".old-")) {
                put_back(all / name, all, log);
            }
            std::error_code failure;
            fs::remove_all(all / name, failure);
            log.info("removed {} (left by an interrupted save)", (all / name).string());
        }
    }
}

/// Rename so that the next start does not read it again; if that fails it is read again, no more.
void set_aside(const fs::path& folder, const Log& log) {
    fs::path target = folder.string() + ".corrupt";
    for (int i = 2; fs::exists(target); ++i) {
        target = folder.string() + ".corrupt" + std::to_string(i);
    }
    std::error_code failure;
    fs::rename(folder, target, failure);
    if (failure) {
        log.warn("cannot rename {} to {}: {}", folder.string(), target.string(), failure.message());
    }
}

void warn_of_strangers(const fs::path& folder, const Log& log) {
    std::set<std::string> known = {kManifestName};
    for (const ManifestFile& file : read_manifest(folder).files) {
        known.insert(file.name);
    }
    for (const std::string& name : names_in(folder)) {
        if (known.count(name) == 0) {
            log.warn("{} holds {}, which its manifest does not list; it is not read",
                     folder.string(), name);
        }
    }
}

bool any_set_aside(const fs::path& all) {
    const std::vector<std::string> names = names_in(all);
    return std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.starts_with("step-") && (name.find(".corrupt") != std::string::npos ||
                                             name.find(".crashed") != std::string::npos);
    });
}

/// A damaged one is none: its bytes are of no use.
bool is_milestone(const fs::path& folder) {
    try {
        return !read_manifest(folder).milestone.empty();
    } catch (const Error&) {
        return false;
    }
}

bool is_valid(const Checkpoint& checkpoint) {
    try {
        (void)verify_checkpoint(checkpoint.folder);
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// Whether a failure to verify a checkpoint says something of it; memory or a connection between
/// the ranks may fail over a good one. Input is damage, and its folder gets another name. A disk
/// may recover, and what cannot be opened now, by this user, on this host, may be whole: these keep
/// it.
bool is_of_the_checkpoint(ExitCode code) {
    return code == ExitCode::Input || code == ExitCode::MissingInput || code == ExitCode::Io;
}

}  // namespace

Checkpoint verify_share(const fs::path& folder, const Manifest& manifest, Share share) {
    const bool has_model =
        std::any_of(manifest.files.begin(), manifest.files.end(),
                    [](const ManifestFile& file) { return file.name == "model.safetensors"; });
    if (!has_model) {
        throw InputError((folder / kManifestName).string() + " lists no model.safetensors");
    }
    verify_files(folder, manifest, share);
    return {manifest.step, folder, total_size(manifest), manifest.milestone};
}

Checkpoint verify_checkpoint(const fs::path& folder) {
    return verify_share(folder, read_manifest(folder), Share{});
}

std::optional<Checkpoint> newest_checkpoint(const fs::path& run, const Log& log,
                                            IfNoneIsValid if_none, const Verify& verify) {
    const fs::path all = checkpoints_of(run);
    remove_leftovers(all, log);
    const std::vector<StepFolder> steps = step_folders(run);
    for (auto candidate = steps.rbegin(); candidate != steps.rend(); ++candidate) {
        try {
            Checkpoint valid = verify(candidate->folder);
            warn_of_strangers(valid.folder, log);
            return valid;
        } catch (...) {
            const Described failure = describe_current_exception();
            if (!is_of_the_checkpoint(failure.code)) {
                throw;
            }
            log.warn("{}; trying the checkpoint before it", failure.message);
            if (failure.code == ExitCode::Input) {
                set_aside(candidate->folder, log);
            }
        }
    }
    if (steps.empty() && !any_set_aside(all)) {
        return std::nullopt;
    }
    if (if_none == IfNoneIsValid::Refuse) {
        throw InputError("no checkpoint in " + all.string() +
                         " is valid (training must not silently start anew); restore one from a "
                         "backup, or start from the beginning with --restart-from-scratch");
    }
    // Those that could not be read keep their bytes, but a later start must not go on from them.
    for (const StepFolder& unreadable : step_folders(run)) {
        set_aside(unreadable.folder, log);
    }
    log.warn("no checkpoint in {} is valid; starting from the beginning (--restart-from-scratch)",
             all.string());
    return std::nullopt;
}

std::vector<Checkpoint> list_checkpoints(const fs::path& run) {
    std::vector<Checkpoint> found;
    for (const StepFolder& item : step_folders(run)) {
        found.push_back({item.step, item.folder});
    }
    return found;
}

void retain(const fs::path& run, std::int64_t keep, std::optional<Step> known_valid) {
    expects(keep > 0, "at least one checkpoint to keep");
    const fs::path all = checkpoints_of(run);
    std::vector<Checkpoint> steps = list_checkpoints(run);
    if (static_cast<std::int64_t>(steps.size()) <= keep) {
        return;
    }
    const auto is_good = [&](const Checkpoint& item) {
        return item.step == known_valid || is_valid(item);
    };
    const auto surplus = steps.end() - keep;
    const bool any_valid = std::any_of(std::make_reverse_iterator(steps.end()),
                                       std::make_reverse_iterator(surplus), is_good);
    bool needs_one = !any_valid;  // then the newest valid one of the rest stays too
    for (auto item = surplus; item != steps.begin();) {
        --item;
        if (is_milestone(item->folder)) {
            continue;
        }
        if (needs_one && is_valid(*item)) {
            needs_one = false;
            continue;
        }
        const fs::path target = all / fmt::format(".old-0-{}", item->step.value);
        std::error_code failure;
        fs::remove_all(target, failure);
        fs::rename(item->folder, target, failure);
        if (failure) {
            throw IoError("cannot rename " + item->folder.string() + " to " + target.string() +
                          ": " + failure.message());
        }
        fs::remove_all(target, failure);
    }
}

}  // namespace hpml::checkpoint
