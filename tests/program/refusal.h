#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

#include "support/command.h"

namespace hpml::test {

/// The command failed with `code` and one message for all ranks, which has `text`.
inline void check_one_error(const CommandResult& result, int code, const std::string& text) {
    BOOST_TEST(result.code == code, result.output);
    BOOST_TEST(result.count("error:") == 1, result.output);
    BOOST_TEST(result.says(text), "looked for '" << text << "' in: " << result.output);
}

}  // namespace hpml::test
