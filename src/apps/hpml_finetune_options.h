#pragma once

#include <string>
#include <vector>

#include "apps/options.h"
#include "base/terminal.h"
#include "tasks/glue.h"
#include "train/stop.h"

namespace hpml {

/// What the executable itself needs beside the options of the run.
struct FinetuneProgramOptions {
    tasks::GlueOptions run;
    Seconds log_every;  ///< 0: 30 s
    ColorWhen color = ColorWhen::Auto;
    double max_hours = 0;  ///< of this job; 0: no limit
    int threads = 0;       ///< per rank; 0: from the affinity masks
    bool break_lock = false;
    std::vector<std::string> stop_signals = train::usual_stop_signals();
};

/// The table of hpml_finetune's options.
void declare_finetune_options(OptionTable& table, FinetuneProgramOptions& options);

}  // namespace hpml
