// Which options may change when a run goes on, and what is said about them.

#include "tasks/resume_settings.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "apps/hpml_pretrain_options.h"
#include "base/error.h"
#include "support/text.h"
#include "tasks/resume_classes.h"

using namespace hpml;
using namespace hpml::tasks;
using test::contains;

namespace {

struct Scene {
    PretrainOptions options;
    corpus::Manifest manifest;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream{std::tmpfile(), std::fclose};
    Log log{Rank(0), true, {}, stream.get()};

    Scene() {
        options.model = "tiny";
        options.global_batch = 12;
        options.micro_batch = 2;
        options.communication.all_reduce.reproducible = comm::Reproducible::Elastic;
        options.ramp = {.full = 12, .start = 4, .increment = 4, .sequences = 100};
        manifest.vocabulary_size = 4000;
        manifest.sequence_length = 32;
    }
    [[nodiscard]] Json state() const {
        const RecordedSettings recorded = recorded_settings(options, manifest);
        return {{"step", 4}, {"settings", recorded.settings}, {"changeable", recorded.changeable}};
    }
    [[nodiscard]] Json compare(const Json& state) {
        return compare_settings(state, options, manifest, "checkpoint c", log);
    }
    /// Empty: it goes on.
    [[nodiscard]] std::string refusal(const Json& state) {
        try {
            (void)compare(state);
        } catch (const MismatchError& error) {
            return error.what();
        }
        return "";
    }
    [[nodiscard]] std::string said() {
        std::string text;
        std::rewind(stream.get());
        for (int letter = std::fgetc(stream.get()); letter != EOF;
             letter = std::fgetc(stream.get())) {
            text.push_back(static_cast<char>(letter));
        }
        return text;
    }
};

Json other_than(const Json& value) {
    if (value.is_null()) {  // off here
        return "on";
    }
    if (value.is_boolean()) {
        return !value.get<bool>();
    }
    if (value.is_number()) {
        return value.get<double>() + 1;
    }
    return value.is_array() ? Json::array({1, 2, 3}) : Json(value.get<std::string>() + "x");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resume_settings_suite, Scene)

BOOST_AUTO_TEST_CASE(every_option_has_exactly_one_class) {
    PretrainProgramOptions program;
    OptionTable table("hpml_pretrain", "");
    declare_pretrain_options(table, program);
    std::set<std::string> declared;
    for (const OptionRow& row : table.rows()) {
        if (!row.is_request) {
            BOOST_CHECK_NO_THROW((void)on_resume(row.name));
            declared.insert(row.name);
        }
    }
    BOOST_CHECK_THROW((void)on_resume("no-such-option"), InternalError);
    std::set<std::string> recorded;
    for (const Setting& setting : all_settings()) {
        BOOST_TEST(declared.contains(setting.option), setting.option);
        BOOST_TEST((on_resume(setting.option) == setting.on_resume),
                   setting.option << " has two classes");
        recorded.insert(setting.option);
    }
    std::set<std::string> others;
    for (const UnrecordedOption& other : unrecorded_options()) {
        BOOST_TEST(declared.contains(other.option), other.option);
        BOOST_TEST(!recorded.contains(other.option), other.option << " has two classes");
        BOOST_TEST(others.insert(other.option).second, other.option << " stands there twice");
    }
}

BOOST_AUTO_TEST_CASE(a_change_of_any_key_has_the_answer_of_its_class) {
    BOOST_TEST(refusal(state()) == "");
    BOOST_TEST(said() == "");
    for (const Setting& setting : all_settings()) {
        Json saved = state();
        const bool is_said = setting.on_resume == OnResume::Said;
        Json& value = saved[is_said ? "changeable" : "settings"][setting.key];
        value = other_than(value);
        const std::string before = value.is_string() ? value.get<std::string>() : value.dump();
        options.overrides.clear();
        options.allow_dataset_change = false;
        const std::string message = refusal(saved);
        if (is_said) {
            BOOST_TEST(message == "", setting.key);
            BOOST_TEST(contains(said(), setting.key + (" " + before) + " -> "), setting.key);
            continue;
        }
        BOOST_TEST(contains(message, std::string("\n  ") + setting.key), message);
        BOOST_TEST(contains(message, before), message);
        BOOST_TEST(contains(message, setting.why), message);
        // What must not change is refused whatever the user gives.
        options.overrides = overridable_options();
        options.allow_dataset_change = true;
        BOOST_TEST((refusal(saved) == "") == (setting.on_resume == OnResume::Override),
                   setting.key);
    }
}

BOOST_AUTO_TEST_CASE(an_override_is_told_and_stays_on_record) {
    Json saved = state();
    saved["settings"]["dropout"] = 0.3;
    saved["settings"]["dataset"] = "another";
    saved["overrides"] = Json::array({{{"step", 2}, {"option", "seed"}}});
    BOOST_TEST(contains(refusal(saved), "--allow-dataset-change"));
    BOOST_TEST(contains(refusal(saved), "--override dropout"));
    options.overrides = {"dropout"};
    BOOST_TEST(contains(refusal(saved), "--allow-dataset-change"));
    BOOST_TEST(!contains(refusal(saved), "\n  dropout"));
    options.allow_dataset_change = true;
    const Json history = compare(saved);
    BOOST_TEST_REQUIRE(history.size() == 3U);
    BOOST_TEST(history.at(0).at("option") == "seed");
    BOOST_TEST(history.at(1).dump() ==
               R"({"step":4,"option":"data","key":"dataset","from":"another","to":")" +
                   manifest.digest().hex() + "\"}");
    BOOST_TEST(history.at(2).dump() ==
               R"({"step":4,"option":"dropout","key":"dropout","from":0.3,"to":0.1})");
    BOOST_TEST(contains(said(), "dropout 0.3 -> 0.1"));
}

BOOST_AUTO_TEST_CASE(what_an_older_version_did_not_record_is_not_compared) {
    Json saved = state();
    saved.erase("changeable");
    saved["settings"].erase("beta1");
    BOOST_TEST(refusal(saved) == "");
    // But a feature that is off is not recorded either, and that is a difference.
    saved["settings"].erase("elastic_micro_batch");
    BOOST_TEST(contains(refusal(saved), "elastic_micro_batch"));
}

BOOST_AUTO_TEST_CASE(a_key_of_a_later_version_is_refused_by_name) {
    Json saved = state();
    saved["settings"]["telepathy"] = true;
    BOOST_TEST(contains(refusal(saved), "telepathy, which this version does not know"));
}

BOOST_AUTO_TEST_SUITE_END()
