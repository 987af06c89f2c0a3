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
            if (path.filename().string().starts_with('.')) {
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
    for (const fs::path& input : inputs) {
        if (fs::is_directory(input)) {
            const auto entries = Listing(input, output).take();
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
