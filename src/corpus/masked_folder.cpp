#include "corpus/masked_folder.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "corpus/masked_files.h"
#include "corpus/masked_rows.h"
#include "corpus/prepare_input.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// What the ranks tell each other of a file.
enum Fact : std::size_t { kRows, kLength, kHasLabels, kIsPair, kFacts };

ShardEntry entry_of(const InputEntry& input, std::int64_t rows) {
    ShardEntry entry;
    entry.name = input.name;
    entry.rows = rows;
    entry.bytes = input.size.value;
    entry.hash = hash_text(input.name + '\n' + std::to_string(input.size.value) + '\n' +
                           std::to_string(rows));
    return entry;
}

std::vector<std::int64_t> look_into(const std::vector<InputEntry>& inputs,
                                    const mpi::Communicator& ranks) {
    std::vector<std::int64_t> facts(inputs.size() * kFacts);
    mpi::agree(ranks, [&] {
        const auto step = static_cast<std::size_t>(ranks.size());
        for (auto i = static_cast<std::size_t>(ranks.rank().value); i < inputs.size(); i += step) {
            MaskedRowsReader reader(inputs[i].path);
            std::int64_t* of_file = &facts[i * kFacts];
            of_file[kRows] = reader.rows();
            of_file[kLength] = reader.sequence_length();
            of_file[kHasLabels] = reader.has_next_sentences() ? 1 : 0;
            of_file[kIsPair] = reader.begins_with_pair() ? 1 : 0;
        }
    });
    ranks.sum(std::span(facts));
    return facts;
}

bool are_pairs(const std::vector<std::int64_t>& facts) {
    bool any_pair = false;
    for (std::size_t file = 0; file < facts.size(); file += kFacts) {
        if (facts[file + kHasLabels] == 0) {
            return false;
        }
        any_pair = any_pair || facts[file + kIsPair] != 0;
    }
    return any_pair;
}

}  // namespace

bool is_masked_folder(const fs::path& data, const mpi::Communicator& ranks) {
    std::int64_t found = 0;
    mpi::on_root(ranks, [&] {
        // Shards end in .h5, too: what hpml_prepare has begun is none.
        if (!fs::is_directory(data) || fs::exists(data / "manifest.json") ||
            fs::exists(data / "prepare.json")) {
            return;
        }
        for (const auto& entry : fs::recursive_directory_iterator(
                 data, fs::directory_options::follow_directory_symlink)) {
            if (entry.is_regular_file() && is_masked_file(entry.path())) {
                found = 1;
                return;
            }
        }
    });
    ranks.max(std::span(&found, 1));
    return found != 0;
}

Manifest read_masked_folder(const fs::path& data, const text::Tokenizer& tokenizer,
                            const mpi::Communicator& ranks) {
    const auto all = list_inputs({data}, data.root_path() / "/", ranks);
    MaskedFiles files;
    mpi::agree(ranks, [&] { files = sort_masked_files(all, data); });
    std::vector<InputEntry> inputs = files.train;
    inputs.insert(inputs.end(), files.validation.begin(), files.validation.end());
    const std::vector<std::int64_t> facts = look_into(inputs, ranks);
    Manifest manifest;
    manifest.kind = CorpusKind::MaskedRows;
    manifest.tokenizer = tokenizer.kind();
    manifest.lower_case = tokenizer.letter_case() == text::LetterCase::Lower;
    manifest.pairs = are_pairs(facts);
    manifest.vocabulary_size = tokenizer.size();
    manifest.vocabulary_hash = tokenizer.hash();
    manifest.settings_hash = hash_text("masked rows");
    manifest.sequence_length = facts[kLength];
    mpi::agree(ranks, [&] {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const std::int64_t* of_file = &facts[i * kFacts];
            if (of_file[kLength] != manifest.sequence_length) {
                throw InputError(inputs[i].path.string() + " has rows of " +
                                 std::to_string(of_file[kLength]) + " tokens, " +
                                 inputs[0].path.string() + " of " +
                                 std::to_string(manifest.sequence_length) +
                                 " (a corpus has one length); train on one of them at a time");
            }
            auto& split = i < files.train.size() ? manifest.train : manifest.validation;
            split.push_back(entry_of(inputs[i], of_file[kRows]));
        }
    });
    manifest.validation_documents = manifest.validation_rows();
    manifest.documents = manifest.train_rows() + manifest.validation_rows();
    return manifest;
}

void check_masked_rows(const fs::path& data, const Manifest& manifest,
                       const text::Tokenizer& tokenizer) {
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& entry : *split) {
            const fs::path path = data / entry.name;
            MaskedRowsReader reader(path);
            MaskedRow row;
            for (std::int64_t number = 0; reader.next(row); ++number) {
                check_masked_row({path, number}, row, tokenizer.special(), tokenizer.size());
            }
        }
    }
}

}  // namespace hpml::corpus
