#include "report/results.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "support/data.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(results)

BOOST_AUTO_TEST_CASE(results_of_several_parts_stand_together) {
    const test::ScratchFolder run("results");
    merge_results(run / "all_results.json", {{"train_loss", 0.5}, {"eval_accuracy", 0.1}});
    write_eval_results(run.path(), {{"eval_accuracy", 0.75}});
    const Json all = read_json(run / "all_results.json");
    BOOST_TEST(all["train_loss"].get<double>() == 0.5);
    BOOST_TEST(all["eval_accuracy"].get<double>() == 0.75);
    BOOST_TEST(read_json(run / "eval_results.json").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_of_something_else_is_not_overwritten) {
    const test::ScratchFolder run("results");
    test::write_file(run / "all_results.json", "[1]");
    BOOST_CHECK_THROW(merge_results(run / "all_results.json", Json::object()), InputError);
}

BOOST_AUTO_TEST_CASE(a_score_stands_beside_what_a_majority_guess_gets) {
    BOOST_TEST(score_table({{"sst2", "accuracy", 0.8125, 0.5092, "5 seeds"},
                            {"cola", "mcc", -0.01, 0, ""}}) ==
               "task  metric      score  majority     gain  note\n"
               "---------------------------------------------------\n"
               "sst2  accuracy   0.8125    0.5092  +0.3033  5 seeds\n"
               "cola  mcc       -0.0100    0.0000  -0.0100\n");
}

BOOST_AUTO_TEST_SUITE_END()
