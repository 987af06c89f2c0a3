#include "fusion/reducer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string_view>
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

/// Notes where the buffers lie that it is given, and finishes them at once.
class Noting final : public comm::Algorithm {
  public:
    explicit Noting(std::vector<const std::byte*>& begun) : begun_(begun) {}
    [[nodiscard]] std::string_view name() const override { return "noting"; }
    [[nodiscard]] comm::OperationHandle start(const comm::Buffer& buffer) override {
        begun_.push_back(buffer.data);
        return comm::OperationHandle(new Run());
    }

  private:
    class Run final : public comm::Operation {
      public:
        bool advance() override { return true; }
    };
    std::vector<const std::byte*>& begun_;
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

BOOST_AUTO_TEST_CASE(buckets_leave_in_index_order_during_the_last_backward_pass) {
    fusion::DeviceMemory memory(at::kCPU);
    fusion::Arena arena(Toy::specs(), fusion::make_plan(Toy::specs(), Bytes(500)), memory);
    std::vector<const std::byte*> begun;
    comm::Engine engine(std::make_unique<Noting>(begun), comm::Progress::Inline);
    fusion::Reducer reducer(arena, engine);
    const auto& buckets = arena.plan().buckets;
    BOOST_TEST_REQUIRE(buckets.size() > 3U);
    // The leaves get their gradients from the front, so that the buckets are complete in the
    // opposite order; the last leaf makes them all leave.
    reducer.arm();
    for (const at::Tensor& leaf : arena.leaves()) {
        BOOST_TEST(begun.empty());
        (leaf * 2.0).sum().backward();
    }
    BOOST_TEST(begun.size() == buckets.size());
    (void)reducer.finish();
    const auto* gradients = reinterpret_cast<const std::byte*>(arena.gradients().data_ptr<float>());
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        BOOST_TEST(begun.at(i) == gradients + buckets[i].begin * sizeof(float));
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
