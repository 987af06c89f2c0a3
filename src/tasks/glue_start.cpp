#include "tasks/glue_start.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "checkpoint/folder.h"
#include "corpus/data_folder.h"
#include "corpus/glue.h"
#include "mpi/communicator.h"

namespace hpml::tasks {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRandom = "random";
constexpr std::string_view kRandomFrom = "random:";

/// What rank 0 finds in a model's folder, as text for the others: a checkpoint is verified once,
/// not once per rank. Null for plain "random".
Json find_start(const GlueOptions& options, const mpi::Communicator& ranks, const Log& log) {
    Json found;
    mpi::on_root(ranks, [&] {
        if (options.init_from == kRandom) {
            return;
        }
        const bool random = options.init_from.starts_with(kRandomFrom);
        const auto model = checkpoint::resolve_model_folder(
            random ? options.init_from.substr(kRandomFrom.size()) : options.init_from, log);
        found = {{"folder", model.folder.string()},
                 {"weights", random ? "" : model.weights.string()},
                 {"hash", random ? kRandom : hash_file(model.weights).hex()},
                 {"config", model.config}};
    });
    return parse_json(ranks.broadcast(found.dump()), "the model's description");
}

GlueStart read_folder(const Json& found) {
    const std::string where = found.at("folder").get<std::string>() + "/config.json";
    return {
        model::config_from_json(found.at("config"), where),
        corpus::load_row_tokenizer(found.at("folder").get<std::string>(), text::CaseChoice::Auto),
        found.at("weights").get<std::string>(), found.at("hash").get<std::string>()};
}

GlueStart read_options(const GlueOptions& options) {
    if (options.model.empty() || options.vocabulary.empty()) {
        throw UsageError(
            "--init-from random needs --model and --vocab (there is no checkpoint to take them "
            "from); or write --init-from random:FOLDER to take both from that folder");
    }
    GlueStart start{model::named_model(options.model),
                    corpus::load_row_tokenizer(options.vocabulary, options.letter_case),
                    {},
                    "random"};
    start.config.vocabulary_size = start.tokenizer->size();
    model::set_padding(start.config, start.tokenizer->special().pad);
    return start;
}

void check_vocabulary(const GlueStart& start) {
    if (start.tokenizer->size() > start.config.vocabulary_size) {
        throw InputError(fmt::format(
            "the vocabulary has {} tokens, the model embeds {} (they do not belong together); put "
            "the model's own tokenizer beside its weights",
            start.tokenizer->size(), start.config.vocabulary_size));
    }
}

}  // namespace

GlueStart open_start(const GlueOptions& options, const mpi::Communicator& ranks, const Log& log) {
    const corpus::GlueTask& task = corpus::glue_task(options.task);
    const Json found = find_start(options, ranks, log);
    std::optional<GlueStart> start;
    mpi::agree(ranks, [&] {
        start = found.is_null() ? read_options(options) : read_folder(found);
        check_vocabulary(*start);
        start->config.labels =
            task.is_regression() ? 1 : static_cast<std::int64_t>(task.labels.size());
    });
    return std::move(*start);
}

}  // namespace hpml::tasks
