#include "report/status_text.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "base/megabytes.h"
#include "base/size_text.h"
#include "manifest/verify.h"
#include "report/checkpoint_entry.h"
#include "report/console.h"
#include "report/metrics.h"
#include "report/rank_pace.h"
#include "report/results.h"
#include "report/status.h"

namespace hpml {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostCheckpoints = 8;

std::string line(const std::string& name, const std::string& value) {
    return fmt::format("{:<16}{}\n", name, value);
}

/// What a run that is killed for its memory cannot tell any more.
std::string memory_text(const RunStatus& status) {
    return status.memory && status.memory_left
               ? fmt::format("; at {} rank 0 held {:.0f} MB, and {:.0f} MB were left there",
                             status.updated, megabytes(*status.memory),
                             megabytes(*status.memory_left))
               : "";
}

std::string process_lines(const RunStatus& status, RunState verdict) {
    std::string text;
    std::string who = fmt::format("{} (pid {}, {} rank{}, start {})", process_text(status.process),
                                  status.process.pid, status.ranks, status.ranks == 1 ? "" : "s",
                                  status.generation);
    if (status.state != verdict) {
        who += fmt::format(
            ": its process is dead, and left no word (killed; if memory ran out, the kernel's log "
            "says so{})",
            memory_text(status));
    }
    text += line("job", who);
    if (verdict != RunState::Running && status.state == verdict) {
        text += line("exit code", std::to_string(status.exit_code));
    }
    text += status.message.empty() ? "" : line("message", status.message);
    return text;
}

std::string progress_lines(const RunStatus& status) {
    const double share = status.steps > 0 ? 100.0 * static_cast<double>(status.step) /
                                                static_cast<double>(status.steps)
                                          : 0;
    std::string text = line(
        "step", status.steps > 0 ? fmt::format("{}/{} {:.1f}%", status.step, status.steps, share)
                                 : fmt::format("{}", status.step));
    if (status.loss) {
        text += line("loss", fmt::format("{:.4f}", *status.loss));
    }
    if (status.learning_rate) {
        text += line("learning rate", fmt::format("{:.3g}", *status.learning_rate));
    }
    if (status.tokens_per_second) {
        text += line("tokens/s", count_text(*status.tokens_per_second));
    }
    text += line("elapsed", clock_text(Seconds(status.seconds)));
    text += line("started", status.started);
    return text + line("updated", status.updated);
}

std::string validation_line(const fs::path& run, const RunStatus& status) {
    const auto last = last_metric(run / "metrics.jsonl", "validation");
    if (last && last->contains("validation_loss") && (*last)["validation_loss"].is_number()) {
        return line("validation",
                    fmt::format("loss {:.4f} at step {}", (*last)["validation_loss"].get<double>(),
                                (*last)["step"].get<std::int64_t>()));
    }
    return status.validation_loss
               ? line("validation", fmt::format("loss {:.4f}", *status.validation_loss))
               : "";
}

/// "rank 3 on node07 0.231 s".
std::string rank_text(Rank rank, const std::string& host, Seconds step) {
    return fmt::format("rank {}{} {:.4g} s", rank.value, host.empty() ? "" : " on " + host,
                       step.value);
}

/// The spread of the ranks' own times: all of them wait for the slowest.
std::string pace_lines(const fs::path& run) {
    const auto pace = pace_of_start(run / "metrics.jsonl");
    if (!pace) {
        return "";
    }
    return line("slowest rank",
                rank_text(pace->slowest, pace->host, pace->slowest_step) +
                    fmt::format(" a step of its own work; the slowest in {} of {} "
                                "reports up to step {}",
                                pace->times_slowest, pace->reports, pace->step.value)) +
           line("fastest rank", rank_text(pace->fastest, "", pace->fastest_step) +
                                    fmt::format("; half of the ranks need at most {:.4g} s",
                                                pace->typical_step.value));
}

std::string checkpoint_table(const fs::path& run) {
    const auto folders = checkpoint::step_folders(run);
    if (folders.empty()) {
        return line("checkpoints", "none yet");
    }
    const std::size_t first =
        folders.size() > kMostCheckpoints ? folders.size() - kMostCheckpoints : 0;
    std::vector<std::vector<std::string>> rows = {{"checkpoint", "size", "state"}};
    for (std::size_t index = first; index < folders.size(); ++index) {
        if (const auto entry = checkpoint_entry(folders[index].folder)) {
            rows.push_back(
                {entry->name,
                 entry->manifest ? size_text(checkpoint::total_size(*entry->manifest)) : "-",
                 entry->state});
        }
    }
    std::string text = "\n" + aligned_table(rows);
    return first > 0 ? text + fmt::format("and {} older\n", first) : text;
}

}  // namespace

std::string status_text(const fs::path& run) {
    std::string text = line("run", run.string());
    const auto status = read_status(run);
    if (!status) {
        return text + line("state", "none") +
               "No run has started here (there is no status.json).\n";
    }
    const RunState verdict = run_verdict(run);
    text += line("state", state_word(verdict));
    text += line("program", status->program);
    text += process_lines(*status, verdict);
    text += progress_lines(*status);
    text += validation_line(run, *status);
    text += pace_lines(run);
    return text + checkpoint_table(run);
}

}  // namespace hpml
