#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "text/byte_pair.h"
#include "text/tokenizer.h"

namespace hpml::text {

/// A tokenizer of Hugging Face's tokenizer.json: a WordPiece model behind BERT's normaliser and
/// pre-tokeniser, or a BPE model behind the ByteLevel pre-tokeniser. What acts on ids only
/// (post-processor, decoder, truncation, padding) is not read: rows are built here.
/// @param name  what to call the text in messages
/// @throw InputError naming the part that is not supported or damaged; UsageError if `choice`
/// contradicts the file
[[nodiscard]] std::unique_ptr<Tokenizer> parse_tokenizer_json(std::string_view text,
                                                              const std::string& name,
                                                              CaseChoice choice);

/// vocab.json and merges.txt of a byte-level byte-pair encoding.
/// @throw InputError naming the file and the line
[[nodiscard]] BytePairParts parse_byte_pair_files(std::string_view vocabulary,
                                                  std::string_view merges,
                                                  const std::string& folder);

}  // namespace hpml::text
