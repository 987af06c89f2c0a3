#include "tasks/glue_checkpoint.h"

#include <span>

#include "base/file.h"
#include "tasks/glue_settings.h"
#include "tasks/pretrain_checkpoint.h"

namespace hpml::tasks {

namespace {

constexpr int kFormatVersion = 1;

}  // namespace

checkpoint::Contents tuned_model(train::Replica& replica, Step step, const GlueOptions& options,
                                 const GlueStart& start) {
    checkpoint::Contents contents;
    contents.step = step;
    for (const auto& [name, tensor] : replica.named_parameters()) {
        contents.model.push_back({name, tensor});
    }
    contents.config =
        model::config_to_json(start.config, model::Head::Classification, options.recipe.dropout);
    contents.config["finetuning_task"] = options.task;
    contents.state = {{"format_version", kFormatVersion},
                      {"step", step.value},
                      {"settings", glue_settings(options, start)}};
    contents.set_tokenizer(start.tokenizer->files(), start.config.max_positions);
    return contents;
}

checkpoint::Contents tuning_state(train::Replica& replica, const FineTuneProgress& progress,
                                  const GlueOptions& options, const GlueStart& start) {
    checkpoint::Contents contents = tuned_model(replica, progress.done, options, start);
    for (const auto& piece : replica.optimizer().state()) {
        contents.optimizer.push_back({piece.name, piece.tensor});
    }
    contents.state["optimizer_steps"] = replica.optimizer().steps_taken();
    contents.state["mean_loss"] = progress.mean_loss;
    return contents;
}

FineTuneProgress resume_tuning(train::Replica& replica, const std::filesystem::path& folder,
                               const mpi::Communicator& ranks) {
    FineTuneProgress progress;
    mpi::on_root(ranks, [&] {
        const std::string where = "checkpoint " + folder.string();
        progress.mean_loss =
            json_member<double>(read_json(folder / "state.json"), "mean_loss", where);
    });
    ranks.broadcast(std::as_writable_bytes(std::span(&progress.mean_loss, 1)));
    progress.done = restore(replica, folder, ranks).step;
    return progress;
}

}  // namespace hpml::tasks
