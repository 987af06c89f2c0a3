#include "checkpoint/folder.h"

#include <string_view>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "manifest/manifest.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

fs::path newest_valid(const fs::path& run, const Log& log) {
    const std::vector<Checkpoint> steps = list_checkpoints(run);
    for (auto candidate = steps.rbegin(); candidate != steps.rend(); ++candidate) {
        try {
            return verify_checkpoint(candidate->folder).folder;
        } catch (const Error& failure) {
            log.warn("{}; trying the checkpoint before it", failure.what());
        }
    }
    if (steps.empty()) {
        throw MissingInputError(checkpoints_of(run).string() +
                                " holds no checkpoint yet; give the run more time");
    }
    throw InputError("no checkpoint in " + checkpoints_of(run).string() + " is valid");
}

bool has_tokenizer(const fs::path& folder) {
    return fs::exists(folder / "tokenizer.json") || fs::exists(folder / "vocab.txt") ||
           (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt"));
}

void require_files(const fs::path& folder) {
    for (const char* name : {"config.json", "vocab.txt", "model.safetensors"}) {
        const bool is_vocabulary = std::string_view(name) == "vocab.txt";
        if (fs::exists(folder / name) || (is_vocabulary && has_tokenizer(folder))) {
            continue;
        }
        const bool pickled = fs::exists(folder / "pytorch_model.bin");
        throw MissingInputError(
            folder.string() + " has no " + name +
            (pickled ? " (pytorch_model.bin can run code when it is read, so it never is); save "
                       "the model again with safe_serialization=True"
                     : " (a model's folder holds config.json, model.safetensors and "
                       "vocab.txt or another tokenizer; a run's folder holds checkpoints/)"));
    }
}

}  // namespace

ModelFolder resolve_model_folder(const fs::path& path, const Log& log) {
    if (!fs::is_directory(path)) {
        throw MissingInputError(path.string() +
                                " is not a folder; give a run, a checkpoint or a "
                                "folder with a model in Hugging Face's form");
    }
    ModelFolder found;
    found.folder = path;
    if (!fs::exists(path / "model.safetensors") && fs::is_directory(checkpoints_of(path))) {
        found.folder = newest_valid(path, log);
    } else if (fs::exists(path / kManifestName)) {
        (void)verify_checkpoint(path);
    }
    require_files(found.folder);
    found.weights = found.folder / "model.safetensors";
    found.config = read_json(found.folder / "config.json");
    return found;
}

}  // namespace hpml::checkpoint
