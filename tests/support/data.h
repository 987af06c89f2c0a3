#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/skip.h"

namespace hpml::test {

/// The folder of real data: $HPML_TEST_DATA, else the default that CMake was given; empty, after
/// one line that says so, where it is absent. A test that needs it returns then; CTest's summary
/// shows it as skipped.
inline std::filesystem::path real_data() {
    const char* chosen = std::getenv("HPML_TEST_DATA");
    const char* preset = std::getenv("HPML_TEST_DATA_DEFAULT");
    const std::filesystem::path folder = chosen ? chosen : (preset ? preset : "../shared/data");
    if (std::filesystem::is_directory(folder)) {
        return folder;
    }
    not_run("real data not found in " + folder.string() + "; set HPML_TEST_DATA");
    return {};
}

/// A fresh folder under the build's, removed at the end of the scope. Local to one process.
class ScratchFolder {
  public:
    explicit ScratchFolder(const std::string& name)
        : path_(std::filesystem::temp_directory_path() /
                ("hpml-test-" + name + "-" + std::to_string(::getpid()))) {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ScratchFolder(ScratchFolder&&) = delete;
    ScratchFolder& operator=(ScratchFolder&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

/// Write a small file.
inline void write_file(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace hpml::test
