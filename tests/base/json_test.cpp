#include "base/json.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

using namespace hpml;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(json_suite)

BOOST_AUTO_TEST_CASE(hostile_texts_are_refused) {
    for (const std::string& text :
         {"{\"a\": 1, \"a\": 2}"s, "{}\0garbage"s, std::string(70, '[') + std::string(70, ']'),
          "{"s, ""s, "{\"a\": {\"b\": 1, \"b\": 1}}"s}) {
        BOOST_CHECK_THROW((void)parse_json(text, "text"), InputError);
    }
    BOOST_CHECK_THROW((void)parse_json(std::string(100, ' ') + "{}", "text", Bytes(50)),
                      InputError);
}

BOOST_AUTO_TEST_CASE(brackets_in_strings_are_not_depth) {
    const std::string text = "{\"a\": \"" + std::string(500, '[') + "\\\"\"}";
    BOOST_TEST(parse_json(text, "text").at("a").get<std::string>().size() == 501u);
}

BOOST_AUTO_TEST_CASE(the_same_key_in_two_objects_is_fine) {
    BOOST_CHECK_NO_THROW((void)parse_json("[{\"a\": 1}, {\"a\": {\"a\": 2}}]", "text"));
}

BOOST_AUTO_TEST_CASE(a_missing_or_wrong_member_is_named) {
    const Json json = parse_json("{\"step\": \"five\"}", "state.json");
    BOOST_CHECK_EXCEPTION((void)json_member<int>(json, "step", "state.json"), InputError,
                          [](const InputError& error) {
                              return std::string(error.what()).find("'step'") != std::string::npos;
                          });
    BOOST_CHECK_EXCEPTION((void)json_member<int>(json, "epoch", "state.json"), InputError,
                          [](const InputError& error) {
                              return std::string(error.what()).find("no key 'epoch'") !=
                                     std::string::npos;
                          });
}

BOOST_AUTO_TEST_SUITE_END()
