#include "comm/engine.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <ostream>
#include <vector>

#include "base/error.h"
#include "comm/buffers.h"
#include "comm/progress.h"
#include "comm/ring.h"
#include "comm/select.h"

using namespace hpml;
using comm::Progress;

namespace hpml::comm {

std::ostream& operator<<(std::ostream& out, Progress progress) { return out << to_text(progress); }

}  // namespace hpml::comm

namespace {

const std::vector<Progress> kModes = {Progress::Inline, Progress::Thread};

/// Fails when its n-th operation starts, or at that operation's first advance.
class Failing final : public comm::Algorithm {
  public:
    enum class Where { Start, Advance };
    Failing(int good, Where where) : good_(good), where_(where) {}

    [[nodiscard]] std::string_view name() const override { return "failing"; }
    [[nodiscard]] comm::OperationHandle start(const comm::Buffer& /*buffer*/) override {
        const bool fails = good_-- == 0;
        if (fails && where_ == Where::Start) {
            throw BackendError("the wire broke");
        }
        return comm::OperationHandle(new Run(fails));
    }

  private:
    class Run final : public comm::Operation {
      public:
        explicit Run(bool fails) : fails_(fails) {}
        bool advance() override {
            if (fails_) {
                throw BackendError("the wire broke");
            }
            return true;
        }

      private:
        bool fails_;
    };

    int good_;
    Where where_;
};

/// Never finishes.
class Stuck final : public comm::Algorithm {
  public:
    [[nodiscard]] std::string_view name() const override { return "stuck"; }
    [[nodiscard]] comm::OperationHandle start(const comm::Buffer& /*buffer*/) override {
        return comm::OperationHandle(new Run());
    }

  private:
    class Run final : public comm::Operation {
      public:
        bool advance() override { return false; }
    };
};

std::vector<float> reduced_by(Progress mode, const mpi::Communicator& ranks) {
    comm::Engine engine(
        std::make_unique<comm::Ring>(ranks, comm::RingOptions{.segment = Bytes(4096), .depth = 2}),
        mode);
    auto values = test::rough_values(ranks.rank().value, 50021);
    const std::span<float> all(values);
    std::size_t at = 0;
    for (const std::size_t size : {1U, 0U, 20000U, 30000U, 20U}) {
        engine.submit(all.subspan(at, size));
        engine.progress();
        at += size;
    }
    engine.wait_all();
    return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine_suite)

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_who_drives_the_operations) {
    const auto ranks = mpi::Communicator::world();
    const auto inline_values = reduced_by(Progress::Inline, ranks);
    const auto thread_values = reduced_by(Progress::Thread, ranks);
    const auto again = reduced_by(Progress::Thread, ranks);
    BOOST_TEST(test::same_bits(inline_values, thread_values));
    BOOST_TEST(test::same_bits(thread_values, again));
    BOOST_TEST(test::same_on_all_ranks(ranks, inline_values));
}

BOOST_DATA_TEST_CASE(many_buffers_over_many_steps_hold_their_sums,
                     boost::unit_test::data::make(kModes) *
                         boost::unit_test::data::make({"ring", "mpi"}),
                     mode, name) {
    const auto ranks = mpi::Communicator::world();
    comm::Engine engine(comm::make_algorithm({.algorithm = name}, ranks), mode);
    const auto size = static_cast<float>(ranks.size());
    std::size_t wrong = 0;
    for (int step = 0; step < 10; ++step) {
        std::vector<std::vector<float>> buffers;
        for (std::size_t i = 0; i < 30; ++i) {
            buffers.emplace_back(i * 97, static_cast<float>(i) + static_cast<float>(step));
        }
        for (auto& buffer : buffers) {
            engine.submit(buffer);
        }
        engine.wait_all();
        for (std::size_t i = 0; i < buffers.size(); ++i) {
            for (const float value : buffers[i]) {
                wrong += value == size * (static_cast<float>(i) + static_cast<float>(step)) ? 0 : 1;
            }
        }
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(engine.exposed().value > 0.0);
    BOOST_TEST(engine.algorithm().name() == name);
    BOOST_TEST((engine.mode() == mode));
}

BOOST_DATA_TEST_CASE(an_error_surfaces_in_wait_all_and_stays, boost::unit_test::data::make(kModes),
                     mode) {
    for (const auto where : {Failing::Where::Start, Failing::Where::Advance}) {
        comm::Engine engine(std::make_unique<Failing>(1, where), mode);
        std::vector<float> values(4);
        for (int i = 0; i < 3; ++i) {
            BOOST_CHECK_NO_THROW(engine.submit(values));
        }
        BOOST_CHECK_NO_THROW(engine.progress());
        const auto is_ours = [](const BackendError& error) {
            return std::string(error.what()) == "the wire broke";
        };
        BOOST_CHECK_EXCEPTION(engine.wait_all(), BackendError, is_ours);
        BOOST_CHECK_NO_THROW(engine.submit(values));
        BOOST_CHECK_EXCEPTION(engine.wait_all(), BackendError, is_ours);
    }
}

BOOST_DATA_TEST_CASE(an_engine_that_did_nothing_waits_for_nothing_and_is_destroyed,
                     boost::unit_test::data::make(kModes), mode) {
    const mpi::Communicator alone;
    { const comm::Engine unused(comm::make_algorithm({.algorithm = "ring"}, alone), mode); }
    comm::Engine engine(comm::make_algorithm({.algorithm = "ring"}, alone), mode);
    BOOST_CHECK_NO_THROW(engine.wait_all());
    BOOST_CHECK_NO_THROW(engine.progress());
}

BOOST_DATA_TEST_CASE(destruction_gives_up_what_cannot_finish, boost::unit_test::data::make(kModes),
                     mode) {
    std::vector<float> values(4);
    comm::Engine engine(std::make_unique<Stuck>(), mode);
    engine.submit(values);
    engine.progress();
    BOOST_TEST((engine.mode() == mode));
}

BOOST_AUTO_TEST_CASE(a_thread_is_chosen_only_where_a_core_is_free_for_it) {
    using comm::choose_progress;
    const auto chosen = [](comm::ProgressFacts facts) { return choose_progress(facts); };
    BOOST_TEST(chosen({.ranks = 1, .cores = 8}) == Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2, .ranks_on_node = 2, .cores = 2}) == Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2, .ranks_on_node = 2, .cores = 4}) == Progress::Thread);
    BOOST_TEST(chosen({.ranks = 2, .ranks_on_node = 2, .cores = 2, .exclusive = true}) ==
               Progress::Thread);
    BOOST_TEST(chosen({.ranks = 2, .ranks_on_node = 2, .cores = 1, .exclusive = true}) ==
               Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2,
                       .ranks_on_node = 2,
                       .cores = 4,
                       .exclusive = true,
                       .compute_threads = 4}) == Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2, .cores = 8, .multiple = false}) == Progress::Inline);
    BOOST_TEST(comm::explain({.ranks = 2, .cores = 1}) ==
               "inline (1 core for 1 compute thread: none free for a communication thread)");
    BOOST_TEST(comm::explain({.ranks = 2, .cores = 2}) == "thread (2 cores for 1 compute thread)");
}

BOOST_AUTO_TEST_CASE(nodes_that_differ_agree_on_the_smallest_bucket) {
    const auto world = mpi::Communicator::world();
    const auto mine = mib(static_cast<std::uint64_t>(8 - world.rank().value % 3));
    const Bytes agreed = comm::agreed_bucket_size(mine, world);
    BOOST_TEST(agreed.value ==
               mib(static_cast<std::uint64_t>(8 - std::min(world.size() - 1, 2))).value);
}

BOOST_AUTO_TEST_CASE(the_default_bucket_stays_in_the_cache) {
    BOOST_TEST(comm::default_bucket_size(mib(32), 2).value == mib(8).value);
    BOOST_TEST(comm::default_bucket_size(mib(32), 8).value == mib(2).value);
    BOOST_TEST(comm::default_bucket_size(mib(32), 64).value == mib(1).value);
    BOOST_TEST(comm::default_bucket_size(Bytes(0), 1).value == mib(1).value);
}

BOOST_AUTO_TEST_SUITE_END()
