#include "manifest/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/file.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

std::vector<StepFolder> step_folders(const fs::path& run) {
    std::vector<StepFolder> found;
    const fs::path all = checkpoints_of(run);
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(all, failure)) {
        if (const auto step = step_of(entry.path().filename().string())) {
            found.push_back({*step, entry.path()});
        }
    }
    if (failure && failure != std::errc::no_such_file_or_directory) {
        throw IoError("cannot list " + all.string() + ": " + failure.message());
    }
    std::sort(found.begin(), found.end(),
              [](const StepFolder& a, const StepFolder& b) { return a.step < b.step; });
    return found;
}

namespace {

void check_size(const fs::path& folder, const ManifestFile& file) {
    const fs::path path = folder / file.name;
    const fs::file_status status = fs::symlink_status(path);
    if (!fs::is_regular_file(status)) {
        throw InputError(path.string() +
                         (fs::exists(status) ? " is not a plain file" : " is gone") +
                         " (the manifest lists it); the checkpoint cannot be used");
    }
    const Bytes found = InputFile(path).size();
    if (found != file.bytes) {
        throw InputError(
            fmt::format("{} has {} bytes (the manifest says {}); the checkpoint "
                        "cannot be used",
                        path.string(), found.value, file.bytes.value));
    }
}

void check_piece(InputFile& file, const Piece& piece, std::span<std::byte> buffer) {
    Hasher hasher;
    for (std::uint64_t done = 0; done < piece.bytes;) {
        const auto block = buffer.first(std::min<std::uint64_t>(buffer.size(), piece.bytes - done));
        file.read_at(piece.offset + done, block);
        hasher.update(block);
        done += block.size();
    }
    if (hasher.digest() != piece.digest) {
        throw InputError(fmt::format(
            "{} has XXH3-128 {} in its {} bytes from {} on (the manifest says {}); its content was "
            "changed, the checkpoint cannot be used",
            file.path().string(), hasher.digest().hex(), piece.bytes, piece.offset,
            piece.digest.hex()));
    }
}

}  // namespace

void verify_files(const fs::path& folder, const Manifest& manifest, Share share) {
    std::vector<std::byte> buffer(std::size_t{1} << 20U);
    const std::uint64_t total = std::max<std::uint64_t>(1, total_size(manifest).value);
    std::uint64_t before = 0;
    for (const ManifestFile& file : manifest.files) {
        check_size(folder, file);
        std::optional<InputFile> input;
        for (const Piece& piece : file.pieces) {
            if (!share.owns(std::min(before + piece.offset, total - 1), total)) {
                continue;
            }
            if (!input) {
                input.emplace(folder / file.name);
            }
            check_piece(*input, piece, buffer);
        }
        before += file.bytes.value;
    }
}

}  // namespace hpml::checkpoint
