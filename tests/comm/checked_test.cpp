// --check every: ranks that bring different things are named on all ranks, and nothing is spoiled.

#include "comm/checked.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/engine.h"

using namespace hpml;

namespace {

std::unique_ptr<comm::Algorithm> checked(const std::string& name, const mpi::Communicator& ranks) {
    return std::make_unique<comm::Checked>(test::make_algorithm(name, ranks), ranks);
}

/// The values of one operation, in memory of the algorithm: as many sums are right as there are
/// elements.
class Tensor {
  public:
    Tensor(comm::Algorithm& algorithm, std::size_t count)
        : memory_(algorithm.allocate(Bytes(count * sizeof(double)))), count_(count) {
        fill();
    }
    void fill() {
        for (float& value : values()) {
            value = 1;
        }
    }
    [[nodiscard]] std::span<float> values() {
        return {reinterpret_cast<float*>(memory_.get()), count_};
    }
    [[nodiscard]] comm::Buffer named(std::string_view name) {
        comm::Buffer buffer(values());
        buffer.name = name;
        return buffer;
    }
    [[nodiscard]] bool all_are(float expected) {
        for (const float value : values()) {
            if (value != expected) {
                return false;
            }
        }
        return true;
    }

  private:
    std::shared_ptr<std::byte> memory_;
    std::size_t count_;
};

/// How the odd rank's buffer differs, and what the message must say of it.
struct Difference {
    const char* what;
    std::function<void(comm::Buffer&)> make;
    const char* told;
};

std::vector<Difference> differences() {
    return {
        {"dtype", [](comm::Buffer& b) { b.type = comm::DataType::I32; }, "1000 i32 (sum)"},
        {"wider dtype", [](comm::Buffer& b) { b.type = comm::DataType::F64; }, "1000 f64 (sum)"},
        {"count", [](comm::Buffer& b) { b.count -= 1; }, "999 f32 (sum)"},
        {"op", [](comm::Buffer& b) { b.op = comm::ReduceOp::Max; }, "1000 f32 (max)"},
        {"scale", [](comm::Buffer& b) { b.scale = 0.5; }, "times 0.5"},
        {"plan", [](comm::Buffer& b) { b.plan = 7; }, "of plan 0000000000000007"},
        {"name", [](comm::Buffer& b) { b.name = "the other tensor"; }, "'the other tensor'"},
    };
}

std::string message_of(comm::Engine& engine) {
    try {
        engine.wait_all();
        return "";
    } catch (const MismatchError& error) {
        return error.what();
    }
}

/// Three tensors at a time, of which the middle one may differ between the ranks.
struct Round {
    Round(std::unique_ptr<comm::Algorithm> algorithm, comm::Progress progress)
        : first(*algorithm, 3000),
          middle(*algorithm, 1000),
          last(*algorithm, 70001),
          engine(std::move(algorithm), progress) {}

    /// @return the engine's message; empty: the ranks agreed
    std::string run(const std::function<void(comm::Buffer&)>& change) {
        first.fill();
        middle.fill();
        last.fill();
        comm::Buffer buffer = middle.named("encoder.layer.1.weight");
        change(buffer);
        engine.submit(first.named("before"));
        engine.submit(buffer);
        engine.submit(last.named("behind"));
        return message_of(engine);
    }

    Tensor first;
    Tensor middle;
    Tensor last;
    comm::Engine engine;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(checked_suite)

BOOST_DATA_TEST_CASE(every_difference_is_told_on_all_ranks_and_the_engine_goes_on,
                     boost::unit_test::data::make(test::algorithm_names()) *
                         boost::unit_test::data::make({"inline", "thread"}),
                     name, mode) {
    const auto ranks = mpi::Communicator::world();
    const int odd = ranks.size() - 1;
    const auto sum = static_cast<float>(ranks.size());
    Round round(checked(name, ranks),
                std::string(mode) == "thread" ? comm::Progress::Thread : comm::Progress::Inline);
    for (const Difference& difference : differences()) {
        const auto make = ranks.rank().value == odd && odd > 0
                              ? difference.make
                              : std::function<void(comm::Buffer&)>([](comm::Buffer&) {});
        const std::string message = round.run(make);
        const std::string rank = "rank " + std::to_string(odd) + " ";
        const bool told = message.find(difference.told) != std::string::npos &&
                          message.find(rank) != std::string::npos &&
                          message.find("'encoder.layer.1.weight'") != std::string::npos;
        BOOST_TEST(told == (odd > 0), difference.what << ": " << message);
        BOOST_TEST(round.middle.all_are(odd > 0 ? 1 : sum), difference.what << ": its values");
        BOOST_TEST(round.first.all_are(sum), difference.what << ": the values before it");
        BOOST_TEST(round.last.all_are(sum), difference.what << ": the values behind it");
        BOOST_TEST(round.run([](comm::Buffer&) {}) == "", difference.what << ": once more");
        BOOST_TEST(round.middle.all_are(sum), difference.what << ": once more");
    }
}

BOOST_DATA_TEST_CASE(a_name_that_comes_twice_is_told_on_all_ranks,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    const auto ranks = mpi::Communicator::world();
    auto algorithm = checked(name, ranks);
    Tensor one(*algorithm, 500);
    Tensor two(*algorithm, 500);
    comm::Engine engine(std::move(algorithm), comm::Progress::Inline);
    engine.submit(one.named("pooler.bias"));
    engine.submit(two.named("pooler.bias"));
    const std::string message = message_of(engine);
    BOOST_TEST(message.find("'pooler.bias' comes from rank") != std::string::npos, message);
    BOOST_TEST(message.find("a second time") != std::string::npos, message);
    BOOST_TEST(one.all_are(static_cast<float>(ranks.size())));
    BOOST_TEST(two.all_are(1));
    // In the next round it is a new sum.
    engine.submit(two.named("pooler.bias"));
    BOOST_TEST(message_of(engine) == "");
    BOOST_TEST(two.all_are(static_cast<float>(ranks.size())));
}

BOOST_AUTO_TEST_CASE(ranks_that_differ_in_the_same_way_are_listed_together) {
    const auto ranks = mpi::Communicator::world();
    auto algorithm = checked("ring", ranks);
    Tensor tensor(*algorithm, 100);
    comm::Engine engine(std::move(algorithm), comm::Progress::Inline);
    comm::Buffer buffer = tensor.named("x");
    buffer.count = ranks.is_root() ? 100 : 99;
    engine.submit(buffer);
    const std::string message = message_of(engine);
    const std::string expected[] = {"", "", "rank 1 'x': 99", "ranks 1, 2 'x': 99",
                                    "ranks 1, 2, 3 'x': 99"};
    if (ranks.size() < 5) {
        BOOST_TEST(message.find(expected[ranks.size()]) != std::string::npos, message);
    }
}

BOOST_AUTO_TEST_CASE(a_long_name_is_compared_to_its_end) {
    const auto ranks = mpi::Communicator::world();
    auto algorithm = checked("ring", ranks);
    Tensor tensor(*algorithm, 10);
    comm::Engine engine(std::move(algorithm), comm::Progress::Inline);
    const std::string mine = std::string(300, 'x') + (ranks.is_root() ? "a" : "b");
    engine.submit(tensor.named(mine));
    BOOST_TEST((message_of(engine) == "") == (ranks.size() == 1));
}

BOOST_AUTO_TEST_CASE(the_bits_are_those_of_the_unchecked_algorithm) {
    const auto ranks = mpi::Communicator::world();
    for (const std::string name : {"shm", "ring", "nodes"}) {
        auto plain = test::rough_values(ranks.rank().value, 70001);
        auto compared = plain;
        test::all_reduce(*test::make_algorithm(name, ranks), plain);
        test::all_reduce(*checked(name, ranks), compared);
        BOOST_TEST(test::same_bits(plain, compared), name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
