#include "report/metrics.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <span>

#include "base/error.h"

namespace hpml {

namespace {

/// The object of one line; nothing if the line is damaged.
std::optional<Json> parse_line(const std::string& line) {
    Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
        return std::nullopt;
    }
    return json;
}

}  // namespace

Bytes lines_up_to(const std::filesystem::path& path, Step last) {
    std::ifstream file(path, std::ios::binary);
    std::uint64_t length = 0;
    for (std::string line; std::getline(file, line) && !file.eof(); length += line.size() + 1) {
        const auto json = parse_line(line);
        if (!json || (*json)["step"].get<std::int64_t>() > last.value) {
            break;
        }
    }
    if (file.bad()) {
        throw IoError("reading " + path.string() + " failed: " + errno_text(errno));
    }
    return Bytes(length);
}

void for_each_metric(const std::filesystem::path& path, const std::vector<std::string>& kinds,
                     const std::function<void(const Json& line)>& take, Bytes last) {
    std::error_code failure;
    if (!std::filesystem::is_regular_file(path, failure)) {
        return;  // a device may never end
    }
    std::ifstream file(path, std::ios::binary);
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    std::string line;
    if (!failure && last > Bytes(0) && size > last.value) {
        // From the byte before, so that a line which begins right there is a whole one.
        file.seekg(static_cast<std::streamoff>(size - last.value - 1));
        std::getline(file, line);
    }
    // A run has a million lines, and most of them are of one kind: the others are not parsed.
    std::vector<std::string> words;
    for (const std::string& kind : kinds) {
        words.push_back('"' + kind + '"');
    }
    const auto names_one = [&] {
        return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
            return line.find(word) != std::string::npos;
        });
    };
    while (std::getline(file, line)) {
        if (!names_one()) {
            continue;
        }
        const auto json = parse_line(line);
        if (json && std::find(kinds.begin(), kinds.end(), json->value("kind", "")) != kinds.end()) {
            take(*json);
        }
    }
}

std::optional<Json> last_metric(const std::filesystem::path& path, const std::string& kind) {
    std::optional<Json> last;
    for_each_metric(path, {kind}, [&](const Json& line) { last = line; });
    return last;
}

MetricsLog::MetricsLog(const std::filesystem::path& path, Step resume_step,
                       std::function<void(const std::string& reason)> warn)
    : handle_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), warn_(std::move(warn)) {
    if (!handle_.is_open()) {
        give_up("cannot open " + path.string() + ": " + errno_text(errno));
        return;
    }
    // What stands there is read first, and a device may never end.
    struct stat status {};
    if (::fstat(handle_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        give_up(path.string() + " is not a regular file");
        return;
    }
    try {
        size_ = lines_up_to(path, resume_step);
    } catch (const IoError& failure) {
        give_up(failure.what());
        return;
    }
    const auto end = static_cast<off_t>(size_.value);
    if (::ftruncate(handle_.get(), end) != 0 || ::lseek(handle_.get(), end, SEEK_SET) != end) {
        give_up("cannot shorten " + path.string() + ": " + errno_text(errno));
    }
}

void MetricsLog::append(const Json& line) {
    if (!handle_.is_open()) {
        return;
    }
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    try {
        write_all(handle_.get(), std::as_bytes(std::span(text.data(), text.size())),
                  "metrics.jsonl");
        size_ += Bytes(text.size());
    } catch (const IoError& failure) {
        // Half a line may stand there; take it back and try again at the next line, when there may
        // be room.
        const auto end = static_cast<off_t>(size_.value);
        const bool is_clean =
            ::ftruncate(handle_.get(), end) == 0 && ::lseek(handle_.get(), end, SEEK_SET) == end;
        if (!has_warned_) {
            has_warned_ = true;
            warn_(failure.what());
        }
        if (!is_clean) {
            give_up(failure.what());
        }
    }
}

void MetricsLog::give_up(const std::string& reason) {
    (void)handle_.close();
    if (!has_warned_) {
        has_warned_ = true;
        warn_(reason);
    }
}

}  // namespace hpml
