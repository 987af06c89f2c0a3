// One screen about a run directory, or one word for scripts. Needs neither MPI nor a GPU.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "apps/options.h"
#include "apps/program.h"
#include "base/error.h"
#include "report/checkpoint_text.h"
#include "report/status.h"
#include "report/status_text.h"

namespace {

struct StatusOptions {
    std::filesystem::path run;
    bool brief = false;
    bool checkpoints = false;
    bool verify = false;
    std::vector<std::filesystem::path> difference;
};

/// Two checkpoints: folders, or names in the run.
std::string difference_of(const StatusOptions& options) {
    if (options.difference.size() != 2) {
        throw hpml::UsageError(
            "--diff takes two checkpoints: hpml_status RUN --diff A --diff B, as folders or as "
            "names in the run like step-00000020");
    }
    const auto place = [&](const std::filesystem::path& named) {
        const auto in_run = options.run / "checkpoints" / named;
        return std::filesystem::exists(in_run) ? in_run : named;
    };
    return hpml::difference_text(place(options.difference[0]), place(options.difference[1]));
}

/// @return the exit code
int print_status(const StatusOptions& options) {
    if (options.brief) {
        std::cout << hpml::state_word(hpml::run_verdict(options.run)) << "\n";
    } else if (options.verify) {
        const hpml::VerifiedText verified = hpml::verified_text(options.run);
        std::cout << hpml::printable(verified.text);
        return verified.all_valid ? 0 : static_cast<int>(hpml::ExitCode::Input);
    } else if (!options.difference.empty()) {
        std::cout << hpml::printable(difference_of(options));
    } else {
        std::cout << hpml::printable(options.checkpoints ? hpml::checkpoints_text(options.run)
                                                         : hpml::status_text(options.run));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return hpml::run_program([&] {
        StatusOptions options;
        hpml::OptionTable table("hpml_status", "Tell how a run is doing");
        table.group("Run")
            .add_positional("RUN", options.run, "Run directory of hpml_pretrain or hpml_finetune")
            .from_environment("HPML_RUN")
            .required()
            .add_flag("brief", options.brief,
                      "Print one word: none, running, interrupted, finished or failed");
        table.group("Checkpoints")
            .add_flag("checkpoints", options.checkpoints, "List all, with what their manifests say")
            .add_flag("verify", options.verify,
                      "Read every byte of all, or of one if RUN is a checkpoint; exit 65 if one is "
                      "not valid")
            .add("diff", options.difference,
                 "Compare two, given one after the other: what of their state differs, and by how "
                 "much each tensor")
            .placeholder("CHECKPOINT");
        table.example("hpml_status --brief RUN",
                      "Requeue a batch job only when this prints interrupted");
        table.example("hpml_status RUN --diff step-00000010 --diff step-00000020",
                      "How far the weights have moved");
        return table.parse(argc, argv) == hpml::ParseResult::Exit ? 0 : print_status(options);
    });
}
