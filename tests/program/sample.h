#pragma once

#include <filesystem>
#include <string>

#include "support/command.h"
#include "support/data.h"

namespace hpml::test {

/// The sample corpus prepared into `folder`; a second or two, but a copy from the second time on.
inline std::filesystem::path prepare_sample(const std::filesystem::path& folder) {
    static const ScratchFolder prepared("sample");
    const auto data = prepared / "data";
    if (!std::filesystem::exists(data)) {
        const auto result = run_command(
            program("hpml_prepare") + " --input " + source("data/sample/corpus") + " --vocab " +
            source("data/sample/vocab.txt") +
            " --sequence-length 32 --validation-fraction 0.05 --output " + data.string());
        if (result.code != 0) {
            throw std::runtime_error("hpml_prepare failed: " + result.output);
        }
    }
    std::filesystem::copy(data, folder, std::filesystem::copy_options::recursive);
    return folder;
}

/// A model so small that a step takes milliseconds, as config.json.
inline std::string micro_model(const std::filesystem::path& folder) {
    const auto path = folder / "micro.json";
    write_file(
        path,
        R"({"model_type": "bert", "vocab_size": 4000, "hidden_size": 32, "num_hidden_layers": 2,
  "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64, "type_vocab_size": 2,
  "layer_norm_eps": 1e-12, "initializer_range": 0.02, "hidden_act": "gelu"})");
    return path.string();
}

/// `hpml_pretrain` on `ranks` ranks with the micro model; `more` options behind.
inline std::string pretrain_command(int ranks, const std::filesystem::path& folder,
                                    const std::string& run, const std::string& more) {
    return mpirun(ranks) + program("hpml_pretrain") + " --data " + (folder / "data").string() +
           " --run " + (folder / run).string() + " --model " + micro_model(folder) +
           " --optimizer lamb --learning-rate 5e-3 --warmup 2 --global-batch 12 --micro-batch 1 "
           "--threads 1"
           " --allreduce ring --bucket-mib 0.05 --seed 7 " +
           more;
}

}  // namespace hpml::test
