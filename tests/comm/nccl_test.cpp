#include "comm/nccl.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>

#include "base/error.h"
#include "comm/engine.h"

using namespace hpml;

namespace {

/// A GPU interface that only remembers what it was asked, so that everything around NCCL can be
/// tried on a machine without a GPU.
struct FakeGpu {
    std::string identity = "0000:00:00.0";
    bool refuses_to_join = false;
    bool fails_later = false;
    int polls_until_done = 30;
    unsigned char id_seen = 0;
    int ranks_seen = 0;
    int open_operations = 0;
    bool joined = false;
};

FakeGpu& fake() {
    static FakeGpu gpu;
    return gpu;
}

device::CudaApi fake_api() {
    device::CudaApi api{};
    api.version = device::kCudaApiVersion;
    api.bytes = sizeof(api);
    api.last_error = [] { return "the fake GPU said no"; };
    api.device_identity = [](int, char* text, std::size_t bytes) {
        std::strncpy(text, fake().identity.c_str(), bytes - 1);
        return 0;
    };
    api.nccl_versions = [](int* built, int* loaded) {
        *built = 22809;
        *loaded = 22703;
        return 0;
    };
    api.nccl_unique_id = [](unsigned char* id) {
        std::memset(id, 77, device::kNcclIdBytes);
        return 0;
    };
    api.nccl_create = [](const device::CudaNcclOptions* options, void** communicator) {
        fake().id_seen = options->id[device::kNcclIdBytes - 1];
        fake().ranks_seen = options->ranks;
        fake().joined = !fake().refuses_to_join;
        *communicator = &fake();
        return fake().refuses_to_join ? 1 : 0;
    };
    api.nccl_destroy = [](void*) { fake().joined = false; };
    api.nccl_start = [](void*, float*, std::size_t, void** operation) {
        ++fake().open_operations;
        *operation = new int(fake().polls_until_done);
        return 0;
    };
    api.nccl_poll = [](void* operation, int* done) {
        *done = --*static_cast<int*>(operation) <= 0 ? 1 : 0;
        return fake().fails_later ? 1 : 0;
    };
    api.nccl_release = [](void* operation) {
        --fake().open_operations;
        delete static_cast<int*>(operation);
    };
    return api;
}

/// A GPU of its own for each rank.
void give_each_rank_a_gpu(const mpi::Communicator& ranks) {
    fake() = FakeGpu{};
    fake().identity = "0000:0" + std::to_string(ranks.rank().value) + ":00.0";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nccl_suite)

BOOST_AUTO_TEST_CASE(every_rank_joins_with_the_roots_id_and_leaves) {
    const auto ranks = mpi::Communicator::world();
    const auto api = fake_api();
    give_each_rank_a_gpu(ranks);
    std::vector<float> values(8);
    {
        comm::Engine engine(comm::make_nccl(device::CudaModule(api), ranks, 0),
                            comm::Progress::Inline);
        for (int i = 0; i < 5; ++i) {
            engine.submit(values);
        }
        BOOST_TEST(fake().open_operations > 2, "operations waited for the host");
        engine.wait_all();
        BOOST_TEST(engine.algorithm().name() == "nccl");
        BOOST_TEST(fake().joined);
    }
    BOOST_TEST(fake().id_seen == 77);
    BOOST_TEST(fake().ranks_seen == ranks.size());
    BOOST_TEST(fake().open_operations == 0);
    BOOST_TEST(!fake().joined);
}

BOOST_AUTO_TEST_CASE(two_ranks_on_one_gpu_are_refused_everywhere_with_the_same_words) {
    const auto ranks = mpi::Communicator::world();
    const auto api = fake_api();
    give_each_rank_a_gpu(ranks);
    if (ranks.size() == 1) {
        BOOST_CHECK_NO_THROW(static_cast<void>(comm::make_nccl(device::CudaModule(api), ranks, 0)));
        return;
    }
    if (ranks.rank().value == ranks.size() - 1) {
        fake().identity = "0000:00:00.0";
    }
    std::string text;
    try {
        const auto made = comm::make_nccl(device::CudaModule(api), ranks, 0);
    } catch (const ResourceError& error) {
        text = error.what();
    }
    BOOST_TEST(text.starts_with("ranks 0 and " + std::to_string(ranks.size() - 1) +
                                " hold the same GPU ("),
               text);
    BOOST_TEST(!fake().joined);
}

BOOST_AUTO_TEST_CASE(a_rank_that_cannot_join_is_everybodys_error) {
    const auto ranks = mpi::Communicator::world();
    const auto api = fake_api();
    give_each_rank_a_gpu(ranks);
    fake().refuses_to_join = ranks.rank().value == ranks.size() - 1;
    std::string text;
    try {
        const auto made = comm::make_nccl(device::CudaModule(api), ranks, 0);
    } catch (const Error& error) {
        text = error.what();
        BOOST_TEST((error.code() == ExitCode::Backend));
    }
    BOOST_TEST(
        text.find("joining the NCCL group failed: the fake GPU said no") != std::string::npos,
        text);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_gpu_surfaces_in_wait_all) {
    const mpi::Communicator alone;
    const auto api = fake_api();
    give_each_rank_a_gpu(alone);
    std::vector<float> values(8);
    comm::Engine engine(comm::make_nccl(device::CudaModule(api), alone, 0), comm::Progress::Inline);
    fake().fails_later = true;
    engine.submit(values);
    BOOST_CHECK_THROW(engine.wait_all(), BackendError);
}

BOOST_AUTO_TEST_CASE(a_rank_takes_the_gpu_of_its_number_or_the_only_one) {
    BOOST_TEST(comm::choose_device(4, 3) == 3);
    BOOST_TEST(comm::choose_device(1, 3) == 0);
    BOOST_CHECK_THROW(static_cast<void>(comm::choose_device(4, 4)), ResourceError);
}

BOOST_AUTO_TEST_SUITE_END()
