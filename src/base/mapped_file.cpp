#include "base/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace hpml {

MappedFile::MappedFile(const InputFile& file) {
    const auto size = static_cast<std::size_t>(file.size().value);
    if (size == 0) {
        return;  // which cannot be mapped
    }
    void* const begin = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (begin == MAP_FAILED) {
        throw IoError("cannot map " + file.path().string() + " into memory: " + errno_text(errno) +
                      "; see ulimit -v and the system's vm.max_map_count");
    }
    bytes_ = {static_cast<std::byte*>(begin), size};
    (void)::madvise(begin, size, MADV_RANDOM);  // a hint
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) {
        ::munmap(bytes_.data(), bytes_.size());
    }
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

}  // namespace hpml
