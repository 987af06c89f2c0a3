#include "base/file_lock.h"

#include <fcntl.h>

#include <cerrno>

namespace hpml {

FileLock try_lock(const FileHandle& handle) {
    struct flock request {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    if (::fcntl(handle.get(), F_OFD_SETLK, &request) == 0) {
        return FileLock::Ours;
    }
    return errno == EAGAIN || errno == EACCES ? FileLock::Held : FileLock::Impossible;
}

}  // namespace hpml
