#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/save.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

void Contents::set_tokenizer(std::vector<text::TokenizerFile> files, std::int64_t longest) {
    vocabulary.clear();
    for (text::TokenizerFile& file : files) {
        if (file.name == "tokenizer_config.json") {
            tokenizer_config = parse_json(file.text, file.name);
            tokenizer_config["model_max_length"] = longest;
        } else {
            vocabulary.push_back(std::move(file));
        }
    }
}

namespace {

/// All parts of a save that one process makes alone.
void write_all_parts(Save& save) {
    save.prepare();
    try {
        save.write_part();
    } catch (...) {
        save.discard();
        throw;
    }
}

}  // namespace

Checkpoint write_checkpoint(const fs::path& run, std::int64_t generation, const Contents& contents,
                            const std::function<void()>& before_publish) {
    Save save(run, generation, contents, Share{});
    write_all_parts(save);
    return save.publish({save.report()}, before_publish);
}

void write_model_folder(const fs::path& folder, const Contents& contents) {
    Save save(folder / ".tmp-0-0", contents);
    write_all_parts(save);
    try {
        const Manifest manifest = save.seal({save.report()});
        // An old manifest must never stand beside new files.
        std::error_code ignored;
        fs::remove(folder / kManifestName, ignored);
        for (const ManifestFile& file : manifest.files) {
            fs::rename(save.temporary() / file.name, folder / file.name);
        }
        fs::rename(save.temporary() / kManifestName, folder / kManifestName);
        sync_folder(folder);
    } catch (const fs::filesystem_error& failure) {
        save.discard();
        throw IoError(failure.what());
    } catch (...) {
        save.discard();
        throw;
    }
    save.discard();
}

}  // namespace hpml::checkpoint
