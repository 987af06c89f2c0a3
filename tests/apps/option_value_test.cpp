#include "apps/option_value.h"

#include <boost/test/unit_test.hpp>

#include "apps/suggest.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(option_value)

BOOST_AUTO_TEST_CASE(an_unsigned_number_refuses_a_sign) {
    std::uint64_t value = 7;
    for (const char* text :
         {"-1", "+1", "", " 1", "1 ", "3x", "0x10", "1e3", "1.5", "99999999999999999999"}) {
        BOOST_TEST(!assign_value(&value, {}, text), text);
    }
    BOOST_TEST(value == 7u);
    BOOST_TEST(assign_value(&value, {}, "18446744073709551615"));
    BOOST_TEST(value == 18446744073709551615u);
}

BOOST_AUTO_TEST_CASE(a_real_number_is_finite_and_within_its_bounds) {
    double value = 0.5;
    for (const char* text :
         {"nan", "NaN", "-nan", "inf", "-inf", "infinity", "1e999", "1,5", "", "1f"}) {
        BOOST_TEST(!assign_value(&value, {}, text), text);
    }
    ValueRule rule;
    rule.least = 0;
    rule.most = 1;
    rule.above_least = true;
    BOOST_TEST(!assign_value(&value, rule, "0"));
    BOOST_TEST(!assign_value(&value, rule, "1.0001"));
    BOOST_TEST(value == 0.5);
    BOOST_TEST(assign_value(&value, rule, "1"));
    BOOST_TEST(value == 1.0);
    rule.below_most = true;
    BOOST_TEST(!assign_value(&value, rule, "1"));
}

BOOST_AUTO_TEST_CASE(a_time_takes_a_unit) {
    Seconds value;
    const std::pair<const char*, double> cases[] = {{"90", 90},   {"90s", 90},   {"5m", 300},
                                                    {"2h", 7200}, {"1d", 86400}, {"0.5h", 1800}};
    for (const auto& [text, seconds] : cases) {
        BOOST_TEST(assign_value(&value, {}, text), text);
        BOOST_TEST(value.value == seconds, text);
    }
    for (const char* text : {"", "m", "5min", "-5m", "nan", "5 m", "inf", "1e300", "1000001h"}) {
        BOOST_TEST(!assign_value(&value, {}, text), text);
    }
}

BOOST_AUTO_TEST_CASE(a_switch_is_on_or_off) {
    bool value = false;
    BOOST_TEST(assign_value(&value, {}, "on"));
    BOOST_TEST(value);
    BOOST_TEST(!assign_value(&value, {}, "true"));
    BOOST_TEST(value);
    BOOST_TEST(assign_value(&value, {}, "off"));
    BOOST_TEST(!value);
}

BOOST_AUTO_TEST_CASE(what_a_file_cannot_give_back_is_refused) {
    std::filesystem::path value;
    for (const char* text : {"", "a#b", " a", "a ", "a\nb", "a\x1b[2J"}) {
        BOOST_TEST(!assign_value(&value, {}, text), text);
    }
    BOOST_TEST(assign_value(&value, {}, "a b=c"));
    BOOST_TEST(value == "a b=c");
}

BOOST_AUTO_TEST_CASE(every_value_reads_back_from_its_text) {
    double rate = 1.7e-4 / 3;
    Seconds minutes(300);
    Seconds odd(90.25);
    std::optional<double> none;
    BOOST_TEST(value_texts(&none).empty());
    BOOST_TEST(value_texts(&minutes).front() == "5m");
    const double rate_before = rate;
    const auto rate_text = value_texts(&rate).front();
    const auto odd_text = value_texts(&odd).front();
    BOOST_TEST(assign_value(&rate, {}, rate_text));
    BOOST_TEST(assign_value(&odd, {}, odd_text));
    BOOST_TEST(rate == rate_before);
    BOOST_TEST(odd.value == 90.25);
}

BOOST_AUTO_TEST_CASE(the_nearest_name_is_found) {
    const std::vector<std::string> names = {"batch-size", "bucket-mib", "seed"};
    BOOST_TEST(edit_distance("kitten", "sitting") == 3u);
    BOOST_TEST(edit_distance("", "abc") == 3u);
    BOOST_TEST(nearest("bacth-size", names).value_or("") == "batch-size");
    BOOST_TEST(nearest("batch", names).value_or("") == "batch-size");
    BOOST_TEST(nearest("sede", names).value_or("") == "seed");
    BOOST_TEST(!nearest("tokenizer", names).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
