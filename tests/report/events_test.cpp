// The bytes of a TensorBoard file; tests/golden/check_events.py reads one with TensorBoard's own
// reader.

#include "report/events.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "support/data.h"

using namespace hpml;
using namespace hpml::test;

namespace {

template <class T>
T number_at(const std::string& text, std::size_t place) {
    T value{};
    std::memcpy(&value, text.data() + place, sizeof value);
    return value;
}

std::uint32_t masked_crc(const std::string& text) {
    const std::uint32_t crc = crc32c(std::as_bytes(std::span(text.data(), text.size())));
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

/// The records' contents; fails where a checksum does.
std::vector<std::string> records_of(const std::filesystem::path& folder) {
    std::vector<std::string> records;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string text = read_text(entry.path());
        BOOST_TEST(entry.path().filename().string().find("events.out.tfevents.") == 0u);
        for (std::size_t place = 0; place < text.size();) {
            const auto length = number_at<std::uint64_t>(text, place);
            BOOST_TEST(number_at<std::uint32_t>(text, place + 8) ==
                       masked_crc(text.substr(place, 8)));
            records.push_back(text.substr(place + 12, length));
            BOOST_TEST(number_at<std::uint32_t>(text, place + 12 + length) ==
                       masked_crc(records.back()));
            place += 16 + length;
        }
    }
    return records;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(events_suite)

BOOST_AUTO_TEST_CASE(the_checksum_is_the_standard_one) {
    // RFC 3720, B.4.
    const std::string zeros(32, '\0');
    const std::string ones(32, '\xff');
    BOOST_TEST(crc32c(std::as_bytes(std::span(zeros.data(), zeros.size()))) == 0x8a9136aaU);
    BOOST_TEST(crc32c(std::as_bytes(std::span(ones.data(), ones.size()))) == 0x62a8ab43U);
    const std::string digits = "123456789";
    BOOST_TEST(crc32c(std::as_bytes(std::span(digits.data(), digits.size()))) == 0xe3069283U);
}

BOOST_AUTO_TEST_CASE(a_start_says_what_it_takes_over_and_a_step_its_numbers) {
    const ScratchFolder folder("events");
    {
        EventsLog log(folder.path(), Step(299),
                      [](const std::string& reason) { BOOST_FAIL(reason); });
        log.append(Step(300), {{"train/loss", 2.5}});
    }
    const auto records = records_of(folder.path());
    BOOST_TEST_REQUIRE(records.size() == 3u);
    BOOST_TEST(records[0].find("brain.Event:2") != std::string::npos);
    // Field 2 (step) = 300, field 7 (session log) of two bytes: status = 1.
    BOOST_TEST(records[1].substr(9) == std::string("\x10\xac\x02\x3a\x02\x08\x01"));
    const std::string value = records[2].substr(9);
    BOOST_TEST(value.substr(0, 3) == std::string("\x10\xac\x02"));
    BOOST_TEST(value.find("train/loss") != std::string::npos);
    BOOST_TEST(number_at<float>(value, value.size() - 4) == 2.5F);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_told_once) {
    int told = 0;
    EventsLog log("/proc/none", Step(0), [&](const std::string&) { ++told; });
    log.append(Step(1), {{"train/loss", 1}});
    log.append(Step(2), {{"train/loss", 1}});
    BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_SUITE_END()
