#include "text/tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "text/byte_pair_tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/wordpiece_tokenizer.h"

namespace hpml::text {

namespace fs = std::filesystem;

namespace {

/// tokenizer_config.json beside a vocabulary; an empty object if there is none.
Json read_config(const fs::path& folder) {
    const fs::path path = folder / "tokenizer_config.json";
    return fs::exists(path) ? read_json(path) : Json::object();
}

bool flag(const Json& config, const char* key, bool otherwise, const fs::path& folder) {
    return config.contains(key)
               ? json_member<bool>(config, key, (folder / "tokenizer_config.json").string())
               : otherwise;
}

std::unique_ptr<Tokenizer> load_wordpiece(const fs::path& path, CaseChoice choice) {
    const fs::path folder = path.parent_path();
    const bool lower = choice == CaseChoice::Auto
                           ? flag(read_config(folder), "do_lower_case", true, folder)
                           : choice == CaseChoice::Lower;
    return std::make_unique<WordPieceTokenizer>(Vocabulary(path),
                                                lower ? LetterCase::Lower : LetterCase::Keep);
}

std::unique_ptr<Tokenizer> load_byte_pair(const fs::path& folder, CaseChoice choice) {
    if (choice == CaseChoice::Lower) {
        throw UsageError(folder.string() +
                         " holds a byte-level BPE, which keeps capitals; leave --lower-case out");
    }
    BytePairParts parts = parse_byte_pair_files(read_text(folder / "vocab.json"),
                                                read_text(folder / "merges.txt"), folder.string());
    parts.adds_prefix_space = flag(read_config(folder), "add_prefix_space", false, folder);
    return std::make_unique<BytePairTokenizer>(std::move(parts), folder.string());
}

/// The first of these that a folder holds is read.
constexpr std::array kMainFiles{"tokenizer.json", "vocab.txt", "vocab.json"};

fs::path file_in(const fs::path& folder) {
    for (const char* name : kMainFiles) {
        if (fs::exists(folder / name)) {
            return folder / name;
        }
    }
    throw MissingInputError(folder.string() +
                            " holds neither tokenizer.json, nor vocab.txt, nor vocab.json and "
                            "merges.txt (one of them is a tokenizer); give such a folder or file");
}

}  // namespace

std::string_view name_of(TokenizerKind kind) {
    return kind == TokenizerKind::WordPiece ? "wordpiece" : "byte-level-bpe";
}

TokenizerKind tokenizer_kind(std::string_view name) {
    for (const TokenizerKind kind : {TokenizerKind::WordPiece, TokenizerKind::BytePair}) {
        if (name == name_of(kind)) {
            return kind;
        }
    }
    throw InputError("tokenizer '" + std::string(name) +
                     "' is not known (its ids cannot be told); use a newer hpml");
}

std::vector<std::string> file_names(TokenizerKind kind) {
    return kind == TokenizerKind::WordPiece
               ? std::vector<std::string>{"vocab.txt", "tokenizer_config.json"}
               : std::vector<std::string>{"vocab.json", "merges.txt", "tokenizer_config.json"};
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path, CaseChoice choice) {
    // A folder named like a file is a mistake that opening it tells.
    const bool is_file_name =
        std::ranges::any_of(kMainFiles, [&](const char* name) { return path.filename() == name; });
    const fs::path file = fs::is_directory(path) && !is_file_name ? file_in(path) : path;
    const fs::path name = file.filename();
    if (name == "vocab.json" || name == "merges.txt") {
        return load_byte_pair(file.parent_path(), choice);
    }
    if (name.extension() == ".json") {
        return parse_tokenizer_json(read_text(file), file.string(), choice);
    }
    return load_wordpiece(file, choice);
}

}  // namespace hpml::text
