#include "tasks/glue_scores.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "tasks/glue_results.h"

using namespace hpml;

namespace {

const tasks::Score& find(const std::vector<tasks::Score>& scores, const std::string& name) {
    return *std::ranges::find(scores, name, &tasks::Score::name);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_scores_suite)

BOOST_AUTO_TEST_CASE(the_baseline_is_the_training_rows_majority_on_dev) {
    const std::vector<double> predictions{1, 0, 0, 0};
    const std::vector<float> labels{1, 0, 0, 0};
    const std::vector<float> mostly_positive{1, 1, 0};
    const auto scores =
        tasks::glue_scores(corpus::glue_task("sst2"), {predictions, labels, mostly_positive});
    BOOST_TEST(scores.size() == 1u);
    BOOST_TEST(scores[0].value == 1.0);
    BOOST_TEST(scores[0].baseline == 0.25);
    BOOST_TEST(tasks::beats_majority(scores));
}

BOOST_AUTO_TEST_CASE(mrpc_has_two_scores_their_mean_and_the_f1_of_all_positive) {
    const std::vector<double> predictions{1, 1, 1, 1};
    const std::vector<float> labels{1, 1, 1, 0};
    const std::vector<float> train{1, 1, 0};
    const auto scores = tasks::glue_scores(corpus::glue_task("mrpc"), {predictions, labels, train});
    BOOST_TEST(find(scores, "accuracy").baseline == 0.75);
    BOOST_TEST(find(scores, "f1").baseline == 6.0 / 7, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(find(scores, "combined_score").value == (0.75 + 6.0 / 7) / 2,
               boost::test_tools::tolerance(1e-12));
    // A model that always says yes has learned nothing, and the table must show it.
    BOOST_TEST(!tasks::beats_majority(scores));
}

BOOST_AUTO_TEST_CASE(one_score_below_its_baseline_is_not_a_victory) {
    BOOST_TEST(!tasks::beats_majority({{"accuracy", 0.9, 0.6}, {"f1", 0.8, 0.81}}));
    BOOST_TEST(tasks::beats_majority({{"accuracy", 0.9, 0.6}, {"f1", 0.82, 0.81}}));
}

BOOST_AUTO_TEST_CASE(regression_has_correlations_whose_baseline_is_none) {
    const std::vector<double> predictions{0.5, 2.0, 4.5};
    const std::vector<float> labels{0.0F, 2.5F, 5.0F};
    const auto scores =
        tasks::glue_scores(corpus::glue_task("stsb"), {predictions, labels, labels});
    BOOST_TEST(find(scores, "spearmanr").value == 1.0, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(find(scores, "pearson").baseline == 0.0);
}

BOOST_AUTO_TEST_CASE(the_answer_is_the_largest_logit_and_the_loss_its_cross_entropy) {
    const std::vector<double> outputs{2.0, 1.0, -1.0, 3.0};
    const std::vector<float> labels{0, 0};
    const auto answers = tasks::answers(outputs, 2);
    BOOST_TEST(answers[0] == 0.0);
    BOOST_TEST(answers[1] == 1.0);
    const double expected = (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(4.0))) / 2;
    BOOST_TEST(tasks::mean_loss(outputs, labels) == expected, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(one_output_is_a_score_and_its_loss_the_squared_error) {
    const std::vector<double> outputs{1.0, 4.0};
    const std::vector<float> labels{2.0F, 2.0F};
    BOOST_TEST(tasks::answers(outputs, 1)[1] == 4.0);
    BOOST_TEST(tasks::mean_loss(outputs, labels) == 2.5);
}

BOOST_AUTO_TEST_CASE(result_files_have_the_names_and_forms_of_run_glue) {
    tasks::GlueNumbers numbers;
    numbers.scores = {{"accuracy", 0.75, 0.5}};
    numbers.eval_samples = 4;
    numbers.train_samples = 10;
    numbers.training.progress = {Step(30), 0.7};
    numbers.training.steps = Step(30);
    numbers.training.taken = Step(30);
    numbers.training.seconds = Seconds(2.0);
    const Json all = tasks::all_results(numbers);
    BOOST_TEST(all.at("eval_accuracy").get<double>() == 0.75);
    BOOST_TEST(all.at("baseline_majority_accuracy").get<double>() == 0.5);
    BOOST_TEST(all.at("beats_majority").get<bool>());
    BOOST_TEST(all.at("epoch").get<double>() == 3.0);
    BOOST_TEST(all.at("train_samples_per_second").get<double>() == 15.0);
    BOOST_TEST(!tasks::eval_results(numbers).contains("train_loss"));
    const auto read = tasks::read_scores(corpus::glue_task("sst2"), all, "all_results.json");
    BOOST_TEST(read[0].value == 0.75);
}

BOOST_AUTO_TEST_CASE(predictions_have_the_form_of_a_submission) {
    const std::vector<double> classes{1, 0};
    BOOST_TEST(tasks::prediction_table(corpus::glue_task("cola"), classes) ==
               "index\tprediction\n0\t1\n1\t0\n");
    const std::vector<double> scores{-0.2, 3.14159, 5.5};
    BOOST_TEST(tasks::prediction_table(corpus::glue_task("stsb"), scores) ==
               "index\tprediction\n0\t0.000\n1\t3.142\n2\t5.000\n");
}

BOOST_AUTO_TEST_SUITE_END()
