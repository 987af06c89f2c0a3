#include "tasks/checkpoint_bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/median.h"
#include "corpus/data_folder.h"
#include "tasks/bench_batches.h"
#include "tasks/pretrain_saver.h"
#include "text/wordpiece_tokenizer.h"
#include "train/step.h"
#include "train/watched_ranks.h"

namespace hpml::tasks {

namespace {

namespace fs = std::filesystem;

/// What stands for a corpus's tokenizer: as many tokens as the model has words.
text::WordPieceTokenizer tokenizer_of(const model::ModelConfig& model) {
    std::string tokens = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (std::int64_t id = 5; id < model.vocabulary_size; ++id) {
        tokens += fmt::format("token{}\n", id);
    }
    return {text::Vocabulary(std::move(tokens), "vocab.txt"), text::LetterCase::Lower};
}

/// A run directory of its own with a tokenizer's files, removed at the end. Collective.
class Scratch {
  public:
    Scratch(const fs::path& parent, const text::Tokenizer& tokenizer,
            const mpi::Communicator& ranks)
        : is_root_(ranks.is_root()) {
        mpi::on_root(ranks, [&] {
            folder_ = parent / fmt::format("hpml-bench-{}", ::getpid());
            make_folders(folder_);
            corpus::write_tokenizer(folder_, tokenizer);
        });
        folder_ = ranks.broadcast(folder_.string());
    }
    ~Scratch() {
        if (is_root_) {
            std::error_code ignored;
            fs::remove_all(folder_, ignored);
        }
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    Scratch(Scratch&&) = delete;
    Scratch& operator=(Scratch&&) = delete;

    [[nodiscard]] const fs::path& folder() const { return folder_; }

  private:
    bool is_root_;
    fs::path folder_;
};

class LastSave : public train::SilentObserver {
  public:
    void on_checkpoint(const train::CheckpointRecord& record) override { last = record; }
    train::CheckpointRecord last;
};

PretrainOptions pretrain_options(const CheckpointBenchOptions& options, const fs::path& folder) {
    PretrainOptions run;
    run.data = folder;
    run.run = folder;
    run.model = options.model;
    run.optimizer.name = options.step.optimizer;
    run.dropout = options.step.dropout;
    run.micro_batch = options.step.micro_batch;
    run.keep_checkpoints = 1;
    run.max_failed_checkpoints = 1;
    run.communication = options.step.communication;
    return run;
}

corpus::Manifest manifest_of(const StepBenchOptions& options, const text::Tokenizer& tokenizer) {
    corpus::Manifest manifest;
    manifest.sequence_length = options.sequence_length;
    manifest.vocabulary_size = tokenizer.size();
    manifest.vocabulary_hash = tokenizer.hash();
    return manifest;
}

train::ReplicaOptions replica_options(const StepBenchOptions& options,
                                      const train::Accelerator& accelerator,
                                      comm::Progress progress, comm::Watchdog& watchdog) {
    train::ReplicaOptions replica;
    replica.model = options.model;
    replica.computation = options.computation;
    replica.optimizer.name = options.optimizer;
    replica.communication = options.communication;
    replica.progress = progress;
    replica.accelerator = accelerator;
    replica.watchdog = &watchdog;
    return replica;
}

/// A training that goes on for as long as it is asked to, and saves when it is asked to.
class SavingRun {
  public:
    SavingRun(const CheckpointBenchOptions& options, const train::Accelerator& accelerator,
              comm::Progress progress, train::WatchedRanks& watched, const Log& log)
        : options_(options.step),
          ranks_(watched.ranks()),
          tokenizer_(tokenizer_of(options.step.model)),
          scratch_(options.folder, tokenizer_, ranks_),
          run_(pretrain_options(options, scratch_.folder())),
          manifest_(manifest_of(options.step, tokenizer_)),
          context_{.ranks = ranks_,
                   .log = log,
                   .observer = observer_,
                   .signals = signals_,
                   .resume_from = {}},
          replica_(replica_options(options.step, accelerator, progress, watched.watchdog()), ranks_,
                   log),
          saver_(run_, manifest_, context_, replica_),
          runner_({replica_.arena(), replica_.reducer(), replica_.optimizer(), ranks_,
                   &watched.watchdog(), replica_.trace(), replica_.loss_scaler(), nullptr,
                   [this] { saver_.before_update(); }},
                  1.0),
          source_(options.step, ranks_.rank().value, ranks_.size()) {}

    /// @return the time of a step, the same on every rank
    Seconds step() {
        std::vector<corpus::Batch> batches;
        for (std::int64_t micro = 0; micro < options_.accumulation; ++micro) {
            batches.push_back(source_.make(static_cast<int>(step_.value), micro));
        }
        replica_.begin_step(step_);
        Votes votes;
        saver_.vote(votes);
        ranks_.barrier();
        const Stopwatch watch;
        const auto forward = [&](std::int64_t micro) {
            return replica_.bert().mlm_loss(batches[static_cast<std::size_t>(micro)],
                                            {options_.dropout, 1, step_.value});
        };
        (void)runner_.run(options_.accumulation, forward, 1e-4, votes.values());
        saver_.heed(votes);
        step_ += Step(1);
        return slowest(watch.elapsed());
    }

    struct Block {
        Seconds all;
        std::vector<double> steps;
        train::CheckpointRecord save;  ///< rank 0's
        bool is_within = true;
    };
    Block free_block() {
        Block block;
        for (int i = 0; i < options_.steps; ++i) {
            block.steps.push_back(step().value);
            block.all += Seconds(block.steps.back());
        }
        return block;
    }
    /// The save begins with the first step.
    Block block_with_save() {
        const Seconds beginning = begin_save();
        Block block = free_block();
        block.all += beginning;
        block.is_within = saver_.saved() == saving_;
        saver_.finish();
        block.save = observer_.last;
        return block;
    }
    Seconds save_alone() {
        ranks_.barrier();
        const Stopwatch watch;
        (void)begin_save();
        saver_.finish();
        return slowest(watch.elapsed());
    }

  private:
    Seconds begin_save() {
        // Another one than the last, even if no step lies between them.
        saving_ = saving_ + Step(1) > step_ ? saving_ + Step(1) : step_;
        const Stopwatch watch;
        saver_.save({.step = saving_}, Saver::Attempt::Due);
        return slowest(watch.elapsed());
    }

    [[nodiscard]] Seconds slowest(Seconds here) const {
        double seconds = here.value;
        ranks_.max(std::span(&seconds, 1));
        return Seconds(seconds);
    }

    const StepBenchOptions& options_;
    const mpi::Communicator& ranks_;
    text::WordPieceTokenizer tokenizer_;
    Scratch scratch_;
    PretrainOptions run_;
    corpus::Manifest manifest_;
    LastSave observer_;
    train::StopSignals signals_;
    PretrainContext context_;
    train::Replica replica_;
    Saver saver_;
    train::StepRunner runner_;
    BenchBatches source_;
    Step step_;
    Step saving_{-1};
};

double median_of_rounds(const std::vector<SaveTimes>& rounds, Seconds SaveTimes::*time) {
    std::vector<double> seconds;
    for (const SaveTimes& round : rounds) {
        seconds.push_back((round.*time).value);
    }
    return median_of(std::move(seconds));
}

}  // namespace

CheckpointRates measure_checkpoints(const CheckpointBenchOptions& options,
                                    const mpi::Communicator& world,
                                    const train::Accelerator& accelerator, comm::Progress progress,
                                    const Log& log) {
    train::WatchedRanks watched({}, world, log);
    SavingRun run(options, accelerator, progress, watched, log);
    for (int i = 0; i < options.step.warmup_steps; ++i) {
        (void)run.step();
    }
    CheckpointRates rates;
    std::vector<double> steps;
    for (int number = 0; number < options.rounds; ++number) {
        SaveTimes round;
        const auto with = [&] {
            const auto block = run.block_with_save();
            round.block = block.all;
            round.is_within = block.is_within;
            round.stopped = block.save.stopped;
            round.beside = block.save.seconds;
            rates.bytes = block.save.bytes;
        };
        const auto without = [&] {
            const auto block = run.free_block();
            round.free_block = block.all;
            steps.insert(steps.end(), block.steps.begin(), block.steps.end());
        };
        // In turn first and second, so that a machine that grows warm or busy favours neither.
        if (options.only_beside || number % 2 == 0) {
            with();
        }
        if (!options.only_beside) {
            without();
            if (number % 2 != 0) {
                with();
            }
            round.alone = run.save_alone();
        }
        rates.rounds.push_back(round);
    }
    for (const SaveTimes& round : rates.rounds) {
        rates.stopped = std::max(rates.stopped, round.stopped);
    }
    rates.beside = Seconds(median_of_rounds(rates.rounds, &SaveTimes::beside));
    if (!options.only_beside) {
        rates.step = Seconds(median_of(steps));
        rates.alone = Seconds(median_of_rounds(rates.rounds, &SaveTimes::alone));
        std::vector<double> lost;
        for (const SaveTimes& round : rates.rounds) {
            lost.push_back((round.block - round.free_block).value);
        }
        rates.lost = Seconds(median_of(std::move(lost)));
    }
    return rates;
}

}  // namespace hpml::tasks
