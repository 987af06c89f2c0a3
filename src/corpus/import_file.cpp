#include "corpus/import_file.h"

#include <string>
#include <vector>

#include "base/json.h"
#include "corpus/duplicates.h"

namespace hpml::corpus {

namespace {

std::filesystem::path summary_path(const ImportTask& task) {
    return task.hashes.string() + ".json";
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
        check_masked_row({task.input, file.rows}, row, tokenizer.special(), tokenizer.size());
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
