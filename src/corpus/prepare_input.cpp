#include "corpus/prepare_input.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "mpi/root_text.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

bool is_within(const fs::path& inner, const fs::path& outer) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
           outer.end();
}

void check_output_is_outside(const fs::path& folder, const fs::path& output) {
    if (is_within(fs::weakly_canonical(output), fs::weakly_canonical(folder))) {
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

/// The index of a multistream dump: it holds titles, no text, and is not needed to read the dump.
bool is_dump_index(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.find("-multistream-index") != std::string::npos &&
           name.find(".txt") != std::string::npos;
}

/// The files and folders that a pattern of the shell's kind matches, by name.
std::vector<fs::path> matches_of(const std::string& pattern) {
    glob_t found{};
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result == GLOB_NOSPACE || result == GLOB_ABORTED) {
        throw MissingInputError("cannot look for --input " + pattern + ": " + errno_text(errno));
    }
    std::erase_if(paths, is_dump_index);
    std::ranges::sort(paths);
    return paths;
}

/// The inputs with the patterns among them replaced by what they match.
std::vector<fs::path> expand(const std::vector<fs::path>& inputs) {
    std::vector<fs::path> all;
    for (const fs::path& input : inputs) {
        const bool is_pattern = input.string().find_first_of("*?[") != std::string::npos;
        if (!is_pattern || fs::exists(input)) {
            all.push_back(input);
            continue;
        }
        const std::vector<fs::path> found = matches_of(input.string());
        if (found.empty()) {
            throw MissingInputError("--input " + input.string() +
                                    " matches no file; look at the pattern, and quote it so that "
                                    "the shell leaves it alone");
        }
        all.insert(all.end(), found.begin(), found.end());
    }
    return all;
}

/// All files below one input folder. Links are followed, to files and to folders alike: corpora are
/// often spread over disks.
class Listing {
  public:
    Listing(const fs::path& root, const fs::path& output) : root_(root), output_(output) {}

    [[nodiscard]] std::vector<InputEntry> take() {
        enter(root_);
        std::ranges::sort(entries_, {}, &InputEntry::name);
        return std::move(entries_);
    }

  private:
    void enter(const fs::path& folder) {
        check_output_is_outside(folder, output_);
        way_.push_back(fs::canonical(folder));
        list(folder);
        way_.pop_back();
    }

    void list(const fs::path& folder) {
        for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
            const fs::path& path = entry.path();
            if (path.filename().string().starts_with('.') || is_dump_index(path)) {
                continue;
            }
            if (entry.is_symlink()) {
                check_link(path);
            }
            if (entry.is_regular_file()) {
                entries_.push_back(look_at(path, path.lexically_relative(root_).generic_string()));
            } else if (entry.is_directory()) {
                enter(path);
            }
        }
    }

    void check_link(const fs::path& link) const {
        if (!fs::exists(link)) {
            throw MissingInputError("the link " + link.string() + " leads to " +
                                    fs::read_symlink(link).string() +
                                    ", which does not exist (its text would be missing from the "
                                    "corpus); mend or remove the link");
        }
        const fs::path target = fs::canonical(link);
        for (const fs::path& passed : way_) {
            if (is_within(passed, target)) {
                throw InputError("the link " + link.string() + " leads back to " + target.string() +
                                 ", which holds it (the listing would never end); remove the link");
            }
        }
    }

    fs::path root_;
    fs::path output_;
    std::vector<fs::path> way_;  ///< the folders from the root to here, without links
    std::vector<InputEntry> entries_;
};

std::vector<InputEntry> list_all(const std::vector<fs::path>& inputs, const fs::path& output) {
    std::vector<InputEntry> all;
    for (const fs::path& input : expand(inputs)) {
        if (fs::is_directory(input)) {
            const auto entries = Listing(input, output).take();
            all.insert(all.end(), entries.begin(), entries.end());
        } else if (is_dump_index(input)) {
            throw UsageError("--input " + input.string() +
                             " is the index of a multistream dump (it holds titles, no text); give "
                             "the dump itself, its streams are found without the index");
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
    const std::string packed = mpi::text_of_root(ranks, [&] {
        try {
            return pack(list_all(inputs, output));
        } catch (const fs::filesystem_error& failure) {
            throw MissingInputError("cannot list the input " + failure.path1().string() + ": " +
                                    failure.code().message());
        }
    });
    return unpack(packed);
}

void keep_standard_input(const fs::path& path, const mpi::Communicator& ranks) {
    mpi::on_root(ranks, [&] {
        AtomicFile kept(path);
        std::vector<std::byte> buffer(std::size_t{1} << 20);
        for (;;) {
            const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
            if (got < 0 && errno != EINTR) {
                throw IoError("reading the standard input failed: " + errno_text(errno));
            }
            if (got == 0) {
                break;
            }
            kept.write(
                std::span(buffer).first(static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
        }
        kept.publish();
    });
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
