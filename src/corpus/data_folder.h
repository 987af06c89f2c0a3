#pragma once

#include <filesystem>

#include "corpus/manifest.h"
#include "text/vocabulary.h"

namespace hpml::corpus {

/// The vocabulary whose copy lies in a data folder.
/// @throw MissingInputError; InputError if it is not the one that the corpus was made with
[[nodiscard]] text::Vocabulary read_vocabulary(const std::filesystem::path& data,
                                               const Manifest& manifest);

/// @throw InputError if the vocabulary at `path` is not the one that the corpus was made with
void check_vocabulary(const text::Vocabulary& vocabulary, const std::filesystem::path& path,
                      const Manifest& manifest);

}  // namespace hpml::corpus
