#include "comm/node_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/megabytes.h"
#include "base/process_memory.h"
#include "comm/shared_pages.h"

namespace hpml::comm {

namespace {

/// What the first bytes of a part hold until all ranks have found it: process numbers alone may
/// mean another process where containers hide them from each other.
std::string token_of(const void* something) {
    return fmt::format("{:016x}{:016x}{:016x}", static_cast<std::uint64_t>(::getpid()),
                       reinterpret_cast<std::uint64_t>(something),
                       static_cast<std::uint64_t>(::time(nullptr)));
}

std::string errno_text() { return std::generic_category().message(errno); }

/// As huge ones where that goes; one that cannot be had is missed by posix_fallocate.
void make_pages(const FileHandle& file, Bytes size) {
    if (::ftruncate(file.get(), static_cast<off_t>(size.value)) != 0) {
        return;
    }
    if (std::byte* memory = map_shared(file.get(), size); memory != nullptr) {
        ::munmap(memory, size.value);
    }
}

/// Open, sized, with all its pages. @param folder  empty: anonymous @throw ResourceError
FileHandle create(const std::filesystem::path& folder, Bytes size, std::filesystem::path& name) {
    FileHandle file;
    if (folder.empty()) {
        file = FileHandle(::memfd_create("hpml", MFD_CLOEXEC));
        name = fmt::format("/proc/{}/fd/{}", ::getpid(), file.get());
    } else {
        name = folder / fmt::format("hpml-{}", token_of(&file));
        file = FileHandle(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    }
    if (!file.is_open()) {
        throw ResourceError("cannot make shared memory " + name.string() + ": " + errno_text());
    }
    make_pages(file, size);
    // Reserves the pages that are still missing, on this rank's memory controller: without it the
    // first write beyond a limit would be a bus error.
    const int failure = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size.value));
    if (failure != 0) {
        throw ResourceError(fmt::format("no {:.1f} MB of shared memory in {}: {}", megabytes(size),
                                        folder.empty() ? "this machine" : folder.string(),
                                        std::generic_category().message(failure)));
    }
    return file;
}

/// Anonymous memory has no name that could be removed.
void remove_name(const std::filesystem::path& folder, const std::filesystem::path& name) {
    if (!folder.empty() && !name.empty()) {
        ::unlink(name.c_str());
    }
}

void require_headroom(Bytes part, int ranks) {
    const Bytes needed(part.value * static_cast<std::uint64_t>(ranks));
    const Bytes available = headroom(memory_report());
    if (available < needed) {
        throw ResourceError(fmt::format("{:.1f} MB of memory are free, {:.1f} MB are to be shared",
                                        megabytes(available), megabytes(needed)));
    }
}

}  // namespace

NodeMemory::~NodeMemory() { unmap(); }

void NodeMemory::unmap() noexcept {
    for (std::byte* part : parts_) {
        ::munmap(part, size_.value);
    }
    parts_.clear();
}

void NodeMemory::map(const std::string& path, const std::string& token) {
    const FileHandle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.is_open()) {
        throw ResourceError("cannot open the shared memory " + path +
                            " of another rank: " + errno_text());
    }
    std::byte* memory = map_shared(file.get(), size_);
    if (memory == nullptr) {
        throw ResourceError("cannot map the shared memory " + path + ": " + errno_text());
    }
    parts_.push_back(memory);
    if (std::memcmp(memory, token.data(), token.size()) != 0) {
        throw ResourceError(path +
                            " is not the memory of another rank (they do not see each "
                            "other's processes)");
    }
}

void NodeMemory::share_by(const mpi::Communicator& node, const std::filesystem::path& folder) {
    FileHandle own;
    std::filesystem::path name;
    const std::string token = token_of(this);
    try {
        mpi::agree(node, [&] {
            require_headroom(size_, node.size());
            own = create(folder, size_, name);
            if (::pwrite(own.get(), token.data(), token.size(), 0) !=
                static_cast<ssize_t>(token.size())) {
                throw ResourceError("cannot write to shared memory: " + errno_text());
            }
        });
        const auto names = node.all_gather(name.string());
        const auto tokens = node.all_gather(token);
        mpi::agree(node, [&] {
            for (std::size_t rank = 0; rank < names.size(); ++rank) {
                map(names[rank], tokens[rank]);
            }
        });
    } catch (...) {
        remove_name(folder, name);
        unmap();
        throw;
    }
    remove_name(folder, name);
    std::fill_n(parts_[static_cast<std::size_t>(node.rank().value)], token.size(), std::byte{0});
    node.barrier();
}

NodeMemory::Attempt NodeMemory::share(const mpi::Communicator& node, Bytes size,
                                      const NodeMemoryOptions& options) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    auto memory = std::make_shared<NodeMemory>();
    memory->size_ = Bytes((size.value / page + 1) * page);
    std::vector<std::filesystem::path> ways = {options.folder};
    if (options.anonymous) {
        ways.insert(ways.begin(), std::filesystem::path());
    }
    std::string obstacles;
    for (const std::filesystem::path& folder : ways) {
        try {
            memory->share_by(node, folder);
            return {memory, ""};
        } catch (const Error& obstacle) {
            if (obstacle.code() != ExitCode::Resource) {
                throw;
            }
            obstacles += (obstacles.empty() ? "" : "; ") + std::string(obstacle.what());
        }
    }
    return {nullptr, obstacles};
}

}  // namespace hpml::comm
