// The main of tests that run under mpirun: rank 0 reports, every rank's verdict counts.
#define BOOST_TEST_NO_MAIN
#include <array>
#include <boost/test/results_reporter.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>

#include "mpi/communicator.h"
#include "mpi/environment.h"
#include "support/skip.h"

namespace {

// Boost.Test resets its streams before it calls this, so redirection before unit_test_main has no
// effect.
bool start_suite() {
    const auto ranks = hpml::mpi::Communicator::world();
    if (!ranks.is_root()) {
        static std::ofstream nowhere("/dev/null");
        boost::unit_test::results_reporter::set_stream(nowhere);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    hpml::mpi::Environment environment;
    const int code = boost::unit_test::unit_test_main(start_suite, argc, argv);
    const auto ranks = hpml::mpi::Communicator::world();
    if (code != 0) {
        std::fprintf(stderr, "rank %d failed\n", ranks.rank().value);
    }
    std::array<std::int64_t, 2> verdict{code == 0 ? 0 : 1, hpml::test::was_skipped() ? 1 : 0};
    ranks.max(verdict);
    hpml::test::was_skipped() = verdict[1] != 0;
    return hpml::test::with_skips(static_cast<int>(verdict[0]));
}
