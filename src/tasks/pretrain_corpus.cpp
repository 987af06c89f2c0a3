#include <filesystem>
#include <memory>

#include "base/error.h"
#include "corpus/data_folder.h"
#include "corpus/masked_folder.h"
#include "tasks/pretrain.h"
#include "text/tokenizer.h"

namespace hpml::tasks {

namespace {

corpus::Manifest read_shards(const PretrainOptions& options) {
    if (!std::filesystem::exists(options.data / "manifest.json")) {
        throw MissingInputError("no prepared corpus in " + options.data.string() +
                                " (manifest.json is not there, nor files of masked rows); make one "
                                "with\n  hpml_prepare --input TEXT... --vocab vocab.txt --output " +
                                options.data.string() +
                                "\nor name another folder with --data or $HPML_DATA");
    }
    if (!options.vocabulary.empty()) {
        throw UsageError("--vocab " + options.vocabulary.string() + ", but " +
                         options.data.string() +
                         " holds the tokenizer that it was made with (another would read other "
                         "words); leave --vocab out, it is for masked HDF5 files");
    }
    corpus::Manifest manifest = corpus::read_manifest(options.data);
    manifest.padding_id = corpus::read_tokenizer(options.data, manifest)->special().pad;
    return manifest;
}

}  // namespace

const std::filesystem::path& tokenizer_place(const PretrainOptions& options) {
    return options.vocabulary.empty() ? options.data : options.vocabulary;
}

corpus::Manifest read_corpus(const PretrainOptions& options, const mpi::Communicator& ranks) {
    if (corpus::is_masked_folder(options.data, ranks)) {
        std::unique_ptr<text::Tokenizer> tokenizer;
        mpi::agree(ranks, [&] {
            tokenizer =
                corpus::load_row_tokenizer(tokenizer_place(options), text::CaseChoice::Auto);
        });
        corpus::Manifest manifest = corpus::read_masked_folder(options.data, *tokenizer, ranks);
        manifest.padding_id = tokenizer->special().pad;
        return manifest;
    }
    corpus::Manifest manifest;
    mpi::agree(ranks, [&] { manifest = read_shards(options); });
    return manifest;
}

}  // namespace hpml::tasks
