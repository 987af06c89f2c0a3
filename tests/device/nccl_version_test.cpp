#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "device/module.h"
#include "support/text.h"

using namespace hpml;

namespace {

/// What a module's NCCL says of itself.
struct FakeNccl {
    int built = 0;
    int loaded = 0;
    bool is_mute = false;
};

FakeNccl& fake() {
    static FakeNccl nccl;
    return nccl;
}

/// The refusal of a module with such an NCCL; empty if it is accepted.
std::string refusal(const FakeNccl& nccl) {
    fake() = nccl;
    device::CudaApi api{};
    api.version = device::kCudaApiVersion;
    api.bytes = sizeof(api);
    api.last_error = [] { return "no version today"; };
    api.nccl_versions = [](int* built, int* loaded) {
        *built = fake().built;
        *loaded = fake().loaded;
        return fake().is_mute ? 1 : 0;
    };
    try {
        const device::CudaModule module(api);
    } catch (const ResourceError& error) {
        return error.what();
    }
    return "";
}

using test::contains;

}  // namespace

BOOST_AUTO_TEST_SUITE(nccl_version_suite)

BOOST_AUTO_TEST_CASE(an_nccl_of_another_major_version_is_refused_with_both_versions) {
    const auto newer = refusal({22809, 30001});
    BOOST_TEST(contains(newer, "was built with NCCL 2.28.9 and found NCCL 3.0.1"), newer);
    BOOST_TEST(contains(newer, "LD_LIBRARY_PATH"), newer);
    BOOST_TEST(contains(newer, "--device cpu"), newer);
    const auto older = refusal({22809, 1304});
    BOOST_TEST(contains(older, "found NCCL 1.3.4"), older);
}

BOOST_AUTO_TEST_CASE(another_minor_version_is_accepted_in_the_old_numbering_too) {
    for (const auto& [built, loaded] : {std::pair{22809, 22809}, {22809, 22703}, {22809, 2804}}) {
        BOOST_TEST(refusal({built, loaded}).empty(), built << " and " << loaded);
    }
}

BOOST_AUTO_TEST_CASE(an_nccl_that_does_not_answer_is_refused) {
    const auto text = refusal({22809, 22809, true});
    BOOST_TEST(contains(text, "NCCL does not tell its version: no version today"), text);
}

BOOST_AUTO_TEST_SUITE_END()
