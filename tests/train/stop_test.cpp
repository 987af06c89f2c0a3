#include "train/stop.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "base/error.h"
#include "train/handshake.h"
#include "train/threads.h"

using namespace hpml;

namespace {

using Handler = void (*)(int);

Handler handler_of(int signal) {
    struct sigaction found {};
    BOOST_TEST_REQUIRE(::sigaction(signal, nullptr, &found) == 0);
    return found.sa_handler;
}

/// An object before this one left the signals ignored.
struct FreshSignals {
    explicit FreshSignals(Handler handler = SIG_DFL) {
        for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) {
            std::signal(signal, handler);
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stop_suite, FreshSignals)

BOOST_AUTO_TEST_CASE(a_signal_is_a_wish_and_not_an_end) {
    const train::StopSignals signals;
    BOOST_TEST(!signals.requested());
    std::raise(SIGUSR1);
    BOOST_TEST(signals.requested());
}

BOOST_AUTO_TEST_CASE(a_new_object_starts_without_wishes) {
    {
        const train::StopSignals signals;
        std::raise(SIGTERM);
        BOOST_TEST(signals.requested());
    }
    const train::StopSignals signals;
    BOOST_TEST(!signals.requested());
}

BOOST_AUTO_TEST_CASE(every_stop_signal_can_be_taken_back_from_a_library) {
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM}) {
        const FreshSignals fresh;
        const train::StopSignals signals;
        const Handler ours = handler_of(signal);
        BOOST_TEST(!signals.take_back());
        std::signal(signal, [](int) {});
        std::raise(signal);
        BOOST_TEST(!signals.requested());
        BOOST_TEST(signals.take_back());
        BOOST_TEST((handler_of(signal) == ours));
        std::raise(signal);
        BOOST_TEST(signals.requested());
    }
}

BOOST_AUTO_TEST_CASE(the_signals_can_be_chosen_and_the_others_keep_their_effect) {
    BOOST_TEST(train::stop_signal_names().size() == 6U);
    for (const std::string& name : train::stop_signal_names()) {
        const FreshSignals fresh;
        const train::StopSignals signals({name});
        int taken = 0;
        for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) {
            taken += handler_of(signal) == SIG_DFL ? 0 : 1;
        }
        BOOST_TEST(taken == 1, name);
        // A library may have the others.
        const Handler library = [](int) {};
        const int other = name == "usr1" ? SIGUSR2 : SIGUSR1;
        std::signal(other, library);
        BOOST_TEST(!signals.take_back(), name);
        BOOST_TEST((handler_of(other) == library), name);
    }
    const train::StopSignals signals({"int", "xcpu"});
    std::raise(SIGXCPU);
    // The kernel repeats it until the hard limit.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::raise(SIGXCPU);
    BOOST_TEST(signals.requested());
}

BOOST_AUTO_TEST_CASE(a_hang_up_that_is_ignored_already_stays_ignored_and_nothing_else_does) {
    const FreshSignals fresh(SIG_IGN);
    const train::StopSignals signals;
    std::raise(SIGHUP);
    BOOST_TEST(!signals.requested());
    BOOST_TEST(!signals.take_back());
    BOOST_TEST((handler_of(SIGHUP) == SIG_IGN));
    std::raise(SIGUSR1);
    BOOST_TEST(signals.requested());
}

// The shell of a terminal that ends sends one, the kernel another.
BOOST_AUTO_TEST_CASE(a_second_hang_up_soon_after_the_first_is_the_same) {
    const train::StopSignals signals;
    std::raise(SIGHUP);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::raise(SIGHUP);
    BOOST_TEST(signals.requested());
}

BOOST_AUTO_TEST_CASE(ranks_that_differ_are_named_on_every_rank) {
    const auto ranks = mpi::Communicator::world();
    const bool odd = ranks.rank().value == ranks.size() - 1 && ranks.size() > 1;
    std::string text;
    try {
        train::require_same(ranks, "options", odd ? "a = 1\nb = 3" : "a = 1\nb = 2");
    } catch (const MismatchError& error) {
        text = error.what();
    }
    BOOST_TEST(text.empty() == (ranks.size() == 1));
    if (ranks.size() > 1) {
        BOOST_TEST(text.find("rank " + std::to_string(ranks.size() - 1)) != std::string::npos,
                   text);
        BOOST_TEST(text.find("'b = 2' on rank 0, 'b = 3' there") != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(threads_are_at_least_one_and_never_more_than_asked) {
    const auto ranks = mpi::Communicator::world();
    const auto chosen = train::choose_threads(ranks, 0);
    const auto asked = train::choose_threads(ranks, 3);
    BOOST_TEST(chosen.threads >= 1);
    BOOST_TEST(chosen.ranks_on_node == ranks.size());
    BOOST_TEST(asked.threads == 3);
}

BOOST_AUTO_TEST_SUITE_END()
