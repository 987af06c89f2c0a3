#include "apps/banner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "apps/program.h"
#include "base/json.h"
#include "base/megabytes.h"
#include "base/version.h"
#include "report/process.h"

namespace hpml {

namespace {

constexpr std::size_t kColumns = 120;
constexpr std::size_t kMostBindings = 8;

/// `text` in lines of at most `width` columns, broken at blanks; a longer word stays whole.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
    std::vector<std::string> lines{""};
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find(' ', begin), text.size());
        const std::string word = text.substr(begin, end - begin);
        begin = end + 1;
        if (lines.back().empty()) {
            lines.back() = word;
        } else if (lines.back().size() + 1 + word.size() <= width) {
            lines.back() += " " + word;
        } else {
            lines.push_back(word);
        }
    }
    return lines;
}

std::string aligned(const std::vector<BannerRow>& rows) {
    std::size_t label_width = 0;
    for (const auto& [label, value] : rows) {
        label_width = std::max(label_width, label.size());
    }
    const std::size_t indentation = 2 + label_width + 2;
    std::string text;
    for (const auto& [label, value] : rows) {
        const bool is_command = &label == &rows.back().first;
        const auto lines =
            is_command ? std::vector<std::string>{value} : wrapped(value, kColumns - indentation);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            text += fmt::format("\n  {:<{}}  {}", i == 0 ? label : "", label_width, lines[i]);
        }
    }
    return text;
}

std::string parent_name() {
    std::ifstream file("/proc/" + std::to_string(::getppid()) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

std::string job_text() {
    const std::string job = this_process().job;
    return job.empty() ? "none" : job;
}

std::string quoted_command(const std::vector<std::string>& command) {
    std::vector<std::string> words;
    for (const std::string& word : command) {
        words.push_back(shell_quoted(word));
    }
    return fmt::format("{}", fmt::join(words, " "));
}

struct Node {
    Bytes available;
    std::optional<Bytes> limit;
    std::uint64_t ranks = 0;
};

std::map<std::string, Node> nodes_of(const std::vector<RankPlace>& places) {
    std::map<std::string, Node> nodes;
    for (const RankPlace& place : places) {
        Node& node =
            nodes.try_emplace(place.host, Node{place.available, place.limit}).first->second;
        // The ranks looked at slightly different times.
        node.available = std::min(node.available, place.available);
        ++node.ranks;
    }
    return nodes;
}

std::vector<BannerRow> rows_of(const Banner& banner, const std::vector<RankPlace>& places) {
    std::vector<std::string> libraries = banner.libraries;
    libraries.push_back(mpi_library());
    std::vector<BannerRow> rows{
        {"libraries", fmt::format("{}", fmt::join(libraries, ", "))},
        {"hosts", host_text(places)},
        {"ranks, threads", fmt::format("{}; {}", places.size(), banner.threads)},
        {"bindings", binding_text(places)},
        {"communication", banner.communication},
        {"device", banner.device},
        {"memory", banner.memory_per_rank > Bytes(0)
                       ? memory_need(banner.memory_per_rank, places).text
                       : "not estimated for this device"}};
    rows.insert(rows.end(), banner.about.begin(), banner.about.end());
    rows.insert(rows.end(),
                {{"seed", std::to_string(banner.seed)},
                 {"reproducibility", banner.reproducibility},
                 {"batch job", job_text()},
                 {"time limit", banner.time_limit},
                 {"run directory", std::filesystem::absolute(banner.run).lexically_normal()},
                 {"resume point", banner.resume_point.empty() ? "none, the run begins at step 0"
                                                              : banner.resume_point},
                 {"working folder", std::filesystem::current_path()},
                 {"go on with", launcher_text(static_cast<int>(places.size()), parent_name()) +
                                    quoted_command(banner.command)}});
    return rows;
}

}  // namespace

std::vector<RankPlace> gather_places(const Banner& banner, const mpi::Communicator& ranks) {
    Json mine = {{"host", this_process().host},
                 {"cores", banner.cores},
                 {"available", banner.memory_available.value}};
    if (banner.memory_limit) {
        mine["limit"] = banner.memory_limit->value;
    }
    std::vector<RankPlace> places;
    for (const std::string& text : ranks.all_gather(mine.dump())) {
        const Json place = parse_json(text, "a rank's place");
        places.push_back({place.at("host").get<std::string>(), place.at("cores").get<std::string>(),
                          Bytes(place.at("available").get<std::uint64_t>()), std::nullopt});
        if (place.contains("limit")) {
            places.back().limit = Bytes(place.at("limit").get<std::uint64_t>());
        }
    }
    return places;
}

void print_banner(const Banner& banner, const std::vector<RankPlace>& places, const Log& log) {
    const std::string text = banner_text(banner, places);
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        log.info("{}", std::string_view(text).substr(begin, end - begin));
        begin = end + 1;
    }
    for (const std::string& note : banner.notes) {
        log.info("{}", note);
    }
    if (banner.memory_per_rank > Bytes(0)) {
        const MemoryNeed need = memory_need(banner.memory_per_rank, places);
        if (need.is_too_much) {
            log.warn(
                "the memory may not do: {}; try a smaller --micro-batch or fewer ranks per node",
                need.text);
        }
    }
}

std::string banner_text(const Banner& banner, const std::vector<RankPlace>& places) {
    const BuildInfo build = build_info();
    const std::string first = fmt::format("{} {} ({}, {})", banner.program, build.version,
                                          build.git_revision, build.build_type);
    // Names of files come from outside: they must not forge lines or drive a terminal.
    return printable(first + aligned(rows_of(banner, places)));
}

std::string host_text(const std::vector<RankPlace>& places) {
    std::vector<std::pair<std::string, int>> hosts;
    for (const RankPlace& place : places) {
        const auto found = std::find_if(hosts.begin(), hosts.end(),
                                        [&](const auto& host) { return host.first == place.host; });
        if (found == hosts.end()) {
            hosts.emplace_back(place.host, 1);
        } else {
            ++found->second;
        }
    }
    std::vector<std::string> texts;
    for (const auto& [host, ranks] : hosts) {
        texts.push_back(fmt::format("{} x{}", host, ranks));
    }
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string binding_text(const std::vector<RankPlace>& places) {
    std::vector<std::string> groups;
    for (std::size_t first = 0; first < places.size();) {
        std::size_t next = first + 1;
        while (next < places.size() && places[next].cores == places[first].cores) {
            ++next;
        }
        if (groups.size() == kMostBindings) {
            groups.push_back(fmt::format("and {} more ranks", places.size() - first));
            break;
        }
        groups.push_back(next == first + 1 ? fmt::format("rank {}: {}", first, places[first].cores)
                                           : fmt::format("ranks {}-{}: {}", first, next - 1,
                                                         places[first].cores));
        first = next;
    }
    return fmt::format("cores of {}", fmt::join(groups, "; "));
}

MemoryNeed memory_need(Bytes per_rank, const std::vector<RankPlace>& places) {
    const auto nodes = nodes_of(places);
    const auto spare = [&](const Node& node) {
        return static_cast<double>(node.available.value) -
               static_cast<double>(per_rank.value * node.ranks);
    };
    const auto worst = std::min_element(
        nodes.begin(), nodes.end(),
        [&](const auto& a, const auto& b) { return spare(a.second) < spare(b.second); });
    const auto& [host, node] = *worst;
    const Bytes needed(per_rank.value * node.ranks);
    const std::string limit =
        node.limit ? fmt::format(" (limit of the control group {:.2f} GB)", gigabytes(*node.limit))
                   : "";
    return {
        fmt::format("about {:.2f} GB a rank, {:.2f} GB on {}; {:.2f} GB are available there{}",
                    gigabytes(per_rank), gigabytes(needed), host, gigabytes(node.available), limit),
        needed > node.available};
}

std::string shell_quoted(std::string_view word) {
    constexpr std::string_view kSafe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    if (!word.empty() && word.find_first_not_of(kSafe) == std::string_view::npos) {
        return std::string(word);
    }
    std::string quoted = "'";
    for (const char letter : word) {
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return quoted + "'";
}

std::vector<std::string> repeatable_command(const OptionTable& table, int argc,
                                            const char* const* argv) {
    std::vector<std::string> command;
    for (int i = 0; i < argc; ++i) {
        const std::string_view word = argv[i];
        const bool is_never =
            word == "--resume=never" ||
            (word == "--resume" && i + 1 < argc && std::string_view(argv[i + 1]) == "never");
        if (is_never) {
            i += word == "--resume" ? 1 : 0;
        } else if (word != "--break-lock" && word != "--restart-from-scratch") {
            command.emplace_back(word);
        }
    }
    for (const OptionRow& row : table.rows()) {
        if (row.origin == Origin::Environment) {
            for (const std::string& value : value_texts(row.target)) {
                command.push_back("--" + row.name);
                command.push_back(value);
            }
        }
    }
    return command;
}

std::string launcher_text(int ranks, const std::string& parent) {
    if (ranks == 1) {
        return "";
    }
    return fmt::format("{} {} ", parent == "slurmstepd" ? "srun --mpi=pmix -n" : "mpirun -np",
                       ranks);
}

}  // namespace hpml
