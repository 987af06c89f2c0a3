#pragma once

namespace hpml {

/// hpml_check shards DIR: verify a prepared corpus and show what is in it.
/// @param argv  without the word "shards" @return the exit code
/// @throw what the options and the corpus throw
[[nodiscard]] int check_shards(int argc, const char* const* argv);

}  // namespace hpml
