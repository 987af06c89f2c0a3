#include "checkpoint/save.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/size_text.h"
#include "checkpoint/part_writer.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

std::vector<FileImage> images_of(const Contents& contents) {
    std::vector<FileImage> images;
    images.emplace_back("model.safetensors", contents.model);
    if (!contents.optimizer.empty()) {
        images.emplace_back("optimizer.safetensors", contents.optimizer);
    }
    return images;
}

std::uint64_t total_bytes(const std::vector<FileImage>& images) {
    std::uint64_t sum = 0;
    for (const FileImage& image : images) {
        sum += image.bytes();
    }
    return sum;
}

/// Files that every process holds are cut at the same places by all, and the pieces are shared out
/// in runs of equal length; of the others a process writes what it holds.
std::vector<PieceTask> own_tasks(const std::vector<FileImage>& images, Share share) {
    std::uint64_t total = 0;
    for (const FileImage& image : images) {
        total += image.is_in_parts() ? 0 : image.bytes();
    }
    std::vector<PieceTask> tasks;
    std::uint64_t before = 0;
    for (std::size_t file = 0; file < images.size(); ++file) {
        const FileImage& image = images[file];
        for (const Range& range : image.pieces(share)) {
            if (image.is_in_parts() || share.owns(before + range.begin, total)) {
                tasks.push_back({file, range});
            }
        }
        before += image.is_in_parts() ? 0 : image.bytes();
    }
    return tasks;
}

void rename_checked(const fs::path& from, const fs::path& to) {
    std::error_code failure;
    fs::rename(from, to, failure);
    if (failure) {
        throw IoError("cannot rename " + from.string() + " to " + to.string() + ": " +
                      failure.message());
    }
}

void remove_folder(const fs::path& folder) noexcept {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

/// Swap two folders in one operation, so that at no moment neither stands under its name.
/// @return false where the file system cannot (NFS, some kernels)
bool exchange(const fs::path& one, const fs::path& other) {
    return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
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

Save::Save(const fs::path& run, std::int64_t generation, Contents contents, Share share)
    : run_(run),
      temporary_(checkpoints_of(run) / fmt::format(".tmp-{}-{}", generation, contents.step.value)),
      generation_(generation),
      contents_(std::move(contents)),
      share_(share),
      images_(images_of(contents_)),
      tasks_(own_tasks(images_, share_)),
      reader_(images_, tasks_) {}

Save::Save(fs::path temporary, Contents contents)
    : temporary_(std::move(temporary)),
      contents_(std::move(contents)),
      images_(images_of(contents_)),
      tasks_(own_tasks(images_, share_)),
      reader_(images_, tasks_) {}

void Save::prepare() const {
    const fs::path all = temporary_.parent_path();
    make_folders(all);
    std::uint64_t needed = total_bytes(images_) + (1U << 16);
    for (const text::TokenizerFile& file : contents_.vocabulary) {
        needed += file.text.size();
    }
    const std::uint64_t available = free_space(all).value;
    // Refuse before the first byte what would fail midway.
    const bool acted_out = fault_point("checkpoint.write", contents_.step, Rank(0));
    if (acted_out ||
        static_cast<double>(available) < (1 + kSpaceToSpare) * static_cast<double>(needed)) {
        throw IoError("no space left on " + all.string() + " while writing " +
                      step_name(contents_.step) + " (needed " + size_text(Bytes(needed)) +
                      ", free " + size_text(Bytes(available)) +
                      "); older checkpoints stay, free some space");
    }
    remove_folder(temporary_);
    make_folders(temporary_);
}

void Save::write_part() {
    PartWriter writer(temporary_, images_);
    for (const Digest& digest : writer.write(reader_, tasks_, [this] {
             if (fault_point("checkpoint.part", contents_.step,
                             Rank(static_cast<int>(share_.index)))) {
                 throw IoError("no space left while writing " + step_name(contents_.step) +
                               " (a fault point says so)");
             }
         })) {
        written_.push_back({tasks_[written_.size()], digest});
    }
}

std::string Save::report() const {
    Json pieces = Json::array();
    for (const auto& [task, digest] : written_) {
        pieces.push_back({task.file, task.range.begin, task.range.end, digest.hex()});
    }
    return pieces.dump();
}

Manifest Save::seal(const std::vector<std::string>& reports) const {
    Manifest manifest;
    manifest.step = contents_.step;
    manifest.milestone = contents_.milestone;
    for (const FileImage& image : images_) {
        manifest.files.push_back({image.name(), Bytes(image.bytes()), {}});
    }
    for (const std::string& report : reports) {
        for (const Json& piece : parse_json(report, "the report of a part", mib(16))) {
            const auto begin = piece.at(1).get<std::uint64_t>();
            manifest.files.at(piece.at(0).get<std::size_t>())
                .pieces.push_back({begin, piece.at(2).get<std::uint64_t>() - begin,
                                   Digest::from_hex(piece.at(3).get<std::string>())});
        }
    }
    for (ManifestFile& file : manifest.files) {
        std::sort(file.pieces.begin(), file.pieces.end(),
                  [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
        const Bytes found = InputFile(temporary_ / file.name).size();
        if (found != file.bytes) {
            throw IoError(fmt::format("{} has {} bytes after all parts were written, {} are right",
                                      (temporary_ / file.name).string(), found.value,
                                      file.bytes.value));
        }
    }
    const auto add = [&](const std::string& name, const std::string& content) {
        AtomicFile file(temporary_ / name);
        file.write(content);
        file.publish();
        manifest.files.push_back(whole_file(name, file.size(), file.digest()));
    };
    const auto add_json = [&](const std::string& name, const Json& content) {
        add(name, content.dump(2) + "\n");
    };
    if (!contents_.state.is_null()) {
        add_json("state.json", contents_.state);
    }
    add_json("config.json", contents_.config);
    add_json("tokenizer_config.json", contents_.tokenizer_config);
    for (const text::TokenizerFile& file : contents_.vocabulary) {
        add(file.name, file.text);
    }
    // Last: without it the folder is nothing. What it says of the pieces is what a reader checks.
    const std::string text = manifest_text(manifest);
    (void)parse_manifest(text, (temporary_ / kManifestName).string());
    write_text_atomically(temporary_ / kManifestName, text);
    return manifest;
}

Checkpoint Save::publish(const std::vector<std::string>& reports,
                         const std::function<void()>& before_publish) const {
    try {
        const Manifest manifest = seal(reports);
        fault_point("checkpoint.publish", contents_.step, Rank(0));
        if (before_publish) {
            before_publish();
        }
        const fs::path folder = checkpoints_of(run_) / step_name(contents_.step);
        if (!fs::exists(folder) || !holds(folder, manifest)) {
            give_name();
        }
        discard();
        return {contents_.step, folder, total_size(manifest), manifest.milestone};
    } catch (...) {
        discard();
        throw;
    }
}

void Save::give_name() const {
    const fs::path all = checkpoints_of(run_);
    const std::string name = step_name(contents_.step);
    const fs::path folder = all / name;
    if (!fs::exists(folder)) {
        rename_checked(temporary_, folder);
    } else if (!exchange(temporary_, folder)) {
        const fs::path aside = all / fmt::format(".old-{}-{}", generation_, contents_.step.value);
        remove_folder(aside);
        make_folders(aside);
        rename_checked(folder, aside / name);
        try {
            rename_checked(temporary_, folder);
        } catch (const Error&) {
            rename_checked(aside / name, folder);
            remove_folder(aside);
            throw;
        }
        remove_folder(aside);
    }
    sync_folder(all);
}

void Save::discard() const noexcept { remove_folder(temporary_); }

}  // namespace hpml::checkpoint
