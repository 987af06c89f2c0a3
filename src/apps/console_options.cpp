#include "apps/console_options.h"

namespace hpml {

void add_console_options(OptionGroup& group, Seconds& log_every, ColorWhen& color) {
    group
        .add("log-every", log_every,
             "Time between lines; 0: 30 s. A terminal shows one line that is always fresh")
        .at_least(0)
        .add_words(
            "color", color,
            {{"auto", ColorWhen::Auto}, {"always", ColorWhen::Always}, {"never", ColorWhen::Never}},
            "Colors for warnings, errors and the verdict; auto: on a terminal, without "
            "$NO_COLOR");
}

}  // namespace hpml
