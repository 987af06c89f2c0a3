#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

/// Removed at the end of the scope, whatever is in it.
class TemporaryFolder {
  public:
    explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {
        remove();
        make_folders(path_);
    }
    ~TemporaryFolder() { remove(); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    TemporaryFolder(TemporaryFolder&&) = delete;
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    void remove() const {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    fs::path path_;
};

std::string gigabytes(Bytes bytes) {
    const double value = static_cast<double>(bytes.value);
    return value >= 1e8 ? fmt::format("{:.1f} GB", value / 1e9)
                        : fmt::format("{:.3f} MB", value / 1e6);
}

Bytes expected_size(const Contents& contents) {
    std::uint64_t bytes = 1U << 16;
    for (const text::TokenizerFile& file : contents.vocabulary) {
        bytes += file.text.size();
    }
    for (const auto* tensors : {&contents.model, &contents.optimizer}) {
        for (const model::NamedTensor& item : *tensors) {
            bytes += item.tensor.nbytes() + 200 + item.name.size();
        }
    }
    return Bytes(bytes);
}

/// Refuse before the first byte what would fail midway.
void check_space(const fs::path& folder, const Contents& contents) {
    const Bytes needed = expected_size(contents);
    const Bytes available = free_space(folder);
    const bool acted_out = fault_point("checkpoint.write", contents.step, Rank(0));
    if (acted_out ||
        static_cast<double>(available.value) < 1.2 * static_cast<double>(needed.value)) {
        throw IoError("no space left on " + folder.string() + " while writing " +
                      step_name(contents.step) + " (needed " + gigabytes(needed) + ", free " +
                      gigabytes(available) + "); older checkpoints stay, free some space");
    }
}

void rename_checked(const fs::path& from, const fs::path& to) {
    std::error_code failure;
    fs::rename(from, to, failure);
    if (failure) {
        throw IoError("cannot rename " + from.string() + " to " + to.string() + ": " +
                      failure.message());
    }
}

/// Swap two folders in one operation, so that at no moment neither stands under its name.
/// @return false where the file system cannot (NFS, some kernels)
bool exchange(const fs::path& one, const fs::path& other) {
    return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

/// Writes files into a folder and keeps their manifest.
class FolderWriter {
  public:
    FolderWriter(fs::path folder, Step step) : folder_(std::move(folder)) { manifest_.step = step; }

    void text(const std::string& name, const std::string& content) {
        AtomicFile file(folder_ / name);
        file.write(content);
        finish(file, name);
    }
    void json(const std::string& name, const Json& content) { text(name, content.dump(2) + "\n"); }
    void tensors(const std::string& name, const std::vector<model::NamedTensor>& content) {
        AtomicFile file(folder_ / name);
        model::write_safetensors(file, content);
        finish(file, name);
    }
    /// The manifest, last: without it the folder is nothing.
    void seal() const { write_text_atomically(folder_ / kManifestName, manifest_text(manifest_)); }
    [[nodiscard]] const Manifest& manifest() const { return manifest_; }

  private:
    void finish(AtomicFile& file, const std::string& name) {
        file.publish();
        manifest_.files.push_back({name, file.size(), file.digest()});
    }

    fs::path folder_;
    Manifest manifest_;
};

Manifest write_files(const fs::path& folder, const Contents& contents) {
    FolderWriter writer(folder, contents.step);
    writer.tensors("model.safetensors", contents.model);
    if (!contents.optimizer.empty()) {
        writer.tensors("optimizer.safetensors", contents.optimizer);
    }
    if (!contents.state.is_null()) {
        writer.json("state.json", contents.state);
    }
    writer.json("config.json", contents.config);
    writer.json("tokenizer_config.json", contents.tokenizer_config);
    for (const text::TokenizerFile& file : contents.vocabulary) {
        writer.text(file.name, file.text);
    }
    writer.seal();
    return writer.manifest();
}

/// Whether `folder` is a valid checkpoint with exactly these files.
bool holds(const fs::path& folder, const Manifest& manifest) {
    try {
        (void)verify_checkpoint(folder);
        return read_text(folder / kManifestName) == manifest_text(manifest);
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

void Contents::set_tokenizer(std::vector<text::TokenizerFile> files, std::int64_t longest) {
    vocabulary.clear();
    for (text::TokenizerFile& file : files) {
        if (file.name == "tokenizer_config.json") {
            tokenizer_config = parse_json(file.text, file.name);
            tokenizer_config["model_max_length"] = longest;
        } else {
            vocabulary.push_back(std::move(file));
        }
    }
}

Checkpoint write_checkpoint(const fs::path& run, std::int64_t generation, const Contents& contents,
                            const std::function<void()>& before_publish) {
    const fs::path all = checkpoints_of(run);
    make_folders(all);
    const std::string name = step_name(contents.step);
    const fs::path folder = all / name;
    check_space(all, contents);
    const TemporaryFolder temporary(all /
                                    fmt::format(".tmp-{}-{}", generation, contents.step.value));
    const Manifest manifest = write_files(temporary.path(), contents);
    if (before_publish) {
        before_publish();
    }
    const Checkpoint written{contents.step, folder, total_size(manifest)};
    if (!fs::exists(folder)) {
        rename_checked(temporary.path(), folder);
    } else if (holds(folder, manifest)) {
        return written;
    } else if (!exchange(temporary.path(), folder)) {
        const TemporaryFolder set_aside(all /
                                        fmt::format(".old-{}-{}", generation, contents.step.value));
        rename_checked(folder, set_aside.path() / name);
        try {
            rename_checked(temporary.path(), folder);
        } catch (const Error&) {
            rename_checked(set_aside.path() / name, folder);
            throw;
        }
    }
    sync_folder(all);
    return written;
}

void write_model_folder(const fs::path& folder, const Contents& contents) {
    make_folders(folder);
    check_space(folder, contents);
    const TemporaryFolder temporary(folder / ".tmp-0-0");
    const Manifest manifest = write_files(temporary.path(), contents);
    // An old manifest must never stand beside new files.
    std::error_code ignored;
    fs::remove(folder / kManifestName, ignored);
    for (const ManifestFile& file : manifest.files) {
        rename_checked(temporary.path() / file.name, folder / file.name);
    }
    rename_checked(temporary.path() / kManifestName, folder / kManifestName);
    sync_folder(folder);
}

}  // namespace hpml::checkpoint
