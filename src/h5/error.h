#pragma once

#include <hdf5.h>

#include <string>

#include "h5/handle.h"

namespace hpml::h5 {

/// Keep HDF5 from printing its error stack: errors are ours to report. Also forbids HDF5 to load
/// filter plugins, so that a file cannot choose code to run.
void quieten();

/// HDF5's own reason for the last failure, innermost first, e.g. "truncated file: eof = 96, ...".
[[nodiscard]] std::string reason();

/// Check a call that reads a file. @throw InputError "`what`: HDF5's reason"
void check_read(herr_t status, const std::string& what);
[[nodiscard]] Handle check_read(hid_t id, Handle::Close close, const std::string& what);

/// Check a call that builds a file in memory. @throw IoError "`what`: HDF5's reason"
void check_write(herr_t status, const std::string& what);
[[nodiscard]] Handle check_write(hid_t id, Handle::Close close, const std::string& what);

}  // namespace hpml::h5
