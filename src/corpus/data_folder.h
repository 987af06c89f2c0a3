#pragma once

#include <filesystem>
#include <memory>

#include "corpus/manifest.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// A tokenizer that rows can be built with.
/// @throw what text::load_tokenizer throws; InputError if it lacks a special token
[[nodiscard]] std::unique_ptr<text::Tokenizer> load_row_tokenizer(const std::filesystem::path& path,
                                                                  text::CaseChoice choice);
/// Put its files into a data folder. @throw OutputError, IoError
void write_tokenizer(const std::filesystem::path& data, const text::Tokenizer& tokenizer);
/// The tokenizer whose files lie in a data folder. For masked rows `data` is the folder or file
/// that the manifest's own tokenizer was read from.
/// @throw MissingInputError; InputError if it is not the one that the corpus was made with
[[nodiscard]] std::unique_ptr<text::Tokenizer> read_tokenizer(const std::filesystem::path& data,
                                                              const Manifest& manifest);

}  // namespace hpml::corpus
