#include "apps/hpml_prepare_input.h"

namespace hpml {

void declare_input(OptionGroup& group, std::vector<std::filesystem::path>& inputs,
                   text::DocumentOptions& documents) {
    using text::DocumentFormat;
    group
        .add("input", inputs,
             "Files, folders read recursively in the order of names, quoted patterns like "
             "'dump/*.bz2', - for the standard input; any file may be packed by gzip or bzip2")
        .required()
        .add_words("format", documents.format,
                   {{"auto", DocumentFormat::Auto},
                    {"dump", DocumentFormat::Dump},
                    {"wikiextractor", DocumentFormat::WikiExtractor},
                    {"text", DocumentFormat::PlainText},
                    {"lines", DocumentFormat::Lines},
                    {"jsonl", DocumentFormat::JsonLines},
                    {"csv", DocumentFormat::Csv}},
                   "A MediaWiki XML dump, WikiExtractor's <doc> files, plain text with documents "
                   "separated by blank lines, one document a line, JSON lines, or CSV; auto looks "
                   "at the first bytes of each file, and takes .csv for CSV")
        .add("field", documents.field,
             "What holds the text: the member of JSON lines; the column of CSV by its name in the "
             "header, or by its number from 1 in a file without one")
        .placeholder("NAME");
}

}  // namespace hpml
