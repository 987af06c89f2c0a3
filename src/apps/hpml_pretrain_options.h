#pragma once

#include <string>
#include <vector>

#include "apps/options.h"
#include "base/terminal.h"
#include "tasks/pretrain.h"
#include "train/stop.h"

namespace hpml {

/// What the executable itself needs beside the options of the run.
struct PretrainProgramOptions {
    tasks::PretrainOptions run;
    Seconds log_every;  ///< 0: 30 s
    ColorWhen color = ColorWhen::Auto;
    bool break_lock = false;
    std::vector<std::string> stop_signals = train::usual_stop_signals();
};

/// The one table of hpml_pretrain's options; hpml_check reads the same.
void declare_pretrain_options(OptionTable& table, PretrainProgramOptions& options);

}  // namespace hpml
