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

void add_watchdog_options(OptionGroup& group, Seconds& warn, Seconds& timeout) {
    group
        .add("warn-seconds", warn,
             "A step's wait for other ranks that is told, with the ranks that are behind")
        .above(0)
        .advanced()
        .add("timeout-seconds", timeout,
             "One that ends the job with exit 76, naming the rank; for a rank that lives also five "
             "of the longest steps; 0: never")
        .at_least(0);
}

}  // namespace hpml
