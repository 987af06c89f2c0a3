#include "tasks/bench_batches.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "model/safetensors.h"
#include "model/work.h"
#include "tasks/random_batch.h"

namespace hpml::tasks {
namespace {

at::Tensor as_tensor(const std::vector<std::int32_t>& values) {
    return at::from_blob(const_cast<std::int32_t*>(values.data()),
                         {static_cast<std::int64_t>(values.size())}, at::kInt)
        .to(at::kLong);
}

void publish(const std::filesystem::path& path, const std::vector<model::NamedTensor>& tensors) {
    AtomicFile file(path);
    model::write_safetensors(file, tensors);
    file.publish();
}

void write_model(const StepBenchOptions& options, train::Replica& replica) {
    std::vector<model::NamedTensor> tensors;
    for (const auto& [name, tensor] : replica.named_parameters()) {
        tensors.push_back({name, tensor});
    }
    const std::filesystem::path folder = options.exchange / "model";
    std::filesystem::create_directories(folder);
    publish(folder / "model.safetensors", tensors);
    write_json(folder / "config.json",
               model::config_to_json(options.model, model::Head::MaskedLm, options.dropout));
}

}  // namespace

BenchBatches::BenchBatches(const StepBenchOptions& options, int rank, int ranks)
    : options_(options), rank_(rank), ranks_(ranks) {
    if (options.rows.empty()) {
        return;
    }
    const auto manifest = corpus::read_manifest(options.rows);
    const auto tokenizer = corpus::read_tokenizer(options.rows, manifest);
    corpus::LoaderOptions loader;
    loader.micro_batch = options.micro_batch;
    loader.global_batch = options.micro_batch * options.accumulation * ranks;
    loader.masking = corpus::masking_for(*tokenizer, corpus::MaskWhole::Tokens);
    loader.masking.rate = options.masking_rate;
    source_ = std::make_unique<corpus::MicroBatchSource>(options.rows, manifest, loader);
}

corpus::Batch BenchBatches::make(int step, std::int64_t micro) {
    const std::int64_t mine = rank_ * options_.accumulation + micro;
    if (!source_) {
        return random_batch(options_, step * ranks_ * options_.accumulation + mine);
    }
    corpus::Batch batch;
    source_->make(step, mine, batch);
    return batch;
}

void write_exchange(const StepBenchOptions& options, train::Replica& replica,
                    const mpi::Communicator& ranks) {
    mpi::on_root(ranks, [&] { write_model(options, replica); });
    mpi::agree(ranks, [&] {
        BenchBatches batches(options, ranks.rank().value, ranks.size());
        std::vector<model::NamedTensor> tensors;
        for (int step = 0; step < options.warmup_steps + options.steps; ++step) {
            for (std::int64_t micro = 0; micro < options.accumulation; ++micro) {
                const corpus::Batch batch = batches.make(step, micro);
                std::vector<std::int32_t> lengths;
                for (std::size_t i = 0; i < batch.sequences(); ++i) {
                    lengths.push_back(batch.cu_seqlens[i + 1] - batch.cu_seqlens[i]);
                }
                const std::string name = std::to_string(step) + "." + std::to_string(micro) + ".";
                tensors.push_back({name + "tokens", as_tensor(batch.tokens)});
                tensors.push_back({name + "lengths", as_tensor(lengths)});
                tensors.push_back({name + "positions", as_tensor(batch.mlm_positions)});
                tensors.push_back({name + "labels", as_tensor(batch.mlm_labels)});
            }
        }
        publish(
            options.exchange / ("batches-" + std::to_string(ranks.rank().value) + ".safetensors"),
            tensors);
    });
}

double training_flops(const model::ModelConfig& config, const corpus::Batch& batch) {
    double flops = 0;
    std::size_t label = 0;
    for (std::size_t i = 0; i < batch.sequences(); ++i) {
        const std::int32_t end = batch.cu_seqlens[i + 1];
        const std::size_t first = label;
        while (label < batch.mlm_positions.size() && batch.mlm_positions[label] < end) {
            ++label;
        }
        const std::int32_t length = end - batch.cu_seqlens[i];
        const model::WorkShape shape{length, static_cast<double>(label - first) / length};
        for (const double work : model::forward_flops(config, model::Head::MaskedLm, shape)) {
            flops += 3 * work;
        }
    }
    return flops;
}

}  // namespace hpml::tasks
