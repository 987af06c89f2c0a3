#include "device/module.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "support/data.h"
#include "support/text.h"

using namespace hpml;

namespace {

/// The text of the ResourceError that opening `path` must give.
std::string refusal_of(const std::filesystem::path& path) {
    try {
        const device::CudaModule module(path);
    } catch (const ResourceError& error) {
        BOOST_TEST((error.code() == ExitCode::Resource));
        return error.what();
    }
    return "it was opened";
}

using test::contains;

const std::filesystem::path kModules = HPML_TEST_MODULES;

}  // namespace

BOOST_AUTO_TEST_SUITE(module_suite)

BOOST_AUTO_TEST_CASE(an_absent_module_was_not_built) {
    const auto text = refusal_of(kModules / "no-such-module.so");
    BOOST_TEST(contains(text, "was not built"), text);
    BOOST_TEST(contains(text, "no-such-module.so"), text);
    BOOST_TEST(contains(text, "--device cpu"), text);
}

BOOST_AUTO_TEST_CASE(a_module_whose_library_is_missing_names_that_library) {
    const auto text = refusal_of(kModules / "libneeds_absent.so");
    BOOST_TEST(contains(text, "needs libabsent.so, which is missing"), text);
    BOOST_TEST(contains(text, "LD_LIBRARY_PATH"), text);
}

BOOST_AUTO_TEST_CASE(a_module_of_another_build_is_refused) {
    const auto text = refusal_of(kModules / "libother_version.so");
    BOOST_TEST(contains(text, "interface version " + std::to_string(device::kCudaApiVersion + 41)),
               text);
    BOOST_TEST(contains(text, "needs " + std::to_string(device::kCudaApiVersion)), text);
}

BOOST_AUTO_TEST_CASE(another_library_is_not_taken_for_the_module) {
    const auto text = refusal_of(kModules / "libabsent.so");
    BOOST_TEST(contains(text, "is not a GPU module of hpml"), text);
}

BOOST_AUTO_TEST_CASE(a_damaged_module_is_refused_with_the_linkers_words) {
    const test::ScratchFolder scratch("module");
    test::write_file(scratch / "damaged.so", "not a shared library at all");
    const auto text = refusal_of(scratch / "damaged.so");
    BOOST_TEST(contains(text, "cannot load"), text);
}

BOOST_AUTO_TEST_CASE(the_environment_chooses_the_module) {
    ::setenv("HPML_CUDA_MODULE", "/somewhere/libhpml_cuda.so", 1);
    BOOST_TEST(device::cuda_module_path() == "/somewhere/libhpml_cuda.so");
    ::unsetenv("HPML_CUDA_MODULE");
    const std::filesystem::path beside = HPML_BINARY_DIR;
    BOOST_TEST(device::cuda_module_path() == beside / "lib" / "libhpml_cuda.so");
}

BOOST_AUTO_TEST_CASE(without_a_driver_the_message_says_so) {
    if (device::has_cuda_driver()) {
        test::not_run("this machine has an NVIDIA driver");
        return;
    }
    const auto is_clear = [](const ResourceError& error) {
        return contains(error.what(),
                        "no NVIDIA driver on this machine (libcuda.so.1 not found); run on a GPU "
                        "node, or use --device cpu");
    };
    BOOST_CHECK_EXCEPTION(static_cast<void>(device::open_cuda()), ResourceError, is_clear);
}

BOOST_AUTO_TEST_CASE(the_built_module_opens_and_counts_the_gpus) {
    const std::filesystem::path path = HPML_TEST_CUDA_MODULE;
    if (path.empty()) {
        test::not_run("the GPU module was not built");
        return;
    }
    const device::CudaModule module(path);
    BOOST_TEST(contains(module.description(), "CUDA "), module.description());
    BOOST_TEST(contains(module.description(), "NCCL "), module.description());
    // Without a profiler, and without a GPU, ranges are nothing.
    module.api().range_push("step");
    module.api().range_pop();
    const int devices = module.device_count();
    std::printf("GPU module: %s, %d GPUs\n", module.description().c_str(), devices);
    if (device::has_cuda_driver()) {
        BOOST_TEST(devices >= 0);
        return;
    }
    BOOST_TEST(devices == 0);
    BOOST_CHECK_THROW(module.select(0), ResourceError);
    BOOST_CHECK_THROW(static_cast<void>(module.make_stream()), BackendError);
}

BOOST_AUTO_TEST_SUITE_END()
