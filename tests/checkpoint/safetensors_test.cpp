#include "model/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "base/error.h"
#include "support/data.h"

using namespace hpml;
using namespace hpml::model;
namespace data = boost::unit_test::data;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(HPML_SOURCE_DIR) / "tests" / "golden";

std::string with_length(std::uint64_t length, const std::string& rest) {
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    return file + rest;
}

std::string with_header(const std::string& header, std::size_t data_bytes) {
    return with_length(header.size(), header + std::string(data_bytes, '\1'));
}

std::string one_tensor(const std::string& fields, std::size_t data_bytes) {
    return with_header("{\"a\":{" + fields + "}}", data_bytes);
}

struct Hostile {
    const char* what;
    std::string file;
    const char* message;
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) { return out << hostile.what; }

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

const std::string kFloat4 = R"("dtype":"F32","shape":[2,2],"data_offsets":[0,16])";

const std::vector<Hostile> kHostile = {
    {"empty file", "", "has 0 bytes"},
    {"shorter than the length", "1234567", "has 7 bytes"},
    {"length 2^63", with_length(1ULL << 63, "{}"), "header claims 9223372036854775808"},
    {"length 2^64-1", with_length(~0ULL, "{}"), "header claims"},
    {"above 100 MB", with_length(100'000'001, "{}"), "at most 100000000"},
    {"longer than the file", with_length(3, "{}"), "but the file has 10"},
    {"length 0", with_length(0, ""), "does not start with '{'"},
    {"a list", with_header("[]", 0), "does not start with '{'"},
    {"leading space", with_header(" {}", 0), "does not start with '{'"},
    {"bad UTF-8", with_header("{\"\xff\xfe\":1}", 0), "UTF-8"},
    {"bad JSON", with_header("{\"a\":", 0), "not valid JSON"},
    {"behind the end", with_header("{}{}", 0), "not valid JSON"},
    {"NUL behind the end", with_header(std::string("{}\0", 3), 0), "not valid JSON"},
    {"deep lists", with_header("{\"a\":" + repeated("[", 100000), 0), "nested too deeply"},
    {"deep objects", with_header(repeated("{\"a\":", 100000), 0), "nested too deeply"},
    {"deep shape", one_tensor(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])", 8),
     "nested too deeply"},
    {"duplicate tensor", with_header("{\"a\":{" + kFloat4 + "},\"a\":{" + kFloat4 + "}}", 16),
     "'a' twice"},
    {"duplicate field", one_tensor(kFloat4 + R"(,"dtype":"F32")", 16), "'dtype' twice"},
    {"unknown field", one_tensor(kFloat4 + R"(,"stride":"1")", 16), "where it does not belong"},
    {"missing dtype", one_tensor(R"("shape":[2],"data_offsets":[0,8])", 8), "needs dtype"},
    {"missing shape", one_tensor(R"("dtype":"F32","data_offsets":[0,8])", 8), "needs dtype"},
    {"missing offsets", one_tensor(R"("dtype":"F32","shape":[2])", 8), "needs dtype"},
    {"one offset", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8])", 8), "needs dtype"},
    {"three offsets", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])", 8),
     "more than two"},
    {"unknown dtype", one_tensor(R"("dtype":"F31","shape":[2],"data_offsets":[0,8])", 8), "F31"},
    {"dtype a number", one_tensor(R"("dtype":4,"shape":[2],"data_offsets":[0,8])", 8),
     "where it does not belong"},
    {"negative shape", one_tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", 8),
     "negative number -2"},
    {"fractional shape", one_tensor(R"("dtype":"F32","shape":[2.5],"data_offsets":[0,8])", 8),
     "not a count"},
    {"too many dimensions",
     one_tensor(R"("dtype":"F32","shape":[)" + repeated("1,", 500) + R"(2],"data_offsets":[0,8])",
                8),
     "impossible shape"},
    {"shape overflow",
     one_tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0),
     "overflows"},
    {"size overflow",
     one_tensor(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])", 0),
     "overflows"},
    {"shape above 2^63",
     one_tensor(R"("dtype":"U8","shape":[9223372036854775808],)"
                R"("data_offsets":[0,9223372036854775808])",
                8),
     "impossible shape"},
    {"negative offset", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])", 8),
     "negative number -8"},
    {"offsets reversed", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", 8),
     "needs 8 bytes"},
    {"offsets against shape", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", 4),
     "needs 8 bytes"},
    {"overlap",
     with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                 12),
     "inside the tensor before it"},
    {"same bytes twice",
     with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                 8),
     "inside the tensor before it"},
    {"hole",
     with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})",
                 20),
     "hole"},
    {"hole at the start", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])", 12),
     "hole"},
    {"trailing bytes", one_tensor(kFloat4, 17), "trailing bytes"},
    {"truncated data", one_tensor(kFloat4, 15), "truncated"},
    {"huge claim",
     one_tensor(R"("dtype":"U8","shape":[1000000000000],)"
                R"("data_offsets":[0,1000000000000])",
                16),
     "truncated"},
    {"metadata of numbers", with_header(R"({"__metadata__":{"format":1}})", 0),
     "where it does not belong"},
    {"a tensor of null", with_header(R"({"a":null})", 0), "null"},
    {"boolean", with_header(R"({"a":true})", 0), "boolean"},
};

std::vector<NamedTensor> plain_tensors() {
    return {{"b.weight", at::arange(6, at::kFloat).reshape({2, 3}).div(4)},
            {"position_ids", at::arange(4, at::kLong)},
            {"a.bias", at::tensor({1.5F, -2.0F})}};
}

std::string written(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
    AtomicFile file(path);
    write_safetensors(file, tensors);
    file.publish();
    return read_text(path);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_suite)

BOOST_DATA_TEST_CASE(refuses_a_hostile_file, data::make(kHostile), hostile) {
    const test::ScratchFolder folder("safetensors");
    test::write_file(folder / "x", hostile.file);
    try {
        const SafetensorsFile file(folder / "x");
        BOOST_ERROR("accepted: " << hostile.what);
    } catch (const InputError& failure) {
        BOOST_TEST(std::string(failure.what()).find(hostile.message) != std::string::npos,
                   hostile.what << ": " << failure.what());
    }
}

BOOST_AUTO_TEST_CASE(writes_the_bytes_of_the_python_package) {
    const test::ScratchFolder folder("safetensors");
    BOOST_TEST(written(folder / "x", plain_tensors()) ==
               read_text(kGolden / "safetensors_plain.safetensors"));
}

BOOST_AUTO_TEST_CASE(aligns_the_data_whatever_the_names) {
    const test::ScratchFolder folder("safetensors");
    for (int length = 1; length <= 9; ++length) {
        const std::string name(static_cast<std::size_t>(length), 'n');
        const std::string bytes = written(folder / "x", {{name, at::zeros({3}, at::kFloat)}});
        BOOST_TEST((bytes.size() - 12) % 8 == 0U);
        BOOST_TEST(SafetensorsFile(folder / "x").entries().count(name) == 1U);
    }
}

BOOST_AUTO_TEST_CASE(reads_back_what_it_wrote_from_any_layout) {
    const test::ScratchFolder folder("safetensors");
    const at::Tensor wide = at::arange(12, at::kFloat).reshape({3, 4});
    written(folder / "x", {{"across", wide.t()}, {"none", at::empty({0, 4}, at::kFloat)}});
    const SafetensorsFile file(folder / "x");
    const at::Tensor target = at::zeros({3, 4}, at::kFloat);
    file.read_into("across", target.t());
    BOOST_TEST(target.equal(wide));
    file.read_into("none", at::empty({0, 4}, at::kFloat));
}

BOOST_AUTO_TEST_CASE(widens_half_and_bfloat16) {
    const SafetensorsFile file(kGolden / "safetensors_narrow.safetensors");
    const at::Tensor half = at::zeros({2}, at::kFloat);
    const at::Tensor brain = at::zeros({1, 1}, at::kFloat);
    file.read_into("half", half);
    file.read_into("brain", brain);
    BOOST_TEST(half.equal(at::tensor({0.5F, -3.0F})));
    BOOST_TEST(brain.item<float>() == 0.25F);
}

BOOST_AUTO_TEST_CASE(names_what_does_not_fit) {
    const SafetensorsFile file(kGolden / "safetensors_plain.safetensors");
    const auto message = [&](const std::string& name, const at::Tensor& into) {
        try {
            file.read_into(name, into);
        } catch (const InputError& failure) {
            return std::string(failure.what());
        }
        return std::string("accepted");
    };
    BOOST_TEST(message("c", at::zeros({2}, at::kFloat)).find("'c' is not in the file") !=
               std::string::npos);
    BOOST_TEST(message("b.weight", at::zeros({3, 2}, at::kFloat)).find("[2, 3] but [3, 2]") !=
               std::string::npos);
    BOOST_TEST(message("position_ids", at::zeros({4}, at::kFloat)).find("I64 but F32") !=
               std::string::npos);
    BOOST_CHECK_THROW(SafetensorsFile("/nonexistent/model.safetensors"), MissingInputError);
}

BOOST_AUTO_TEST_SUITE_END()
