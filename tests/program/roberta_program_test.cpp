// A RoBERTa on byte-level tokens: from text to a Hugging Face folder, and from such a folder on.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;
namespace fs = std::filesystem;

namespace {

struct Scene {
    ScratchFolder folder{"roberta"};

    Scene() {
        must(program("hpml_prepare") + " --input " + source("data/sample/corpus") + " --vocab " +
             source("tests/golden/small_bpe") +
             " --pack full --sequence-length 32 --validation-fraction 0.05 --output " +
             path("data"));
        write_file(folder / "roberta.json",
                   R"({"model_type": "roberta", "hidden_size": 32, "num_hidden_layers": 2,
  "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 66,
  "pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5})");
    }

    [[nodiscard]] std::string path(const std::string& name) const {
        return (folder / name).string();
    }
    [[nodiscard]] std::string pretrain(const std::string& run, const std::string& more) const {
        return mpirun(2) + program("hpml_pretrain") + " --data " + path("data") + " --run " +
               path(run) + " --model " + path("roberta.json") +
               " --optimizer adamw --learning-rate 1e-3 --global-batch 8 --threads 1 " + more;
    }
    static CommandResult must(const std::string& command) {
        auto result = run_command(command);
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        return result;
    }
    /// A checkpoint as a folder that another program might have saved: no manifest, no optimizer.
    [[nodiscard]] fs::path exported(const std::string& run, const std::string& step) const {
        const fs::path from = folder / run / "checkpoints" / step;
        const fs::path to = folder / "exported";
        fs::create_directory(to);
        for (const char* name : {"config.json", "model.safetensors", "vocab.json", "merges.txt",
                                 "tokenizer_config.json"}) {
            fs::copy_file(from / name, to / name);
        }
        return to;
    }
    [[nodiscard]] std::string weights(const fs::path& place) const {
        return hash_file(folder / place / "model.safetensors").hex();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(roberta_suite, Scene)

BOOST_AUTO_TEST_CASE(it_is_pretrained_saved_taken_up_again_and_tuned) {
    must(pretrain("one", "--steps 3"));
    const fs::path folder_of_model = exported("one", "step-00000003");
    const Json config = read_json(folder_of_model / "config.json");
    BOOST_TEST(config.at("model_type") == "roberta");
    BOOST_TEST(config.at("architectures").at(0) == "RobertaForMaskedLM");
    BOOST_TEST(config.at("max_position_embeddings") == 66);
    BOOST_TEST(config.at("pad_token_id") == 1);
    const Json tokenizer = read_json(folder_of_model / "tokenizer_config.json");
    BOOST_TEST(tokenizer.at("tokenizer_class") == "RobertaTokenizer");
    BOOST_TEST(tokenizer.at("model_max_length") == 64);

    const std::string from = " --init-from " + folder_of_model.string();
    must(pretrain("two", "--steps 0" + from));
    BOOST_TEST(weights("two/checkpoints/step-00000000") == weights("exported"));

    const auto tuned =
        must(mpirun(2) + program("hpml_finetune") + " --task sst2 --data " +
             source("data/sample/task") + " --run " + path("tuned") + from +
             " --epochs 1 --max-train-samples 64 --max-sequence-length 32 --threads 1");
    BOOST_TEST(tuned.says("new (random): classifier.dense.weight, classifier.dense.bias, "
                          "classifier.out_proj.weight, classifier.out_proj.bias"),
               tuned.output);
    BOOST_TEST(tuned.says("ignored: lm_head.bias"), tuned.output);
    BOOST_TEST(read_json(folder / "tuned/model/config.json").at("architectures").at(0) ==
               "RobertaForSequenceClassification");
    BOOST_TEST(read_json(folder / "tuned/settings.json").at("model_type") == "roberta");
}

BOOST_AUTO_TEST_CASE(a_folder_of_another_model_or_tokenizer_is_refused) {
    must(pretrain("one", "--steps 0"));
    const fs::path other = exported("one", "step-00000000");
    const auto refused = [&](const std::string& more, const std::string& reason) {
        const auto result =
            run_command(pretrain("two", "--steps 1 --init-from " + other.string() + " " + more));
        BOOST_TEST(result.code == 65, result.output);
        BOOST_TEST(result.count("error:") == 1, result.output);
        BOOST_TEST(result.says(reason), result.output);
    };
    refused("--init-moments", "optimizer state");
    Json config = read_json(other / "config.json");
    config["layer_norm_eps"] = 1e-12;
    write_file(other / "config.json", config.dump());
    refused("", "another encoder");
    config["layer_norm_eps"] = 1e-5;
    write_file(other / "config.json", config.dump());
    const std::string merges = read_text(other / "merges.txt");
    write_file(other / "merges.txt", merges.substr(0, merges.rfind('\n', merges.size() - 2) + 1));
    refused("", "tokenizer");
    const auto pre = run_command(program("hpml_pretrain") + " --data " + path("data") + " --run " +
                                 path("pre") + " --model roberta-base --encoder-norm pre");
    BOOST_TEST(pre.code == 64, pre.output);
    BOOST_TEST(pre.says("RoBERTa's norms"), pre.output);
}

BOOST_AUTO_TEST_SUITE_END()
