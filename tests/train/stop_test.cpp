#include "train/stop.h"

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/error.h"
#include "train/handshake.h"
#include "train/threads.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(stop_suite)

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
    for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) {
        const train::StopSignals signals;
        BOOST_TEST(!signals.take_back());
        std::signal(signal, [](int) {});
        std::raise(signal);
        BOOST_TEST(!signals.requested());
        BOOST_TEST(signals.take_back());
        std::raise(signal);
        BOOST_TEST(signals.requested());
    }
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
