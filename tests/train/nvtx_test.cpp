// What a profiler of GPUs is shown of a step. The GPU module opens without a GPU, and the ranges
// are the processor's.

#include <dlfcn.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "device/module.h"
#include "support/skip.h"
#include "train/toy.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(nvtx_suite)

BOOST_AUTO_TEST_CASE(a_profiler_sees_the_phases_of_every_step_by_name_one_inside_the_other) {
    const std::filesystem::path path = HPML_TEST_CUDA_MODULE;
    if (path.empty()) {
        test::not_run("the GPU module was not built");
        return;
    }
    // Read when the first range begins.
    BOOST_TEST_REQUIRE(::setenv("NVTX_INJECTION64_PATH", HPML_NVTX_RECORDER, 1) == 0);
    const device::CudaModule module(path);
    const auto ranks = mpi::Communicator::world();
    comm::Trace trace(ranks, ranks.split_by_node(),
                      {.file = {}, .ranges = {module.api().range_push, module.api().range_pop}});
    test::Toy toy(ranks, 0, &trace);
    for (int step = 0; step < 2; ++step) {
        (void)toy.runner.run(2, [&](std::int64_t) { return toy.loss(1.0, 1); }, 1e-3, {});
    }

    void* recorder = ::dlopen(HPML_NVTX_RECORDER, RTLD_NOW | RTLD_NOLOAD);
    BOOST_TEST_REQUIRE(recorder != nullptr, "NVTX has not loaded the library");
    const auto recorded =
        reinterpret_cast<const char* (*)()>(::dlsym(recorder, "hpml_recorded_ranges"));
    BOOST_TEST_REQUIRE(recorded != nullptr);
    const std::string micro_batch = "+forward - +backward - ";
    const std::string step =
        "+step " + micro_batch + micro_batch + "+wait - +control - +update - -";
    BOOST_TEST(recorded() == step + " " + step);
}

BOOST_AUTO_TEST_SUITE_END()
