#pragma once

#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "apps/options.h"
#include "base/error.h"
#include "base/units.h"

namespace hpml::test {

enum class Norm { Post, Pre };

/// One option of every kind.
struct SampleOptions {
    std::string model = "base";
    Norm norm = Norm::Post;
    int steps = 1000;
    std::int64_t batch = 32;
    std::uint64_t seed = 1;
    double learning_rate = 1e-3;
    Seconds log_every{30};
    bool lower_case = true;
    bool dry_run = false;
    std::vector<std::filesystem::path> input;
    std::filesystem::path run;
    std::optional<double> max_hours;
    double bucket_mib = 25;
    std::string mode;
    Bytes chunk{256 * 1024};
    Seconds spin{30e-6};
};

inline void declare(OptionTable& table, SampleOptions& options) {
    table.group("Model")
        .add("model", options.model, "Size of the encoder")
        .choices({"tiny", "base"})
        .or_file(".json")
        .add_words("encoder-norm", options.norm, {{"post", Norm::Post}, {"pre", Norm::Pre}},
                   "Where the layer norm stands");
    table.group("Training")
        .add("steps", options.steps, "Optimizer steps")
        .at_least(1)
        .add("batch-size", options.batch, "Sequences per step")
        .range(1, 4096)
        .add("seed", options.seed, "Seed of everything random")
        .add("learning-rate", options.learning_rate, "Peak learning rate")
        .above(0)
        .add("max-hours", options.max_hours, "Stop in time")
        .unit("h")
        .at_least(0)
        .add("bucket-mib", options.bucket_mib, "Fusion threshold")
        .unit("MiB")
        .at_least(0.001)
        .alias("fusion-threshold")
        .advanced()
        .add_size("chunk-kib", options.chunk, Bytes(1024), "Piece of work")
        .unit("KiB")
        .at_most(4096)
        .from_environment("HPML_TEST_CHUNK_BYTES", {[](const std::string& text) {
                                                        return text == "8192"
                                                                   ? std::optional<std::string>("8")
                                                                   : std::nullopt;
                                                    },
                                                    "8192"})
        .advanced()
        .add_microseconds("spin-us", options.spin, "Time to spin")
        .unit("us")
        .advanced();
    table.group("Files")
        .add("input", options.input, "Folders or files with text")
        .add("run", options.run, "Run directory")
        .placeholder("DIR")
        .from_environment("HPML_TEST_RUN")
        .required()
        .add("lower-case", options.lower_case, "Fold case and strip accents")
        .add("log-every", options.log_every, "Time between console lines")
        .add_flag("dry-run", options.dry_run, "Check and stop")
        .add_positional("mode", options.mode, "What to measure");
}

/// A table over its own options.
struct Sample {
    Sample() { declare(table, options); }

    ParseResult parse(const std::vector<std::string>& arguments) {
        return table.parse(arguments, out);
    }

    SampleOptions options;
    OptionTable table{"hpml_sample", "Show one option of every kind"};
    std::ostringstream out;
};

/// The message of the UsageError that parsing throws; empty if it throws none.
inline std::string refusal(const std::vector<std::string>& arguments) {
    Sample sample;
    try {
        (void)sample.parse(arguments);
        return "";
    } catch (const UsageError& error) {
        return error.what();
    }
}

}  // namespace hpml::test
