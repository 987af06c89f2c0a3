#include "train/replica.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>

#include "base/error.h"
#include "comm/calibrate.h"
#include "comm/select.h"
#include "train/handshake.h"

namespace hpml::train {

std::vector<optim::Segment> segments_of(const fusion::Arena& arena) {
    std::vector<optim::Segment> segments;
    for (std::size_t i = 0; i < arena.specs().size(); ++i) {
        std::int64_t offset = arena.plan().leaves[i].offset;
        for (const auto& part : arena.specs()[i].parts) {
            segments.push_back({part.name, offset, part.shape, part.decay,
                                optim::is_hidden_matrix(part.name, part.shape)});
            offset += part.count();
        }
    }
    return segments;
}

namespace {

double in_mib(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

/// All that was decided about communication, for the log.
std::vector<std::string> describe(Replica& replica) {
    const CommunicationOptions& options = replica.communication();
    const comm::AllReduceOptions& sums = options.all_reduce;
    const fusion::Plan& plan = replica.arena().plan();
    const fusion::Bucket& first = plan.buckets.front();
    const comm::Engine& engine = replica.engine();
    const Seconds limit = options.watchdog.timeout;
    const std::string segment = sums.segment == Bytes(0)
                                    ? "256 KiB in a node and 60 KiB between nodes"
                                    : fmt::format("{} KiB", sums.segment.value / 1024);
    return {
        fmt::format("all-reduce: {}, {} buckets of {:.4g} MiB or more, the first of {:.4g} MiB; "
                    "progress {}, check {}, reproducible {}, wire {}",
                    engine.algorithm().name(), plan.buckets.size(),
                    in_mib(static_cast<std::int64_t>(options.bucket.value)),
                    in_mib((first.end - first.begin) * static_cast<std::int64_t>(sizeof(float))),
                    comm::to_text(engine.mode()), comm::to_text(sums.check),
                    comm::to_text(sums.reproducible), comm::to_text(sums.wire)),
        fmt::format("all-reduce: chunks of {} KiB, segments of {}, {:g} us of spinning; a "
                    "wait is told after {:g} s and ends the job {}",
                    sums.chunk.value / 1024, segment, sums.spin.value * 1e6,
                    options.watchdog.warn_after.value,
                    limit.value > 0 ? fmt::format("after {:g} s", limit.value) : "never")};
}

std::string describe(const comm::Calibration& measured) {
    const comm::CostConstants& constants = measured.constants;
    if (!measured.has_network) {
        return "all-reduce: nothing measured, all ranks are on one node";
    }
    return fmt::format(
        "all-reduce: measured between nodes {:.3g} us a message and {:.3g} GB/s, within a node "
        "{:.3g} GB/s",
        constants.network_alpha * 1e6, 1e-9 / constants.network_beta, 1e-9 / constants.shared_beta);
}

std::unique_ptr<comm::ElasticSum> make_elastic(const ReplicaOptions& options,
                                               const fusion::Arena& arena,
                                               comm::Algorithm& algorithm) {
    if (options.elastic_terms == 0) {
        throw UsageError(
            "--reproducible elastic belongs to hpml_pretrain (elsewhere the micro-batches depend "
            "on the number of ranks); use strict");
    }
    if (options.accelerator.cuda) {
        throw UsageError(
            "--reproducible elastic on GPUs (its sums are made by the processor); use "
            "--reproducible run, or --device cpu");
    }
    return std::make_unique<comm::ElasticSum>(
        algorithm, static_cast<std::size_t>(arena.plan().total),
        comm::ElasticOptions{.terms = static_cast<std::size_t>(options.elastic_terms)});
}

/// A profiler of GPUs shows what the processor does beside the kernels; without one the calls cost
/// nothing.
comm::TraceRanges ranges_of(const Accelerator& accelerator) {
    if (!accelerator.cuda) {
        return {};
    }
    const device::CudaApi& api = accelerator.cuda->api();
    return {api.range_push, api.range_pop};
}

/// How long a start may take to measure.
constexpr Seconds kCalibration{0.2};

}  // namespace

Replica::Replica(const ReplicaOptions& options, const mpi::Communicator& ranks, const Log& log)
    : communication_(options.communication), ranks_(ranks.size()), watchdog_(options.watchdog) {
    const auto node = ranks.split_by_node();
    const comm::TraceRanges ranges = ranges_of(options.accelerator);
    if (!options.communication.trace.empty() || ranges.push != nullptr) {
        trace_ = std::make_unique<comm::Trace>(
            ranks, node, comm::TraceOptions{.file = options.communication.trace, .ranges = ranges});
    }
    if (communication_.bucket.value == 0) {
        communication_.bucket = comm::agreed_bucket_size(
            comm::default_bucket_size(comm::last_level_cache(), node.size()), ranks);
    }
    auto specs = model::leaf_specs(options.model, options.head);
    fusion::Plan plan =
        fusion::make_plan(specs, communication_.bucket, communication_.first_bucket);
    if (options.communication.all_reduce.check != comm::Check::Off) {
        require_same(ranks, "fusion plan", fusion::to_text(plan, specs));
    }

    // Where no bits are promised, the network itself says which algorithm is the fastest.
    const bool may_measure = communication_.all_reduce.reproducible == comm::Reproducible::Off &&
                             communication_.all_reduce.algorithm == "auto" &&
                             !options.accelerator.cuda;
    if (may_measure) {
        const auto measured = comm::calibrate(ranks, node, kCalibration);
        communication_.all_reduce.constants = measured.constants;
        log.info("{}", describe(measured));
    }
    auto algorithm = make_algorithm(options.accelerator, communication_.all_reduce, ranks);
    fusion::DeviceMemory on_device(options.accelerator.device);
    fusion::AllReduceMemory for_sums(*algorithm);
    auto& gradients =
        options.accelerator.device.is_cpu() ? static_cast<fusion::Memory&>(for_sums) : on_device;
    arena_ =
        std::make_unique<fusion::Arena>(std::move(specs), std::move(plan), on_device, gradients);
    if (options.draw_weights) {
        const at::NoGradGuard no_grad;
        for (std::size_t i = 0; i < arena_->specs().size(); ++i) {
            model::initialize_leaf(arena_->specs()[i], options.model, options.seed,
                                   arena_->leaves()[i].detach());
        }
    }
    bert_ = std::make_unique<model::Bert>(options.model, options.head, arena_->leaves(),
                                          options.computation);
    if (options.computation.precision == model::Precision::Half) {
        scaler_ = std::make_unique<optim::LossScaler>(options.loss_scale);
    }
    comm::Algorithm& for_elastic = *algorithm;
    engine_ = std::make_unique<comm::Engine>(
        std::move(algorithm), options.progress,
        comm::EngineWatchers{watchdog_ != nullptr ? &watchdog_->recorder() : nullptr,
                             trace_.get()});
    // What is found bucket by bucket depends on where they are cut.
    const bool is_strict =
        options.communication.all_reduce.reproducible == comm::Reproducible::Strict;
    reducer_ = std::make_unique<fusion::Reducer>(
        *arena_, *engine_, is_strict ? comm::Examine::No : comm::Examine::Yes, trace_.get());
    if (options.communication.all_reduce.reproducible == comm::Reproducible::Elastic) {
        elastic_ = make_elastic(options, *arena_, for_elastic);
    }
    make_optimizer(options, ranks);
    for (const std::string& line : describe(*this)) {
        log.info("{}", line);
    }
}

void Replica::make_optimizer(const ReplicaOptions& options, const mpi::Communicator& ranks) {
    auto segments = segments_of(*arena_);
    std::optional<optim::Sharding> sharding;
    if (options.zero1) {
        if (options.accelerator.cuda) {
            throw UsageError(
                "--zero1 on GPUs (its updates are made by the processor); leave it out, or use "
                "--device cpu");
        }
        shards_ = optim::shards(segments, arena_->plan().total, ranks.size(), options.optimizer);
        sharding.emplace();
        sharding->own = shards_[static_cast<std::size_t>(ranks.rank().value)];
        sharding->sum = [this, &ranks](std::span<double> values) {
            const comm::Watchdog::Wait wait(watchdog_, "the norms of the shards");
            ranks.sum(values);
        };
    }
    optimizer_ = optim::make_optimizer(options.optimizer, std::move(segments), arena_->parameters(),
                                       sharding);
}

void Replica::begin_step(Step step) noexcept {
    if (watchdog_ != nullptr) {
        watchdog_->set_step(step);
    }
    if (trace_) {
        trace_->set_step(step);
    }
}

void Replica::finish_trace(const Log& log) {
    if (!trace_ || trace_->file().empty()) {
        return;
    }
    try {
        const std::uint64_t lost = trace_->finish();
        log.info("timeline: {}{}; hpml_bench trace-summary reads it, and ui.perfetto.dev",
                 trace_->file().string(), lost > 0 ? fmt::format(" ({} records lost)", lost) : "");
    } catch (const Error& error) {
        log.warn("{}\n  what each rank wrote stays in {}.rank-N.part", error.what(),
                 trace_->file().string());
    }
}

}  // namespace hpml::train
