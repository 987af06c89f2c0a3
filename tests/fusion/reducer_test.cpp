#include "fusion/reducer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <vector>

#include "comm/select.h"
#include "mpi/communicator.h"

using namespace hpml;

namespace {

/// y = sum over leaves of a_i * leaf_i . leaf_i: the gradient of leaf i is 2 a_i leaf_i.
struct Toy {
    explicit Toy(const mpi::Communicator& ranks, comm::Progress progress, Bytes bucket)
        : memory(at::kCPU),
          arena(specs(), fusion::make_plan(specs(), bucket), memory),
          engine(comm::make_algorithm({.algorithm = "ring"}, ranks), progress),
          reducer(arena, engine) {
        const at::NoGradGuard no_grad;
        for (std::size_t i = 0; i < arena.leaves().size(); ++i) {
            arena.leaves()[i].detach().fill_(static_cast<double>(i + 1));
        }
    }
    static std::vector<model::LeafSpec> specs() {
        std::vector<model::LeafSpec> leaves;
        for (int i = 0; i < 9; ++i) {
            leaves.push_back(
                {{{"leaf" + std::to_string(i), {17 + 40 * i}, model::Init::Zeros, true}}});
        }
        return leaves;
    }
    [[nodiscard]] at::Tensor loss(double factor) const {
        at::Tensor sum;
        for (const auto& leaf : arena.leaves()) {
            const at::Tensor term = (leaf * leaf).sum() * factor;
            sum = sum.defined() ? sum + term : term;
        }
        return sum;
    }

    fusion::DeviceMemory memory;
    fusion::Arena arena;
    comm::Engine engine;
    fusion::Reducer reducer;
};

/// Two accumulated micro-batches per rank; rank r contributes factors r + 1 and 10.
void check_step(Toy& toy, const mpi::Communicator& ranks) {
    toy.arena.zero_gradients();
    toy.loss(ranks.rank().value + 1.0).backward();
    toy.reducer.arm();
    toy.loss(10.0).backward();
    toy.reducer.finish();
    const double n = ranks.size();
    const double factor = n * (n + 1) / 2 + 10 * n;
    std::vector<double> found;
    for (const auto& leaf : toy.arena.leaves()) {
        found.push_back(leaf.grad().min().item<double>());
        found.push_back(leaf.grad().max().item<double>());
    }
    for (std::size_t i = 0; i < toy.arena.leaves().size(); ++i) {
        const double expected = 2.0 * static_cast<double>(i + 1) * factor;
        BOOST_TEST(found[2 * i] == expected);
        BOOST_TEST(found[2 * i + 1] == expected);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reducer_suite)

BOOST_AUTO_TEST_CASE(gradients_of_accumulated_micro_batches_are_summed_over_ranks) {
    const auto ranks = mpi::Communicator::world();
    for (const auto progress : {comm::Progress::Inline, comm::Progress::Thread}) {
        for (const Bytes bucket : {Bytes(64), Bytes(2000), mib(1)}) {
            Toy toy(ranks, progress, bucket);
            for (int step = 0; step < 3; ++step) {
                check_step(toy, ranks);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(gradients_live_in_the_arena) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks, comm::Progress::Inline, Bytes(500));
    toy.arena.zero_gradients();
    toy.loss(1.0).backward();
    for (std::size_t i = 0; i < toy.arena.leaves().size(); ++i) {
        BOOST_TEST(toy.arena.leaves()[i].grad().data_ptr() ==
                   static_cast<void*>(toy.arena.gradients().data_ptr<float>() +
                                      toy.arena.plan().leaves[i].offset));
    }
}

BOOST_AUTO_TEST_CASE(a_leaf_without_gradient_on_any_rank_stays_zero_and_nobody_waits) {
    const auto ranks = mpi::Communicator::world();
    Toy toy(ranks, comm::Progress::Inline, Bytes(64));
    toy.arena.zero_gradients();
    toy.reducer.arm();
    (toy.arena.leaves()[2] * 3.0).sum().backward();
    toy.reducer.finish();
    const double used = toy.arena.leaves()[2].grad().sum().item<double>();
    const double unused = toy.arena.leaves()[5].grad().abs().sum().item<double>();
    BOOST_TEST(used == 3.0 * 97 * ranks.size());
    BOOST_TEST(unused == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
