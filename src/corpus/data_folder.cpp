#include "corpus/data_folder.h"

#include <string>

#include "base/error.h"
#include "base/file.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

void check_tokenizer(const text::Tokenizer& tokenizer, const fs::path& path,
                     const Manifest& manifest) {
    if (tokenizer.hash() != manifest.vocabulary_hash ||
        tokenizer.size() != manifest.vocabulary_size) {
        throw InputError("vocabulary " + path.string() + " has " +
                         std::to_string(tokenizer.size()) + " tokens and hash " +
                         tokenizer.hash().hex() + ", the corpus was made with one of " +
                         std::to_string(manifest.vocabulary_size) + " tokens and hash " +
                         manifest.vocabulary_hash.hex() +
                         " (its ids would mean other words); run hpml_prepare again with this "
                         "vocabulary or take the other");
    }
}

}  // namespace

std::unique_ptr<text::Tokenizer> load_row_tokenizer(const fs::path& path, text::CaseChoice choice) {
    auto tokenizer = text::load_tokenizer(path, choice);
    if (const std::string missing = tokenizer->special().missing(); !missing.empty()) {
        throw InputError(path.string() + " has no token " + missing +
                         " (rows are built and masked with them); give the tokenizer of a BERT or "
                         "RoBERTa");
    }
    return tokenizer;
}

void write_tokenizer(const fs::path& data, const text::Tokenizer& tokenizer) {
    for (const text::TokenizerFile& file : tokenizer.files()) {
        write_text_atomically(data / file.name, file.text);
    }
}

std::unique_ptr<text::Tokenizer> read_tokenizer(const fs::path& data, const Manifest& manifest) {
    if (manifest.kind == CorpusKind::MaskedRows) {
        auto tokenizer = load_row_tokenizer(data, text::CaseChoice::Auto);
        check_tokenizer(*tokenizer, data, manifest);
        return tokenizer;
    }
    const fs::path path = data / text::file_names(manifest.tokenizer).front();
    const bool is_word_piece = manifest.tokenizer == text::TokenizerKind::WordPiece;
    auto tokenizer = text::load_tokenizer(path, !is_word_piece        ? text::CaseChoice::Auto
                                                : manifest.lower_case ? text::CaseChoice::Lower
                                                                      : text::CaseChoice::Keep);
    check_tokenizer(*tokenizer, path, manifest);
    return tokenizer;
}

}  // namespace hpml::corpus
