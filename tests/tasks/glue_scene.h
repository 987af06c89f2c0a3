#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "mpi/communicator.h"
#include "support/data.h"
#include "tasks/glue.h"
#include "train/observer.h"
#include "train/stop.h"

namespace hpml::test {

inline constexpr const char* kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nthe\nfilm\nplay\nis\nvery\nsong\n";
inline constexpr const char* kModel = R"({"model_type": "bert", "vocab_size": 13, "hidden_size": 32,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 32, "type_vocab_size": 2, "initializer_range": 0.1})";

/// Sentences whose label stands in one word. `rows` is chosen so that the last batch is small.
inline std::string task_text(int rows) {
    const std::vector<std::string> things{"film", "play", "song"};
    std::string text = "sentence\tlabel\n";
    for (int i = 0; i < rows; ++i) {
        const bool good = (i * 7 / 3) % 2 == 0;
        text += "the " + things[static_cast<std::size_t>(i) % 3] + " is " +
                (i % 4 == 0 ? "very " : "") + (good ? "good" : "bad") + "\t" + (good ? "1" : "0") +
                "\n";
    }
    return text;
}

/// Rank 0's scratch folder, for all ranks.
class Scene {
  public:
    explicit Scene(const mpi::Communicator& ranks) : ranks_(ranks) {
        if (ranks.is_root()) {
            folder_ = std::make_unique<ScratchFolder>("glue-run");
            write_file(*folder_ / "train.tsv", task_text(34));
            write_file(*folder_ / "dev.tsv", task_text(21));
            write_file(*folder_ / "test.tsv",
                       "index\tsentence\n0\tthe film is good\n1\tthe play is bad\n");
            write_file(*folder_ / "vocab.txt", kVocabulary);
            write_file(*folder_ / "model.json", kModel);
        }
        path_ = ranks.broadcast(folder_ ? folder_->path().string() : std::string());
    }
    ~Scene() { ranks_.barrier(); }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    Scene(Scene&&) = delete;
    Scene& operator=(Scene&&) = delete;

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
        return path_ / name;
    }
    [[nodiscard]] tasks::GlueOptions options(const std::string& run) const {
        tasks::GlueOptions options;
        options.task = "sst2";
        options.data = path_;
        options.run = path_ / run;
        options.init_from = "random";
        options.model = (path_ / "model.json").string();
        options.vocabulary = path_ / "vocab.txt";
        options.max_sequence_length = 16;
        options.recipe.learning_rate = 5e-3;
        options.recipe.batch = 8;
        options.recipe.micro_batch = 3;
        return options;
    }
    /// Put other bytes into a file, on rank 0.
    void replace(const std::string& name, const std::string& text) const {
        if (ranks_.is_root()) {
            write_file(path_ / name, text);
        }
        ranks_.barrier();
    }

  private:
    const mpi::Communicator& ranks_;
    std::unique_ptr<ScratchFolder> folder_;
    std::filesystem::path path_;
};

class Recorder : public train::SilentObserver {
  public:
    void on_step(const train::StepRecord& record) override { losses.push_back(record.loss); }
    std::vector<double> losses;
};

struct Taken {
    tasks::GlueOutcome outcome;
    std::vector<double> losses;
};

/// @param limit  a small one ends the run after one step
inline Taken run(const tasks::GlueOptions& options, const mpi::Communicator& ranks,
                 const train::TimeLimit& limit = train::TimeLimit(0)) {
    Recorder recorder;
    const Log log(ranks.rank(), false);
    const train::StopSignals signals;
    Taken taken{
        tasks::run_glue(
            options,
            {.ranks = ranks, .log = log, .observer = recorder, .signals = signals, .limit = limit}),
        {}};
    taken.losses = recorder.losses;
    return taken;
}

}  // namespace hpml::test
