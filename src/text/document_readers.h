#pragma once

#include <memory>
#include <string>

#include "text/documents.h"
#include "text/dump_pages.h"
#include "text/line_reader.h"

namespace hpml::text {

/// The readers behind DocumentFile::open, one for each format.
[[nodiscard]] std::unique_ptr<DocumentReader> read_plain_text(LineReader lines);
[[nodiscard]] std::unique_ptr<DocumentReader> read_lines(LineReader lines);
[[nodiscard]] std::unique_ptr<DocumentReader> read_wikiextractor(LineReader lines);
/// @param field  the member that holds the text
[[nodiscard]] std::unique_ptr<DocumentReader> read_json_lines(LineReader lines,
                                                              const std::string& field);
/// @param field  name of the column with the text, in the first record; or its number from 1, and
/// there is no header
[[nodiscard]] std::unique_ptr<DocumentReader> read_csv(std::unique_ptr<ByteSource> source,
                                                       const std::string& field);
/// @param site  names of the wiki's namespaces
[[nodiscard]] std::unique_ptr<DocumentReader> read_dump(DumpPages pages, const WikiSite& site);

}  // namespace hpml::text
