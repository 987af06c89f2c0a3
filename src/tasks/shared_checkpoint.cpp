#include "tasks/shared_checkpoint.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/patience.h"
#include "mpi/root_text.h"

namespace hpml::tasks {

namespace fs = std::filesystem;

namespace {

using checkpoint::Manifest;
using checkpoint::Range;
using checkpoint::Share;

Share share_of(const mpi::Communicator& ranks) { return {ranks.rank().value, ranks.size()}; }

/// False only where there is no such file for this host.
bool can_be_opened(const fs::path& path) {
    const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file.is_open() || errno != ENOENT;
}

/// Rank 0 reads it, so that all speak of the same one.
Manifest read_manifest(const fs::path& folder, const mpi::Communicator& ranks) {
    const std::string text =
        mpi::text_of_root(ranks, [&] { return manifest_text(checkpoint::read_manifest(folder)); });
    return checkpoint::parse_manifest(text, folder.string());
}

/// A network file system may show another host what is new there a little late, and that is no
/// damage. What rank 0 does not see either is left to the verification.
void wait_for_files(const fs::path& folder, const Manifest& manifest,
                    const mpi::Communicator& ranks) {
    std::string seen;
    if (ranks.is_root()) {
        for (const checkpoint::ManifestFile& file : manifest.files) {
            seen += fs::exists(folder / file.name) ? '1' : '0';
        }
    }
    seen = ranks.broadcast(std::move(seen));
    mpi::agree(ranks, [&] {
        Patience patience(Seconds(5.11));
        for (std::size_t i = 0; i < manifest.files.size(); ++i) {
            const fs::path path = folder / manifest.files[i].name;
            while (seen[i] == '1' && !can_be_opened(path)) {
                if (!patience.wait()) {
                    throw MissingInputError(
                        path.string() + " is there for rank 0 but not on " + host_name() +
                        " (the ranks share no file system, or this one shows it too late); put "
                        "the run where all hosts see it");
                }
            }
        }
    });
}

}  // namespace

checkpoint::Checkpoint verify_together(const fs::path& folder, const mpi::Communicator& ranks) {
    checkpoint::Checkpoint found;
    const Manifest manifest = read_manifest(folder, ranks);
    wait_for_files(folder, manifest, ranks);
    mpi::agree(ranks, [&] { found = checkpoint::verify_share(folder, manifest, share_of(ranks)); });
    return found;
}

namespace {

/// The other ranks help rank 0 with one folder after the other, until it names none.
void help_to_verify(const mpi::Communicator& ranks) {
    for (std::string folder = ranks.broadcast(std::string()); !folder.empty();
         folder = ranks.broadcast(std::string())) {
        try {
            (void)verify_together(folder, ranks);
        } catch (const Error&) {
            // Rank 0 has it too, and says it.
        }
    }
}

checkpoint::Checkpoint verify_as_root(const fs::path& folder, const mpi::Communicator& ranks) {
    (void)ranks.broadcast(folder.string());
    return verify_together(folder, ranks);
}

/// Whatever happens, the helpers are told that it is over.
class HelpersGoHome {
  public:
    explicit HelpersGoHome(const mpi::Communicator& ranks) : ranks_(ranks) {}
    ~HelpersGoHome() {
        try {
            (void)ranks_.broadcast(std::string());
        } catch (...) {  // NOLINT(bugprone-empty-catch): the next collective call says it
        }
    }
    HelpersGoHome(const HelpersGoHome&) = delete;
    HelpersGoHome& operator=(const HelpersGoHome&) = delete;
    HelpersGoHome(HelpersGoHome&&) = delete;
    HelpersGoHome& operator=(HelpersGoHome&&) = delete;

  private:
    const mpi::Communicator& ranks_;
};

}  // namespace

std::optional<checkpoint::Checkpoint> newest_together(const fs::path& run,
                                                      const mpi::Communicator& ranks,
                                                      const Log& log,
                                                      checkpoint::IfNoneIsValid if_none) {
    std::optional<checkpoint::Checkpoint> found;
    std::exception_ptr failure;
    if (ranks.is_root()) {
        const HelpersGoHome at_end(ranks);
        try {
            found = checkpoint::newest_checkpoint(run, log, if_none, [&](const fs::path& folder) {
                return verify_as_root(folder, ranks);
            });
        } catch (...) {
            failure = std::current_exception();
        }
    } else {
        help_to_verify(ranks);
    }
    mpi::on_root(ranks, [&] {
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
    const fs::path folder = ranks.broadcast(found ? found->folder.string() : std::string());
    if (!found && !folder.empty()) {
        found = {checkpoint::step_of(folder.filename().string()).value_or(Step(0)), folder};
    }
    return found;
}

namespace {

constexpr std::uint64_t kLargestUnit = std::uint64_t{32} << 20U;

/// What one rank reads in one go and sends to the others.
struct Unit {
    std::size_t file = 0;
    Range range;
    const checkpoint::Piece* piece = nullptr;  ///< if it is a whole one
};

/// One file's tensors as stretches of the file.
class TargetFile {
  public:
    TargetFile(const fs::path& folder, const FileTargets& targets)
        : file_(folder / targets.name), bytes_(folder / targets.name) {
        for (const checkpoint::TensorPart& part : targets.tensors) {
            add(part);
        }
        std::sort(stretches_.begin(), stretches_.end(),
                  [](const Stretch& a, const Stretch& b) { return a.range.begin < b.range.begin; });
    }

    [[nodiscard]] const InputFile& bytes() const { return bytes_; }

    /// Take over what of `bytes`, which lie from `begin` on in the file, belongs to a tensor.
    void scatter(std::uint64_t begin, std::span<const std::byte> bytes) {
        const std::uint64_t end = begin + bytes.size();
        auto next = std::upper_bound(stretches_.begin(), stretches_.end(), begin,
                                     [](std::uint64_t position, const Stretch& stretch) {
                                         return position < stretch.range.end;
                                     });
        for (; next != stretches_.end() && next->range.begin < end; ++next) {
            const std::uint64_t first = std::max(begin, next->range.begin);
            const std::uint64_t last = std::min(end, next->range.end);
            std::memcpy(next->memory + (first - next->range.begin), bytes.data() + (first - begin),
                        last - first);
        }
    }
    /// To tensors on a device, of another type or not in one piece.
    void finish() {
        for (const auto& [host, target] : staged_) {
            target.detach().copy_(host);
        }
    }

  private:
    struct Stretch {
        Range range;
        std::byte* memory = nullptr;
    };

    void add(const checkpoint::TensorPart& part) {
        const auto& tensor = part.tensor;
        const auto shape = part.place ? part.place->shape : tensor.sizes().vec();
        const auto& entry = file_.entry(part.name, shape);
        const at::ScalarType type =
            model::scalar_type_of(entry, bytes_.path().string() + ": tensor '" + part.name + "'");
        const bool direct =
            tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == type;
        const at::Tensor host = direct ? tensor : at::empty(tensor.sizes(), type);
        if (!direct) {
            staged_.emplace_back(host, tensor);
        }
        const auto first = static_cast<std::uint64_t>(part.place ? part.place->first : 0) *
                           static_cast<std::uint64_t>(host.element_size());
        const std::uint64_t begin = file_.data_start() + entry.begin + first;
        if (host.numel() > 0) {
            stretches_.push_back({{begin, begin + static_cast<std::uint64_t>(host.nbytes())},
                                  static_cast<std::byte*>(host.data_ptr())});
        }
    }

    model::SafetensorsFile file_;
    InputFile bytes_;
    std::vector<Stretch> stretches_;
    std::vector<std::pair<at::Tensor, at::Tensor>> staged_;
};

const checkpoint::ManifestFile& file_of(const Manifest& manifest, const std::string& name,
                                        const fs::path& folder) {
    for (const auto& file : manifest.files) {
        if (file.name == name) {
            return file;
        }
    }
    throw InputError(folder.string() + " has no " + name +
                     " (it holds no state to go on from); was it made by hpml_pretrain?");
}

/// Every rank's units, in the order in which it reads them.
std::vector<std::vector<Unit>> units_of(const Manifest& manifest, const fs::path& folder,
                                        const std::vector<FileTargets>& files, int ranks) {
    std::uint64_t total = 0;
    for (const FileTargets& targets : files) {
        total += file_of(manifest, targets.name, folder).bytes.value;
    }
    std::vector<std::vector<Unit>> units(static_cast<std::size_t>(ranks));
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& file = file_of(manifest, files[i].name, folder);
        for (const checkpoint::Piece& piece : file.pieces) {
            const std::uint64_t end = piece.offset + piece.bytes;
            for (std::uint64_t at = piece.offset; at < end; at += kLargestUnit) {
                const auto owner = Share::owner(before + at, total, ranks);
                units[static_cast<std::size_t>(owner)].push_back(
                    {i,
                     {at, std::min(at + kLargestUnit, end)},
                     piece.bytes <= kLargestUnit ? &piece : nullptr});
            }
        }
        before += file.bytes.value;
    }
    return units;
}

void read_unit(const Unit& unit, const TargetFile& file, std::vector<std::byte>& buffer) {
    buffer.resize(unit.range.size());
    file.bytes().read_at(unit.range.begin, buffer);
    if (unit.piece != nullptr && hash_bytes(buffer) != unit.piece->digest) {
        throw InputError(file.bytes().path().string() +
                         " has changed since it was verified (its disk may be failing); start the "
                         "same command again");
    }
}

}  // namespace

void read_together(const fs::path& folder, const std::vector<FileTargets>& files,
                   const mpi::Communicator& ranks) {
    const Manifest manifest = read_manifest(folder, ranks);
    std::vector<TargetFile> targets;
    std::vector<std::vector<Unit>> units;
    mpi::agree(ranks, [&] {
        units = units_of(manifest, folder, files, ranks.size());
        for (const FileTargets& file : files) {
            targets.emplace_back(folder, file);
        }
    });
    const auto mine = static_cast<std::size_t>(ranks.rank().value);
    std::vector<std::byte> own;
    std::vector<std::byte> other;
    std::size_t rounds = 0;
    for (const auto& list : units) {
        rounds = std::max(rounds, list.size());
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        mpi::agree(ranks, [&] {
            if (round < units[mine].size()) {
                const Unit& unit = units[mine][round];
                read_unit(unit, targets[unit.file], own);
            }
        });
        for (std::size_t owner = 0; owner < units.size(); ++owner) {
            if (round >= units[owner].size()) {
                continue;
            }
            const Unit& unit = units[owner][round];
            std::vector<std::byte>& bytes = owner == mine ? own : other;
            bytes.resize(unit.range.size());
            ranks.broadcast(bytes, Rank(static_cast<int>(owner)));
            targets[unit.file].scatter(unit.range.begin, bytes);
        }
    }
    for (TargetFile& target : targets) {
        target.finish();
    }
}

}  // namespace hpml::tasks
