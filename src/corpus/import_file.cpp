#include "corpus/import_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "corpus/duplicates.h"

namespace hpml::corpus {

namespace {

std::filesystem::path summary_path(const ImportTask& task) {
    return task.hashes.string() + ".json";
}

/// A vocabulary that is not the rows' own shows at their first and last tokens.
void check_row(const ImportTask& task, std::int64_t number, const MaskedRow& row,
               const text::Tokenizer& tokenizer) {
    const auto where = [&] { return task.input.string() + ": row " + std::to_string(number); };
    for (const auto* ids : {&row.originals, &row.tokens}) {
        const auto outside =
            std::ranges::find_if(*ids, [&](std::int32_t id) { return id >= tokenizer.size(); });
        if (outside != ids->end()) {
            throw InputError(where() + ", column " + std::to_string(outside - ids->begin()) +
                             " holds token id " + std::to_string(*outside) +
                             " (the vocabulary ends at " + std::to_string(tokenizer.size() - 1) +
                             "); give the vocabulary that the files were made with");
        }
    }
    const auto& special = tokenizer.special();
    if (row.originals.front() != special.cls || row.originals.back() != special.sep) {
        throw InputError(where() + " goes from token id " + std::to_string(row.originals.front()) +
                         " to " + std::to_string(row.originals.back()) +
                         " (the vocabulary's [CLS] is " + std::to_string(special.cls) +
                         ", its [SEP] " + std::to_string(special.sep) +
                         "); give the vocabulary that the files were made with");
    }
}

}  // namespace

bool find_hashes(const ImportTask& task, ImportedFile& file) {
    if (!std::filesystem::exists(summary_path(task)) || !std::filesystem::exists(task.hashes)) {
        return false;
    }
    const std::string where = summary_path(task).string();
    const Json json = read_json(where);
    if (json_member<std::string>(json, "settings", where) != task.settings.hex() ||
        json_member<std::string>(json, "digest", where) != hash_file(task.hashes).hex()) {
        return false;
    }
    file.rows = json_member<std::int64_t>(json, "rows", where);
    file.sequence_length = json_member<std::int64_t>(json, "sequence_length", where);
    file.pair_rows = json_member<std::int64_t>(json, "pair_rows", where);
    file.next_sentences = json_member<std::int64_t>(json, "next_sentences", where);
    return true;
}

ImportedFile make_hashes(const ImportTask& task, const text::Tokenizer& tokenizer) {
    MaskedRowsReader reader(task.input);
    ImportedFile file;
    file.sequence_length = reader.sequence_length();
    file.next_sentences = reader.has_next_sentences() ? 1 : 0;
    std::vector<ItemHash> hashes;
    MaskedRow row;
    for (; reader.next(row); ++file.rows) {
        check_row(task, file.rows, row, tokenizer);
        hashes.push_back({hash_row(row.originals), file.rows});
        file.pair_rows += row.segments.back();
    }
    sort_hashes(hashes);
    const Digest digest = write_hashes(task.hashes, hashes);
    write_json(summary_path(task), Json{{"settings", task.settings.hex()},
                                        {"rows", file.rows},
                                        {"sequence_length", file.sequence_length},
                                        {"pair_rows", file.pair_rows},
                                        {"next_sentences", file.next_sentences},
                                        {"digest", digest.hex()}});
    return file;
}

}  // namespace hpml::corpus
