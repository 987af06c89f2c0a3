#include "train/job_time.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/clock.h"
#include "base/environment.h"
#include "base/shell.h"

namespace hpml::train {

namespace {

constexpr Seconds kBatchMargin{60};

std::string ask_squeue(const std::string& job) {
    // Digits only: the id goes into a shell's command line.
    if (job.empty() || job.find_first_not_of("0123456789_") != std::string::npos) {
        return "";
    }
    const std::string answer =
        shell_output("timeout -k 1 5 squeue -h -j " + job + " -o %L 2>/dev/null");
    return answer.substr(0, answer.find('\n'));
}

/// Digits only, so that neither signs nor blanks pass.
std::optional<double> whole_number(std::string_view text) {
    if (text.empty() || text.size() > 12 ||
        text.find_first_not_of("0123456789") != std::string_view::npos) {
        return std::nullopt;
    }
    return std::strtod(std::string(text).c_str(), nullptr);
}

/// Cut `text` at its last `separator`: what stands behind it, or all.
std::string_view take_last(std::string_view& text, char separator) {
    const auto at = text.rfind(separator);
    const std::string_view last = at == std::string_view::npos ? text : text.substr(at + 1);
    text = at == std::string_view::npos ? std::string_view() : text.substr(0, at);
    return last;
}

std::optional<Seconds> batch_time_left(const TimeSources& sources, std::string& source) {
    if (const std::string end = sources.variable("SLURM_JOB_END_TIME"); !end.empty()) {
        source = "SLURM_JOB_END_TIME";
        const auto at = whole_number(end);
        const Seconds left = Seconds(at.value_or(0)) - sources.since_epoch();
        return left > Seconds(0) ? std::optional(left) : std::nullopt;
    }
    const std::string job = sources.variable("SLURM_JOB_ID");
    if (job.empty() || !sources.squeue_time_left) {
        return std::nullopt;
    }
    source = "squeue";
    return parse_time_left(sources.squeue_time_left(job));
}

}  // namespace

TimeSources process_time_sources(AskSqueue ask) {
    TimeSources sources{
        .monotonic = [] { return now(); },
        .since_epoch = [] { return Seconds(static_cast<double>(std::time(nullptr))); },
        .variable = environment_variable,
        .squeue_time_left = {}};
    if (ask == AskSqueue::Yes) {
        sources.squeue_time_left = ask_squeue;
    }
    return sources;
}

std::optional<Seconds> parse_time_left(std::string_view text) {
    std::string_view rest = text;
    double seconds = 0;
    double unit = 1;
    const auto dash = text.find('-');
    if (dash != std::string_view::npos) {
        const auto days = whole_number(text.substr(0, dash));
        if (!days) {
            return std::nullopt;
        }
        seconds = *days * 86400;
        rest = text.substr(dash + 1);
    }
    const auto fields = std::count(rest.begin(), rest.end(), ':') + 1;
    if (fields > 3 || fields < (dash == std::string_view::npos ? 2 : 3)) {
        return std::nullopt;
    }
    for (auto field = fields; field > 0; --field) {
        const auto number = whole_number(take_last(rest, ':'));
        if (!number) {
            return std::nullopt;
        }
        seconds += *number * unit;
        unit *= 60;
    }
    return Seconds(seconds);
}

std::optional<JobEnd> find_job_end(double max_hours, const TimeSources& sources) {
    std::vector<JobEnd> ends;
    const Seconds start = sources.monotonic();
    if (max_hours > 0) {
        const Seconds limit(max_hours * 3600);
        const Seconds margin = std::min(kBatchMargin, Seconds(0.05 * limit.value));
        ends.push_back({start + limit, margin, "--max-hours", limit});
    }
    std::string source;
    if (const auto left = batch_time_left(sources, source)) {
        // After squeue's answer, which may have taken a while.
        ends.push_back({sources.monotonic() + *left, kBatchMargin, source, *left});
    }
    const auto first = std::min_element(
        ends.begin(), ends.end(),
        [](const JobEnd& a, const JobEnd& b) { return a.end - a.margin < b.end - b.margin; });
    return first == ends.end() ? std::nullopt : std::optional(*first);
}

}  // namespace hpml::train
