#pragma once

namespace hpml {

/// hpml_prepare convert: the predecessors' files of masked rows to shards, and shards to such
/// files. @param arguments  without the word itself @return the process's exit code
[[nodiscard]] int convert_program(int count, char** arguments);

}  // namespace hpml
