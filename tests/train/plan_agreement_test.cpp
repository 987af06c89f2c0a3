// The fusion plan is compared once: the first tensor that differs is named, with the ranks.

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "fusion/plan.h"
#include "mpi/communicator.h"
#include "train/handshake.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(plan_agreement_suite)

BOOST_AUTO_TEST_CASE(the_tensor_and_the_ranks_that_differ_are_named_on_every_rank) {
    const auto ranks = mpi::Communicator::world();
    std::vector<model::LeafSpec> specs = {
        {{{"embeddings.weight", {40, 8}, model::Init::Zeros, true}}},
        {{{"pooler.weight", {2, 3}, model::Init::Zeros, true}}},
        {{{"classifier.bias", {3}, model::Init::Zeros, true}}}};
    const bool is_odd = ranks.rank().value == ranks.size() - 1 && ranks.size() > 1;
    if (is_odd) {
        specs[1].parts[0].shape = {3, 2};
    }
    std::string message;
    try {
        train::require_same(ranks, "fusion plan",
                            fusion::to_text(fusion::make_plan(specs, kib(1)), specs));
    } catch (const MismatchError& error) {
        message = error.what();
    }
    if (ranks.size() == 1) {
        BOOST_TEST(message == "");
        return;
    }
    BOOST_TEST(message.find("rank " + std::to_string(ranks.size() - 1) + " differs from rank 0") !=
                   std::string::npos,
               message);
    BOOST_TEST(message.find("'pooler.weight [2, 3] at 320' on rank 0, 'pooler.weight [3, 2] at "
                            "320' there") != std::string::npos,
               message);
    // The ranks talk as before.
    train::require_same(ranks, "fusion plan", "the same");
}

BOOST_AUTO_TEST_SUITE_END()
