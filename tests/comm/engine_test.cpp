#include "comm/engine.h"

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <thread>
#include <vector>

#include "base/error.h"
#include "comm/buffers.h"
#include "comm/progress_modes.h"
#include "comm/ring.h"
#include "comm/select.h"

using namespace hpml;
using comm::Progress;

namespace {

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

/// What an engine does with the operations of an algorithm.
struct Seen {
    std::atomic<int> started{0};
    std::atomic<int> finished{0};   ///< advance() said so
    std::atomic<int> released{0};   ///< finished ones
    std::atomic<int> mistakes{0};   ///< advanced after the end, released before it, out of order
    std::atomic<int> at_a_time{0};  ///< threads inside
    std::vector<const std::byte*> order;

    /// Counts a thread in and out: two at once is a mistake.
    class Visit {
      public:
        explicit Visit(Seen& seen) : seen_(seen) {
            seen_.mistakes += seen_.at_a_time.fetch_add(1) == 0 ? 0 : 1;
        }
        ~Visit() { seen_.at_a_time.fetch_sub(1); }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        Visit(Visit&&) = delete;
        Visit& operator=(Visit&&) = delete;

      private:
        Seen& seen_;
    };
};

/// Each operation finishes at its third advance; of the thread `finisher`, if there is one.
class Watched final : public comm::Algorithm {
  public:
    explicit Watched(Seen& seen, std::optional<std::thread::id> finisher = std::nullopt)
        : seen_(seen), finisher_(finisher) {}

    [[nodiscard]] std::string_view name() const override { return "watched"; }
    [[nodiscard]] comm::OperationHandle start(const comm::Buffer& buffer) override {
        const Seen::Visit visit(seen_);
        ++seen_.started;
        seen_.order.push_back(buffer.data);
        return comm::OperationHandle(new Run(seen_, finisher_));
    }

  private:
    class Run final : public comm::Operation {
      public:
        Run(Seen& seen, std::optional<std::thread::id> finisher)
            : seen_(seen), finisher_(finisher) {}
        bool advance() override {
            const Seen::Visit visit(seen_);
            seen_.mistakes += done_ ? 1 : 0;
            const bool may = !finisher_ || std::this_thread::get_id() == *finisher_;
            done_ = may && ++advanced_ >= 3;
            seen_.finished += done_ ? 1 : 0;
            return done_;
        }
        void release() noexcept override {
            seen_.mistakes += done_ ? 0 : 1;
            ++seen_.released;
            delete this;
        }

      private:
        Seen& seen_;
        std::optional<std::thread::id> finisher_;
        int advanced_ = 0;
        bool done_ = false;
    };

    Seen& seen_;
    std::optional<std::thread::id> finisher_;
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
                     boost::unit_test::data::make(test::progress_modes()) *
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

BOOST_DATA_TEST_CASE(an_error_surfaces_in_wait_all_and_stays,
                     boost::unit_test::data::make(test::progress_modes()), mode) {
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

BOOST_DATA_TEST_CASE(every_operation_starts_in_order_and_completes_once,
                     boost::unit_test::data::make(test::progress_modes()), mode) {
    constexpr std::size_t kCount = 40;
    constexpr int kSteps = 50;
    Seen seen;
    std::vector<float> values(kCount);
    std::vector<const std::byte*> expected;
    {
        comm::Engine engine(std::make_unique<Watched>(seen), mode);
        for (int step = 0; step < kSteps; ++step) {
            for (std::size_t i = 0; i < kCount; ++i) {
                const comm::Buffer buffer(std::span<float>(values).subspan(i, 1));
                expected.push_back(buffer.data);
                engine.submit(buffer);
                engine.progress();
            }
            (void)engine.wait_all();
            BOOST_TEST(seen.finished == (step + 1) * static_cast<int>(kCount));
        }
    }
    BOOST_TEST(seen.started == seen.finished);
    BOOST_TEST(seen.released == seen.finished);
    BOOST_TEST(seen.mistakes == 0);
    BOOST_TEST((seen.order == expected));
}

BOOST_DATA_TEST_CASE(who_waits_works, boost::unit_test::data::make(test::progress_modes()), mode) {
    // No other thread can finish these.
    Seen seen;
    std::vector<float> values(4);
    comm::Engine engine(std::make_unique<Watched>(seen, std::this_thread::get_id()), mode);
    for (int step = 0; step < 20; ++step) {
        for (int i = 0; i < 3; ++i) {
            engine.submit(values);
        }
        (void)engine.wait_all();
    }
    BOOST_TEST(seen.finished == 60);
    BOOST_TEST(seen.mistakes == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_works_while_the_caller_computes) {
    Seen seen;
    std::vector<float> values(4);
    comm::Engine engine(std::make_unique<Watched>(seen), Progress::Thread);
    engine.submit(values);
    while (seen.finished == 0) {
        std::this_thread::yield();  // the time limit of the test is the assertion
    }
    (void)engine.wait_all();
    BOOST_TEST(seen.released == 1);
}

BOOST_DATA_TEST_CASE(an_engine_that_did_nothing_waits_for_nothing_and_is_destroyed,
                     boost::unit_test::data::make(test::progress_modes()), mode) {
    const mpi::Communicator alone;
    { const comm::Engine unused(comm::make_algorithm({.algorithm = "ring"}, alone), mode); }
    comm::Engine engine(comm::make_algorithm({.algorithm = "ring"}, alone), mode);
    BOOST_CHECK_NO_THROW(engine.wait_all());
    BOOST_CHECK_NO_THROW(engine.progress());
}

BOOST_DATA_TEST_CASE(destruction_gives_up_what_cannot_finish,
                     boost::unit_test::data::make(test::progress_modes()), mode) {
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
    BOOST_TEST(chosen({.ranks = 2, .ranks_on_node = 2, .cores = 8, .multiple = false}) ==
               Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2, .cores = 8, .wish = comm::ProgressWish::Inline}) ==
               Progress::Inline);
    BOOST_TEST(chosen({.ranks = 2, .cores = 1, .wish = comm::ProgressWish::Thread}) ==
               Progress::Thread);
    BOOST_CHECK_THROW(
        (void)chosen({.ranks = 2, .multiple = false, .wish = comm::ProgressWish::Thread}),
        ResourceError);
    BOOST_TEST(chosen({.ranks = 4, .ranks_on_node = 2, .cores = 2}) == Progress::Thread,
               "between nodes somebody must move messages on");
    BOOST_TEST(chosen({.ranks = 4,
                       .ranks_on_node = 2,
                       .cores = 4,
                       .exclusive = true,
                       .compute_threads = 4}) == Progress::Background);
    BOOST_TEST(chosen({.ranks = 2, .cores = 8, .wish = comm::ProgressWish::Background}) ==
               Progress::Background);
    BOOST_TEST(comm::explain({.ranks = 2, .ranks_on_node = 2, .cores = 2}) ==
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
