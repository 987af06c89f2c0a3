// hpml_check: what a job will meet is said before it is submitted, without MPI.

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>
#include <tuple>

#include "base/file.h"
#include "base/hash.h"
#include "corpus/manifest.h"
#include "program/refusal.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

struct Fixture {
    ScratchFolder folder{"check"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] std::string command(const std::string& more = "") const {
        return program("hpml_check") + " --data " + (folder / "data").string() + " --run " +
               (folder / "run").string() + " --model " + micro_model(folder.path()) +
               " --global-batch 12 " + more;
    }
    [[nodiscard]] CommandResult check(const std::string& more = "") const {
        return run_command(command(more));
    }
};

/// The number behind a name in the printed table.
double number_of(const CommandResult& result, const std::string& name) {
    std::istringstream lines(result.output);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("  " + name + " ")) {
            return std::stod(line.substr(line.find_last_of(' ')));
        }
    }
    BOOST_ERROR("no line '" << name << "' in: " << result.output);
    return 0;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(check_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_good_job_is_described_and_passes) {
    const auto result = check("--ranks 3 --micro-batch 1 --steps 240");
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    const auto manifest = corpus::read_manifest(folder / "data");
    BOOST_TEST(number_of(result, "training rows") == static_cast<double>(manifest.train_rows()));
    BOOST_TEST(number_of(result, "training tokens") == static_cast<double>(manifest.train_tokens));
    BOOST_TEST(number_of(result, "longest row, tokens") == 32);
    BOOST_TEST(number_of(result, "shards, all verified") == 2);
    BOOST_TEST(std::abs(number_of(result, "unigram entropy, nats") -
                        manifest.unigram_entropy_nats) <= 0.0005);
    BOOST_TEST(result.says("3 x 4 x 1"), result.output);
    BOOST_TEST(std::abs(number_of(result, "epochs") -
                        240 * 12 / static_cast<double>(manifest.train_rows())) <= 0.005);
    BOOST_TEST(result.says("all checks passed"));
    BOOST_TEST(!fs::exists(folder / "run"), "a check must leave nothing behind");
}

BOOST_AUTO_TEST_CASE(micro_batches_that_the_ranks_share_unevenly_are_told_as_they_are) {
    const auto result = check("--ranks 5 --micro-batch 1 --reproducible elastic --steps 2");
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    BOOST_TEST(number_of(result, "micro-batches of 1 over 5 ranks") == 12);
}

BOOST_AUTO_TEST_CASE(it_starts_no_mpi) {
    // A transport that does not exist: every program that starts MPI fails at once.
    const std::string broken = "OMPI_MCA_btl=nonsense ";
    BOOST_TEST(run_command(broken + command()).code == 0);
    BOOST_TEST(
        run_command(broken + program("hpml_bench") + " loader --data " + (folder / "data").string())
                .code != 0,
        "the control: with this setting MPI must not start");
}

BOOST_AUTO_TEST_CASE(the_memory_estimate_adds_up_and_follows_the_options) {
    const auto small = check("--micro-batch 1");
    const auto large = check("--micro-batch 4 --ranks 3 --ranks-per-node 3");
    BOOST_TEST_REQUIRE(large.code == 0, large.output);
    // A table without optimizer tells the size of one copy of the parameters.
    const double parameters = number_of(small, "parameters");
    BOOST_TEST(parameters == 152384);
    double sum = 0;
    for (const char* part : {"process and libraries", "gradients", "optimizer state (adamw)",
                             "activations of a micro-batch"}) {
        sum += number_of(small, part);
    }
    sum += 4 * parameters / 1e6;
    BOOST_TEST(std::abs(number_of(small, "all") - sum) <= 0.3, small.output);
    BOOST_TEST(std::abs(number_of(small, "gradients") - 4 * parameters / 1e6) <= 0.05);
    BOOST_TEST(std::abs(number_of(small, "optimizer state (adamw)") - 8 * parameters / 1e6) <=
               0.05);
    BOOST_TEST(number_of(large, "activations of a micro-batch") >
               number_of(small, "activations of a micro-batch"));
    BOOST_TEST(number_of(large, "gradients") == number_of(small, "gradients"));
    BOOST_TEST(number_of(large, "process and libraries") <
               number_of(small, "process and libraries"));  // three ranks share the files
    BOOST_TEST(std::abs(number_of(large, "3 ranks of a node") - 3 * number_of(large, "all")) <=
               0.2);
}

BOOST_AUTO_TEST_CASE(a_node_that_is_too_small_is_a_warning) {
    const auto result = check("--ranks-per-node 100000");
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("warning: more than this machine has"), result.output);
}

BOOST_AUTO_TEST_CASE(checkpoints_that_cannot_fit_on_the_disk_are_refused) {
    const std::string many = "--keep-checkpoints 1000000000 --steps 1000000000";
    check_one_error(check(many + " --checkpoint-every 1"), 73, "lower --keep-checkpoints");
    const auto few = check(many + " --checkpoint-every 500000000");
    BOOST_TEST(few.code == 0, few.output);
    BOOST_TEST(few.says("for 2 to come"), few.output);
    const std::string kept = "--steps 100 --checkpoint-every 10 --keep-every 20 --milestones 0.5 ";
    const auto some = check(kept + "--keep-checkpoints 2");
    // 20, 40, ..., 100 and 50 for good, 90 in turn.
    BOOST_TEST(some.says("for 7 to come, 6 of them for good (--keep-every, --milestones)"),
               some.output);
    const auto hours =
        check("--budget-hours 1 --schedule constant --keep-every 20 --checkpoint-every 10");
    BOOST_TEST(hours.says("for 4 to come, and one for good every 20 steps, which are not counted"),
               hours.output);
}

BOOST_AUTO_TEST_CASE(bad_options_exit_64) {
    check_one_error(check("--micro-bacth 2"), 64, "--micro-batch");
    check_one_error(check("--ranks 5"), 64, "over 5 ranks");
    check_one_error(check("--ranks -1"), 64, "--ranks");
    check_one_error(check("--learning-rate nan"), 64, "--learning-rate");
    check_one_error(check("--loss-scale-init 0"), 64, "--loss-scale-init");
    check_one_error(check("--loss-scale-init 1e30"), 64, "--loss-scale-init");
    check_one_error(check("--loss-scale-init 8 --loss-scale-min 16"), 64, "begins at 8 between 16");
    check_one_error(check("--loss-scale-min 0"), 64, "--loss-scale-min");
    check_one_error(check("--loss-scale-window 0"), 64, "--loss-scale-window");
    check_one_error(check("--loss-scale-hysteresis 0"), 64, "--loss-scale-hysteresis");
}

BOOST_AUTO_TEST_CASE(budgets_beyond_what_can_be_counted_exit_64) {
    check_one_error(check("--steps 9007199254740992"), 64, "--steps asks for 9.0072e+15 steps");
    check_one_error(check("--steps 20000000000000000"), 64, "--steps asks for 2e+16 steps");
    check_one_error(check("--epochs 1e300"), 64, "--epochs asks for ");
    check_one_error(check("--budget-tokens 9223372036854775807"), 64, "--budget-tokens asks for ");
    for (const std::string option : {"--budget-hours", "--max-hours"}) {
        check_one_error(check(option + " 1e300"), 64, "from 0 to 1000000 (hours)");
    }
    check_one_error(check("--timeout-seconds 1e300"), 64, "at most 1000000h");
    const auto most = check("--steps 9007199254740991");
    BOOST_TEST(most.code == 0, most.output);
    BOOST_TEST(number_of(most, "steps") == 9007199254740991);
}

BOOST_AUTO_TEST_CASE(batches_whose_product_would_overflow_exit_64) {
    for (const std::string option :
         {"--micro-batch", "--batch-ramp", "--batch-ramp-increment", "--batch-ramp-sequences"}) {
        check_one_error(check("--ranks 4 " + option + " 4611686018427387904"), 64, option);
    }
    check_one_error(check("--ranks 4 --micro-batch 1073741824"), 64, "the micro-batch can be 1, 3");
    check_one_error(check("--micro-batch 2147483647 --reproducible elastic"), 64,
                    "take a micro-batch of 1, 2, 3, 4, 6, 12");
}

BOOST_AUTO_TEST_CASE(options_that_the_optimizer_would_ignore_exit_64) {
    check_one_error(check("--optimizer adamw --use-nvlamb off"), 64,
                    "--use-nvlamb belongs to lamb");
    check_one_error(check("--optimizer lamb --ns-steps 9"), 64, "--ns-steps belongs to muon");
    const std::string adafactor = "--steps 10 --optimizer adafactor --relative-step on ";
    check_one_error(check(adafactor + "--learning-rate 0.01"), 64,
                    "--learning-rate 0.01 with --relative-step on");
    BOOST_TEST(check(adafactor + "--clip-threshold 3").code == 0);
}

BOOST_AUTO_TEST_CASE(a_missing_corpus_shard_or_vocabulary_exits_66) {
    check_one_error(run_command(program("hpml_check") + " --data /nowhere --run r --model tiny"),
                    66, "hpml_prepare");
    fs::rename(folder / "data/vocab.txt", folder / "vocab.txt");
    check_one_error(check(), 66, "vocab.txt");
    fs::rename(folder / "vocab.txt", folder / "data/vocab.txt");
    fs::remove(folder / "data/train-00000.h5");
    check_one_error(check(), 66, "train-00000.h5");
}

BOOST_AUTO_TEST_CASE(a_damaged_corpus_exits_65) {
    const fs::path shard = folder / "data/train-00000.h5";
    const auto bytes = fs::file_size(shard);
    fs::resize_file(shard, bytes / 2);
    check_one_error(check(), 65, "train-00000.h5 is truncated");
    fs::resize_file(shard, bytes);
    check_one_error(check(), 65, "train-00000.h5 is damaged");
    std::ofstream(folder / "data/vocab.txt", std::ios::app) << "zzzz\n";
    check_one_error(check(), 65, "vocab.txt");
    write_file(folder / "data/manifest.json", "{\"format_version\": 1");
    check_one_error(check(), 65, "manifest.json");
}

BOOST_AUTO_TEST_CASE(rows_longer_than_the_model_exit_65) {
    write_file(folder / "short.json",
               R"({"model_type": "bert", "vocab_size": 4000, "hidden_size": 32,
  "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
  "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
  "initializer_range": 0.02, "hidden_act": "gelu"})");
    check_one_error(run_command(program("hpml_check") + " --data " + (folder / "data").string() +
                                " --run r --model " + (folder / "short.json").string()),
                    65, "positions for 16");
}

BOOST_AUTO_TEST_CASE(the_installation_checks_itself_without_a_corpus) {
    const auto result = run_command(program("hpml_check") + " --self");
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("self check passed"), result.output);
}

BOOST_AUTO_TEST_CASE(shards_are_verified_and_shown) {
    const auto data = folder / "data";
    const auto manifest = corpus::read_manifest(data);
    const auto shown = run_command(program("hpml_check") + " shards " + data.string());
    BOOST_TEST_REQUIRE(shown.code == 0, shown.output);
    for (const auto& [name, shards, tokens] :
         {std::tuple{"training", &manifest.train, manifest.train_tokens},
          std::tuple{"validation", &manifest.validation, manifest.validation_tokens}}) {
        std::int64_t rows = 0;
        for (const auto& shard : *shards) {
            rows += shard.rows;
        }
        BOOST_TEST(shown.says(fmt::format("{}: {} shards, {} rows, {} tokens", name, shards->size(),
                                          rows, tokens)),
                   shown.output);
    }
    BOOST_TEST(shown.says("sample 3: [CLS] "), shown.output);
    BOOST_TEST(shown.says("[MASK:"), shown.output);
    BOOST_TEST(shown.says("all hashes, schemas and token ids are right"), shown.output);

    const auto shard = data / manifest.validation.at(0).name;
    std::string bytes = read_text(shard);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write_file(shard, bytes);
    check_one_error(run_command(program("hpml_check") + " shards " + data.string()), 65,
                    manifest.validation.at(0).name + " is damaged");
    check_one_error(run_command(program("hpml_check") + " shards " + folder.path().string()), 66,
                    "holds no manifest.json");
}

BOOST_AUTO_TEST_SUITE_END()
