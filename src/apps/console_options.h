#pragma once

#include "apps/options.h"
#include "base/terminal.h"
#include "base/units.h"

namespace hpml {

/// --log-every and --color, the same for every program that trains.
void add_console_options(OptionGroup& group, Seconds& log_every, ColorWhen& color);

}  // namespace hpml
