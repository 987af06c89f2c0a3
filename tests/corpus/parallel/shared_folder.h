#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/hash.h"
#include "base/log.h"
#include "mpi/communicator.h"
#include "support/data.h"

namespace hpml::test {

/// A scratch folder of rank 0 that all ranks share; it stays until all are done with it.
struct SharedFolder {
    mpi::Communicator world = mpi::Communicator::world();
    ScratchFolder own;
    std::filesystem::path folder = world.broadcast(own.path().string());
    Log log{world.rank(), false};

    explicit SharedFolder(const std::string& name) : own(name) {}
    ~SharedFolder() { world.barrier(); }
    SharedFolder(const SharedFolder&) = delete;
    SharedFolder& operator=(const SharedFolder&) = delete;
    SharedFolder(SharedFolder&&) = delete;
    SharedFolder& operator=(SharedFolder&&) = delete;
};

/// What is in a folder, by name: hashes of the files.
inline std::map<std::string, std::string> file_hashes(const std::filesystem::path& folder) {
    std::map<std::string, std::string> hashes;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        hashes[entry.path().filename().string()] =
            entry.is_directory() ? "a folder" : hash_file(entry.path()).hex();
    }
    return hashes;
}

}  // namespace hpml::test
