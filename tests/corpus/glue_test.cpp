#include "corpus/glue.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "corpus/corpus_fixture.h"

using namespace hpml;
using corpus::glue_task;
using corpus::GlueExample;
using corpus::GlueSplit;
using corpus::read_glue;

namespace {

void file_must_fail(const char* task, const char* file, const std::string& content,
                    const std::vector<std::string>& words) {
    const test::ScratchFolder folder("glue-bad");
    test::write_file(folder / file, content);
    const GlueSplit split = std::string(file) == "test.tsv" ? GlueSplit::Test : GlueSplit::Train;
    test::must_fail<InputError>([&] { (void)read_glue(glue_task(task), folder.path(), split); },
                                words);
}

std::size_t positives(const std::vector<GlueExample>& examples) {
    return static_cast<std::size_t>(
        std::ranges::count_if(examples, [](const GlueExample& e) { return e.label == 1.0F; }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_suite)

BOOST_AUTO_TEST_CASE(the_official_splits_have_their_row_counts) {
    const auto data = test::real_data();
    if (data.empty()) {
        return;
    }
    struct Expected {
        const char* task;
        const char* folder;
        std::size_t train;
        std::size_t dev;
        std::size_t test;
    };
    // This copy of MRPC's train.tsv lacks one pair of the usual 3668 (see the data's README).
    for (const Expected& e :
         {Expected{"cola", "CoLA", 8551, 1043, 1063}, Expected{"sst2", "SST-2", 67349, 872, 1821},
          Expected{"mrpc", "MRPC", 3667, 408, 1725}, Expected{"stsb", "STS-B", 5749, 1500, 1379}}) {
        const auto& task = glue_task(e.task);
        const auto folder = data / "glue" / e.folder;
        BOOST_TEST(read_glue(task, folder, GlueSplit::Train).size() == e.train, e.task);
        BOOST_TEST(read_glue(task, folder, GlueSplit::Dev).size() == e.dev, e.task);
        BOOST_TEST(read_glue(task, folder, GlueSplit::Test).size() == e.test, e.task);
    }
}

BOOST_AUTO_TEST_CASE(the_official_files_are_read_into_the_right_fields) {
    const auto data = test::real_data();
    if (data.empty()) {
        return;
    }
    const auto cola = read_glue(glue_task("cola"), data / "glue/CoLA", GlueSplit::Train);
    BOOST_TEST(cola[0].first ==
               "Our friends won't buy this analysis, let alone the next one we propose.");
    BOOST_TEST(cola[0].label == 1.0F);
    const auto cola_dev = read_glue(glue_task("cola"), data / "glue/CoLA", GlueSplit::Dev);
    BOOST_TEST(positives(cola_dev) == 721u);
    const auto sst = read_glue(glue_task("sst2"), data / "glue/SST-2", GlueSplit::Dev);
    BOOST_TEST(positives(sst) == 444u);
    const auto mrpc = read_glue(glue_task("mrpc"), data / "glue/MRPC", GlueSplit::Dev);
    BOOST_TEST(positives(mrpc) == 279u);
    BOOST_TEST(mrpc[0].second ==
               "\" The foodservice pie business does not fit our long-term growth strategy .");
    const auto stsb = read_glue(glue_task("stsb"), data / "glue/STS-B", GlueSplit::Train);
    BOOST_TEST(stsb[0].first == "A plane is taking off.");
    BOOST_TEST(stsb[0].second == "An air plane is taking off.");
    BOOST_TEST(stsb[0].label == 5.0F);
    const auto test = read_glue(glue_task("stsb"), data / "glue/STS-B", GlueSplit::Test);
    BOOST_TEST(test[0].second == "A girl is brushing her hair.");
    BOOST_TEST(test[0].label == 0.0F);
}

BOOST_AUTO_TEST_CASE(the_sample_task_is_read_as_sst2) {
    const std::filesystem::path folder =
        std::filesystem::path(HPML_SOURCE_DIR) / "data/sample/task";
    const auto& task = glue_task("sst2");
    const auto dev = read_glue(task, folder, GlueSplit::Dev);
    BOOST_TEST(read_glue(task, folder, GlueSplit::Train).size() >= 600u);
    BOOST_TEST(dev.size() >= 200u);
    BOOST_TEST(positives(dev) * 2 == dev.size());
    BOOST_TEST(!read_glue(task, folder, GlueSplit::Test).empty());
}

BOOST_AUTO_TEST_CASE(marks_line_ends_and_quotes_do_no_harm) {
    const test::ScratchFolder folder("glue-forms");
    test::write_file(folder / "train.tsv",
                     "\xEF\xBB\xBFsentence\tlabel\r\na \" quote\t0\r\n\"open\t1\r\nlast\t1");
    const auto examples = read_glue(glue_task("sst2"), folder.path(), GlueSplit::Train);
    BOOST_REQUIRE(examples.size() == 3u);
    BOOST_TEST(examples[0].first == "a \" quote");
    BOOST_TEST(examples[1].first == "\"open");
    BOOST_TEST(examples[1].label == 1.0F);
    BOOST_TEST(examples[2].first == "last");
}

BOOST_AUTO_TEST_CASE(bad_lines_are_named) {
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\ngood\t1\nno label\n",
                   {"train.tsv:3: 1 columns", "SST-2 has 2: sentence, label"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\n\"a\tb\"\t1\n",
                   {"train.tsv:2: 3 columns"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\ngood\t-\n",
                   {"train.tsv:2: the label is '-' (0 or 1 expected)"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\nsentence\tlabel\n",
                   {"train.tsv:2: the label is 'label'"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\n \t1\n",
                   {"train.tsv:2: column 1 is empty"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\ngood\t1\n\n", {"train.tsv:3: 1 columns"});
    file_must_fail("sst2", "train.tsv", "text\tlabel\ngood\t1\n",
                   {"train.tsv:1: the header is 'text, label'", "sentence, label"});
    file_must_fail("sst2", "train.tsv", "sentence\tlabel\n", {"train.tsv has no examples"});
    file_must_fail("sst2", "train.tsv", "", {"train.tsv has no examples"});
    file_must_fail("cola", "train.tsv", "gj04\t2\t\tWords.\n", {"train.tsv:1: the label is '2'"});
    file_must_fail("sst2", "test.tsv", "sentence\tlabel\ngood\t1\n",
                   {"test.tsv:1: the header", "index, sentence"});
    const std::string stsb =
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n";
    const std::string row = "0\tg\tf\t2012\t1\tn\tn\tone\ttwo\t";
    for (const char* score : {"5.01", "-0.1", "nan", "inf", "", "3.0x", "1,5"}) {
        file_must_fail("stsb", "train.tsv", stsb + row + score + "\n",
                       {"train.tsv:2: the score is '" + std::string(score) + "'",
                        "a number from 0 to 5 expected"});
    }
}

BOOST_AUTO_TEST_CASE(missing_files_and_unknown_tasks_are_told_apart) {
    const test::ScratchFolder folder("glue-none");
    test::must_fail<MissingInputError>(
        [&] { (void)read_glue(glue_task("cola"), folder.path(), GlueSplit::Dev); }, {"dev.tsv"});
    test::must_fail<UsageError>([] { (void)glue_task("sst"); },
                                {"'sst'", "cola, sst2, mrpc, stsb"});
}

BOOST_AUTO_TEST_SUITE_END()
