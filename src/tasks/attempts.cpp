#include "tasks/attempts.h"

#include <fmt/format.h>

#include <system_error>

#include "base/json.h"
#include "manifest/manifest.h"

namespace hpml::tasks {

namespace fs = std::filesystem;

namespace {

struct Attempts {
    std::int64_t step = -1;
    std::int64_t starts = 0;
    bool went_back = false;  ///< from a later checkpoint, for the same reason
};

fs::path record_of(const fs::path& run) { return run / "attempts.json"; }

Attempts read_attempts(const fs::path& run) {
    Attempts attempts;
    try {
        const Json json = read_json(record_of(run));
        attempts.step = json.value("step", attempts.step);
        attempts.starts = json.value("starts", attempts.starts);
        attempts.went_back = json.value("went_back", attempts.went_back);
    } catch (const Error&) {
        return {};  // there is none, or it is damaged
    } catch (const nlohmann::json::exception&) {
        return {};
    }
    return attempts;
}

void write_attempts(const fs::path& run, const Attempts& attempts) {
    write_json(
        record_of(run),
        {{"step", attempts.step}, {"starts", attempts.starts}, {"went_back", attempts.went_back}});
}

}  // namespace

void count_attempt(const fs::path& run, const fs::path& checkpoint,
                   const mpi::Communicator& ranks) {
    const auto step = checkpoint::step_of(checkpoint.filename().string());
    if (!ranks.is_root() || !step) {
        return;
    }
    Attempts attempts = read_attempts(run);
    if (attempts.step != step->value) {
        attempts = {step->value, 0, false};
    }
    ++attempts.starts;
    try {
        write_attempts(run, attempts);
    } catch (const Error&) {
        // A full disk: the saves will say so.
    }
}

void forget_attempts(const fs::path& run, const mpi::Communicator& ranks) {
    std::error_code ignored;
    if (ranks.is_root()) {
        fs::remove(record_of(run), ignored);
    }
}

bool may_start_from(const fs::path& run, const checkpoint::Checkpoint& newest, const Log& log) {
    const Attempts attempts = read_attempts(run);
    if (attempts.step != newest.step.value || attempts.starts < kMostAttempts) {
        return true;
    }
    const auto steps = checkpoint::list_checkpoints(run);
    const bool has_older = !steps.empty() && steps.front().step < newest.step;
    if (attempts.went_back || !has_older) {
        throw Error(kCrashLoop,
                    fmt::format("{} starts from {} have died without getting further (another one "
                                "would too); look for the cause in {}, and remove {} to try again",
                                attempts.starts, newest.folder.string(), (run / "log.txt").string(),
                                record_of(run).string()));
    }
    const fs::path aside = newest.folder.string() + ".crashed";
    std::error_code failure;
    fs::remove_all(aside, failure);
    fs::rename(newest.folder, aside, failure);
    if (failure) {
        throw IoError("cannot rename " + newest.folder.string() + " to " + aside.string() + ": " +
                      failure.message());
    }
    log.warn(
        "{} starts from {} have died without getting further; it is {} now, and this start "
        "goes on from the checkpoint before it",
        attempts.starts, newest.folder.string(), aside.filename().string());
    for (auto item = steps.rbegin(); item != steps.rend(); ++item) {
        if (item->step < newest.step) {
            write_attempts(run, {item->step.value, 0, true});
            break;
        }
    }
    return false;
}

}  // namespace hpml::tasks
