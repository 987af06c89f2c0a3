// Fusing tensors into buckets changes no bit, and what lies between them reaches none.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "comm/select.h"
#include "fusion/reducer.h"
#include "mpi/communicator.h"

using namespace hpml;

namespace {

std::vector<model::LeafSpec> tensors(const std::vector<std::int64_t>& counts) {
    std::vector<model::LeafSpec> leaves;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        leaves.push_back({{{"tensor" + std::to_string(i), {counts[i]}, model::Init::Zeros, true}}});
    }
    return leaves;
}

/// Tensors whose gradients are rough numbers of this rank's.
struct Fused {
    Fused(const mpi::Communicator& ranks, const std::string& name,
          const std::vector<model::LeafSpec>& specs, Bytes bucket)
        : algorithm(comm::make_algorithm({.algorithm = name, .check = comm::Check::Every}, ranks)),
          parameters(at::kCPU),
          gradients(*algorithm),
          arena(specs, fusion::make_plan(specs, bucket), parameters, gradients),
          engine(std::move(algorithm), comm::Progress::Inline),
          reducer(arena, engine),
          rank(ranks.rank().value) {}

    /// One backward pass: tensor i gets the numbers that Philox makes of (rank, i).
    void step() {
        at::Tensor loss;
        for (std::size_t i = 0; i < arena.leaves().size(); ++i) {
            const at::Tensor& leaf = arena.leaves()[i];
            at::Tensor slopes = leaf.detach().clone();
            PhiloxStream stream(philox_key(7, RandomUse::Test), static_cast<std::uint32_t>(rank),
                                static_cast<std::uint32_t>(i), 0);
            for (float& value :
                 std::span(slopes.data_ptr<float>(), static_cast<std::size_t>(slopes.numel()))) {
                value = std::ldexp(stream.uniform() - 0.5F, static_cast<int>(stream.below(20)));
            }
            const at::Tensor term = (leaf * slopes).sum();
            loss = loss.defined() ? loss + term : term;
        }
        reducer.arm();
        loss.backward();
    }
    [[nodiscard]] std::span<float> flat() {
        return {arena.gradients().data_ptr<float>(), static_cast<std::size_t>(arena.plan().total)};
    }
    /// Call with each flat place that belongs to no tensor.
    template <class F>
    void for_padding(F&& f) {
        std::vector<bool> used(flat().size());
        for (const auto& leaf : arena.plan().leaves) {
            for (std::int64_t i = 0; i < leaf.count; ++i) {
                used[static_cast<std::size_t>(leaf.offset + i)] = true;
            }
        }
        for (std::size_t i = 0; i < used.size(); ++i) {
            if (!used[i]) {
                f(flat()[i]);
            }
        }
    }

    std::unique_ptr<comm::Algorithm> algorithm;
    fusion::DeviceMemory parameters;
    fusion::AllReduceMemory gradients;
    fusion::Arena arena;
    comm::Engine engine;
    fusion::Reducer reducer;
    int rank;
};

std::vector<float> sums(const mpi::Communicator& ranks, const std::string& name,
                        const std::vector<model::LeafSpec>& specs, Bytes bucket) {
    Fused fused(ranks, name, specs, bucket);
    fused.arena.zero_gradients();
    fused.step();
    fused.reducer.finish();
    return {fused.flat().begin(), fused.flat().end()};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fused_suite)

BOOST_DATA_TEST_CASE(fused_equals_unfused_bit_by_bit,
                     boost::unit_test::data::make({"auto", "shm", "twoshot"}), name) {
    const auto ranks = mpi::Communicator::world();
    // One of them is larger than most of the buckets.
    const auto specs = tensors({17, 1, 300007, 64, 5, 4096, 1000, 3});
    const auto unfused = sums(ranks, name, specs, Bytes(4));
    for (const Bytes bucket : {Bytes(1000), kib(64), mib(1), mib(128)}) {
        BOOST_TEST(same_bits(sums(ranks, name, specs, bucket), unfused),
                   name << ", buckets of " << bucket.value << " bytes");
    }
}

BOOST_AUTO_TEST_CASE(a_thousand_tensors_of_one_element_are_summed_fused_and_unfused) {
    const auto ranks = mpi::Communicator::world();
    const auto specs = tensors(std::vector<std::int64_t>(1000, 1));
    const auto unfused = sums(ranks, "auto", specs, Bytes(4));
    BOOST_TEST(same_bits(sums(ranks, "auto", specs, kib(4)), unfused));
    BOOST_TEST(same_bits(sums(ranks, "auto", specs, mib(1)), unfused));
}

BOOST_DATA_TEST_CASE(a_nan_in_the_padding_reaches_no_tensor_and_is_gone_in_the_next_step,
                     boost::unit_test::data::make({"auto", "ring", "twoshot", "mpi"}), name) {
    const auto ranks = mpi::Communicator::world();
    Fused fused(ranks, name, tensors({1, 17, 5, 33, 1000}), Bytes(500));
    std::size_t padding = 0;
    fused.arena.zero_gradients();
    fused.for_padding([&](float& value) {
        value = std::numeric_limits<float>::quiet_NaN();
        ++padding;
    });
    fused.step();
    fused.reducer.finish();
    std::vector<bool> finite;
    for (const auto& leaf : fused.arena.leaves()) {
        finite.push_back(std::isfinite(leaf.grad().sum().item<double>()));
    }
    BOOST_TEST(padding > 0U);
    BOOST_TEST(std::count(finite.begin(), finite.end(), true) == 5);
    fused.arena.zero_gradients();
    fused.step();
    const auto found = fused.reducer.finish();
    std::size_t dirty = 0;
    fused.for_padding([&](float& value) { dirty += value == 0 ? 0 : 1; });
    BOOST_TEST(dirty == 0U);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(!found->non_finite);
}

BOOST_AUTO_TEST_CASE(the_first_bucket_to_leave_is_smaller_than_the_others) {
    const auto specs = tensors(std::vector<std::int64_t>(64, 16384));  // 64 KiB each
    const auto plan = fusion::make_plan(specs, mib(1), kib(128));
    std::vector<std::int64_t> sizes;
    for (const auto& bucket : plan.buckets) {
        sizes.push_back((bucket.end - bucket.begin) * 4 / 1024);
    }
    BOOST_TEST((sizes == std::vector<std::int64_t>{128, 1024, 1024, 1024, 896}));
    BOOST_TEST(fusion::make_plan(specs, kib(64), mib(1)).buckets.size() == 64U);
}

BOOST_AUTO_TEST_CASE(two_tensors_of_one_name_are_refused) {
    auto specs = tensors({5, 6});
    specs[1].parts[0].name = "tensor0";
    const auto names_it = [](const UsageError& error) {
        return std::string(error.what()).find("'tensor0'") != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION((void)fusion::make_plan(specs, mib(1)), UsageError, names_it);
}

BOOST_AUTO_TEST_CASE(the_text_of_a_plan_tells_shapes_apart_that_the_digest_does_not) {
    auto flat = tensors({6});
    auto square = flat;
    square[0].parts[0].shape = {2, 3};
    const auto plan = fusion::make_plan(flat, mib(1));
    const auto other = fusion::make_plan(square, mib(1));
    BOOST_TEST(plan.digest().hex() == other.digest().hex());
    BOOST_TEST(fusion::to_text(plan, flat) ==
               "tensor0 [6] at 0\nbucket 0: tensor0 at 0 up to 16\n");
    BOOST_TEST(fusion::to_text(other, square) ==
               "tensor0 [2, 3] at 0\nbucket 0: tensor0 at 0 up to 16\n");
}

BOOST_AUTO_TEST_SUITE_END()
