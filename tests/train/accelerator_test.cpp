#include "train/accelerator.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"
#include "support/text.h"

using namespace hpml;

namespace {

/// GPUs that exist in name only, so that the choice can be tried on a machine without one.
struct FakeGpus {
    int count = 0;
    bool is_one_for_all = false;  ///< every number names the same GPU
    int refuses = -1;             ///< the GPU that cannot be selected
    int selected = -1;
};

FakeGpus& fake() {
    static FakeGpus gpus;
    return gpus;
}

const device::CudaApi& fake_api() {
    static const device::CudaApi api = [] {
        device::CudaApi made{};
        made.version = device::kCudaApiVersion;
        made.bytes = sizeof(made);
        made.last_error = [] { return "the GPU is held by another process"; };
        made.description = [] { return "CUDA of nowhere"; };
        made.nccl_versions = [](int* built, int* loaded) {
            *built = 22809;
            *loaded = 22703;
            return 0;
        };
        made.device_count = [](int* count) {
            *count = fake().count;
            return 0;
        };
        made.device_identity = [](int device, char* text, std::size_t bytes) {
            std::snprintf(text, bytes, "0000:%02d:00.0", fake().is_one_for_all ? 0 : device);
            return 0;
        };
        made.select_device = [](int device) {
            fake().selected = device;
            return device == fake().refuses ? 1 : 0;
        };
        return made;
    }();
    return api;
}

device::CudaModule open_fake() { return device::CudaModule(fake_api()); }

using test::contains;

/// What a choice came to, and what was said meanwhile.
struct Choice {
    train::Accelerator accelerator;
    std::string said;
};

Choice choose(const std::string& wanted, const mpi::Communicator& ranks,
              const train::CudaSearch& search) {
    const auto close = [](std::FILE* file) { std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> stream(std::tmpfile(), close);
    const Log log(ranks.rank(), ranks.is_root(), {}, stream.get());
    Choice choice{train::choose_accelerator(wanted, ranks, log, search), ""};
    std::rewind(stream.get());
    for (int letter = std::fgetc(stream.get()); letter != EOF; letter = std::fgetc(stream.get())) {
        choice.said.push_back(static_cast<char>(letter));
    }
    return choice;
}

/// The choice of `auto`, which must be a CPU for this reason and no advice; `cuda` must end with
/// the resource's exit code and the same reason.
void must_be_cpu(const mpi::Communicator& ranks, const train::OpenCuda& open,
                 const std::string& reason) {
    const auto [chosen, said] = choose("auto", ranks, {open, [] { return true; }});
    BOOST_TEST(chosen.device.is_cpu());
    BOOST_TEST(!chosen.cuda);
    BOOST_TEST(chosen.description.starts_with("cpu (--device auto: "), chosen.description);
    BOOST_TEST(contains(chosen.description, reason), chosen.description);
    BOOST_TEST(!contains(chosen.description, "use --device cpu"), chosen.description);
    if (ranks.is_root()) {
        BOOST_TEST(contains(said, "warning: there is an NVIDIA driver, but"), said);
        BOOST_TEST(contains(said, reason), said);
    }
    std::string message = "it was accepted";
    try {
        (void)choose("cuda", ranks, {open, [] { return true; }});
    } catch (const Error& error) {
        message = error.what();
        BOOST_TEST((error.code() == ExitCode::Resource));
    }
    BOOST_TEST(contains(message, reason), message);
    BOOST_TEST(contains(message, "--device cpu"), message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(accelerator_suite)

BOOST_AUTO_TEST_CASE(every_rank_takes_the_gpu_of_its_number) {
    const auto ranks = mpi::Communicator::world();
    fake() = {.count = ranks.size()};
    for (const char* wanted : {"auto", "cuda"}) {
        const auto [chosen, said] = choose(wanted, ranks, {open_fake, [] { return true; }});
        BOOST_TEST(said == "");
        BOOST_TEST(chosen.device.is_cuda());
        BOOST_TEST(chosen.device.index() == ranks.rank().value);
        BOOST_TEST(fake().selected == ranks.rank().value);
        BOOST_TEST(contains(chosen.description, "(CUDA of nowhere)"), chosen.description);
    }
    const auto [cpu, said] = choose("cpu", ranks, {open_fake, [] { return true; }});
    BOOST_TEST(cpu.description == "cpu");
    BOOST_TEST(said == "");
}

BOOST_AUTO_TEST_CASE(a_cpu_is_worth_a_warning_where_one_rank_has_a_driver_and_none_where_none_has) {
    const auto ranks = mpi::Communicator::world();
    const auto open = []() -> device::CudaModule {
        throw ResourceError("--device cuda: no NVIDIA driver on this machine; use --device cpu");
    };
    const bool is_last = ranks.rank().value == ranks.size() - 1;
    const Choice none = choose("auto", ranks, {open, [] { return false; }});
    const Choice one = choose("auto", ranks, {open, [&] { return is_last; }});
    BOOST_TEST(none.accelerator.device.is_cpu());
    BOOST_TEST(none.said == "");
    BOOST_TEST(contains(one.said, "warning: ") == ranks.is_root(), one.said);
}

BOOST_AUTO_TEST_CASE(a_driver_without_the_module_means_cpu_for_auto_and_69_for_cuda) {
    const auto ranks = mpi::Communicator::world();
    must_be_cpu(
        ranks, [] { return device::CudaModule("/nowhere/libhpml_cuda.so"); },
        "the GPU module was not built (/nowhere/libhpml_cuda.so does not exist)");
}

BOOST_AUTO_TEST_CASE(one_rank_without_a_gpu_keeps_all_ranks_on_the_cpu) {
    const auto ranks = mpi::Communicator::world();
    const bool is_last = ranks.rank().value == ranks.size() - 1;
    fake() = {.count = ranks.size()};
    const auto open = [&] {
        if (is_last) {
            throw ResourceError("--device cuda: the driver shows no GPU; use --device cpu");
        }
        return open_fake();
    };
    must_be_cpu(ranks, open, "the driver shows no GPU");
    BOOST_TEST(fake().selected == -1, "a context was made on a GPU that is not used");
}

BOOST_AUTO_TEST_CASE(more_ranks_than_gpus_means_cpu_for_auto_and_69_for_cuda) {
    const auto ranks = mpi::Communicator::world();
    if (ranks.size() > 1) {
        fake() = {.count = 1};
        must_be_cpu(ranks, open_fake, "ranks 0 and 1 hold the same GPU");
        fake() = {.count = ranks.size(), .is_one_for_all = true};
        must_be_cpu(ranks, open_fake, "ranks 0 and 1 hold the same GPU");
    }
    if (ranks.size() > 2) {
        fake() = {.count = ranks.size() - 1};
        must_be_cpu(ranks, open_fake, "of this node has no GPU");
        BOOST_TEST(fake().selected == -1, "a context was made on a GPU that is not used");
    }
}

BOOST_AUTO_TEST_CASE(a_gpu_that_cannot_be_used_means_cpu_for_auto_and_69_for_cuda) {
    const auto ranks = mpi::Communicator::world();
    fake() = {.count = ranks.size(), .refuses = ranks.size() - 1};
    must_be_cpu(ranks, open_fake, "cannot be used: the GPU is held by another process");
}

BOOST_AUTO_TEST_SUITE_END()
