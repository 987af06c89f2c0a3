// One screen about a run directory, or one word for scripts. Needs neither MPI nor a GPU.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "apps/options.h"
#include "apps/program.h"
#include "report/status_text.h"

namespace {

struct StatusOptions {
    std::filesystem::path run;
    bool brief = false;
};

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
        table.example("hpml_status --brief RUN",
                      "Requeue a batch job only when this prints interrupted");
        if (table.parse(argc, argv) == hpml::ParseResult::Exit) {
            return 0;
        }
        std::cout << (options.brief ? hpml::state_word(hpml::run_verdict(options.run)) + "\n"
                                    : hpml::printable(hpml::status_text(options.run)));
        return 0;
    });
}
