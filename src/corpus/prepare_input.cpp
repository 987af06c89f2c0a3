#include "corpus/prepare_input.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <span>
#include <string_view>

#include "base/error.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

void check_output_is_outside(const fs::path& folder, const fs::path& output) {
    const fs::path outer = fs::weakly_canonical(folder);
    const fs::path inner = fs::weakly_canonical(output);
    if (std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
        outer.end()) {
        throw UsageError("--output " + output.string() + " lies inside --input " + folder.string() +
                         " (the shards would be read as text); give a folder elsewhere");
    }
}

std::int64_t nanoseconds(const struct timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

InputEntry look_at(const fs::path& path, std::string name) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        throw MissingInputError("cannot read " + path.string() + ": " + errno_text(errno));
    }
    return {path, std::move(name), Bytes(static_cast<std::uint64_t>(status.st_size)),
            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

std::vector<InputEntry> list_folder(const fs::path& folder) {
    std::vector<InputEntry> entries;
    for (auto at = fs::recursive_directory_iterator(folder);
         at != fs::recursive_directory_iterator(); ++at) {
        if (at->path().filename().string().starts_with('.')) {
            at.disable_recursion_pending();
        } else if (at->is_regular_file()) {
            entries.push_back(
                look_at(at->path(), at->path().lexically_relative(folder).generic_string()));
        }
    }
    std::ranges::sort(entries, {}, &InputEntry::name);
    return entries;
}

std::vector<InputEntry> list_all(const std::vector<fs::path>& inputs, const fs::path& output) {
    std::vector<InputEntry> all;
    for (const fs::path& input : inputs) {
        if (fs::is_directory(input)) {
            check_output_is_outside(input, output);
            const auto entries = list_folder(input);
            all.insert(all.end(), entries.begin(), entries.end());
        } else if (fs::exists(input)) {
            all.push_back(look_at(input, input.filename().string()));
        } else {
            throw MissingInputError("--input " + input.string() +
                                    " does not exist; give files or folders with text");
        }
    }
    if (all.empty()) {
        throw InputError("the input folders hold no file; give files or folders with text");
    }
    std::set<fs::path> seen;
    for (const InputEntry& entry : all) {
        if (!seen.insert(fs::weakly_canonical(entry.path)).second) {
            throw UsageError("--input names " + entry.path.string() +
                             " twice (its documents would count double); name it once");
        }
    }
    return all;
}

/// Fields end in a zero byte, which no path holds.
std::string pack(const std::vector<InputEntry>& entries) {
    std::string text;
    for (const InputEntry& entry : entries) {
        for (const std::string& field :
             {entry.path.string(), entry.name, std::to_string(entry.size.value),
              std::to_string(entry.modified_ns), std::to_string(entry.changed_ns)}) {
            text.append(field).push_back('\0');
        }
    }
    return text;
}

std::vector<InputEntry> unpack(std::string_view text) {
    std::vector<InputEntry> entries;
    const auto field = [&text] {
        std::string value(text.substr(0, text.find('\0')));
        text.remove_prefix(value.size() + 1);
        return value;
    };
    while (!text.empty()) {
        InputEntry entry;
        entry.path = field();
        entry.name = field();
        entry.size = Bytes(std::stoull(field()));
        entry.modified_ns = std::stoll(field());
        entry.changed_ns = std::stoll(field());
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace

std::vector<InputEntry> list_inputs(const std::vector<fs::path>& inputs, const fs::path& output,
                                    const mpi::Communicator& ranks) {
    std::string packed;
    mpi::on_root(ranks, [&] {
        try {
            packed = pack(list_all(inputs, output));
        } catch (const fs::filesystem_error& failure) {
            throw MissingInputError("cannot list the input " + failure.path1().string() + ": " +
                                    failure.code().message());
        }
    });
    return unpack(ranks.broadcast(packed));
}

Digest input_stamp(const std::vector<InputEntry>& inputs) {
    Hasher hasher;
    for (const InputEntry& input : inputs) {
        hasher.update(input.name + '\0' + std::to_string(input.size.value) + '\0' +
                      std::to_string(input.modified_ns) + '\0' + std::to_string(input.changed_ns) +
                      '\0');
    }
    return hasher.digest();
}

Digest input_content(const std::vector<InputEntry>& inputs, const mpi::Communicator& ranks) {
    // [inputs][2] words of the digests: those of other ranks' files stay 0 and are summed up.
    std::vector<std::int64_t> words(inputs.size() * 2, 0);
    const auto stride = static_cast<std::size_t>(ranks.size());
    mpi::agree(ranks, [&] {
        for (auto i = static_cast<std::size_t>(ranks.rank().value); i < inputs.size();
             i += stride) {
            const Digest digest = hash_file(inputs[i].path);
            words[2 * i] = static_cast<std::int64_t>(digest.high);
            words[2 * i + 1] = static_cast<std::int64_t>(digest.low);
        }
    });
    ranks.sum(std::span(words));
    return hash_bytes(std::as_bytes(std::span(words)));
}

}  // namespace hpml::corpus
