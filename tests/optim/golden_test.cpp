// 100 steps beside torch.optim, transformers' Adafactor and a plain LAMB
// (tests/golden/make_optim.py).

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "optim/cases.h"
#include "optim/optimizer.h"

using namespace hpml;
using namespace hpml::optim;
using namespace hpml::test;
namespace data = boost::unit_test::data;

namespace {

constexpr std::int64_t kKept = 64;  // values of each parameter in the golden file

std::vector<double> golden(const std::string& name) {
    std::ifstream file(std::string(HPML_SOURCE_DIR) + "/tests/golden/optim_100_steps.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (first == name) {
            return {std::istream_iterator<double>(words), std::istream_iterator<double>()};
        }
    }
    return {};
}

test::Flat run(const Case& one, std::int64_t gap) {
    const test::Flat flat = test::Flat::of(kShapes, gap);
    fill(flat, flat.parameters, -1);
    const auto optimizer = make_optimizer(one.options, flat.segments, flat.parameters);
    for (int step = 0; step < 100; ++step) {
        fill(flat, flat.gradients, step);
        clip_by_global_norm(flat.gradients, one.clip_norm);
        optimizer->step(flat.parameters, flat.gradients, 0.01);
    }
    return flat;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden_suite)

BOOST_DATA_TEST_CASE(equals_the_reference_after_100_steps, data::make(cases()), one) {
    const test::Flat flat = run(one, 3);
    const std::vector<double> wanted = golden(one.name);
    std::size_t at = 0;
    double worst = 0.0;
    for (std::size_t s = 0; s < kShapes.size(); ++s) {
        const std::vector<float> values = flat.get(s);
        const std::size_t kept = std::min<std::size_t>(values.size(), kKept);
        for (std::size_t k = 0; k < kept; ++k, ++at) {
            BOOST_TEST_REQUIRE(at < wanted.size());
            worst = std::max(worst, std::abs(static_cast<double>(values[k]) - wanted[at]));
        }
    }
    BOOST_TEST(at == wanted.size());
    BOOST_TEST(worst < one.tolerance);
    BOOST_TEST_MESSAGE(one.name << ": largest difference " << worst);
    const at::Tensor padding = flat.parameters.narrow(0, 0, 3);
    BOOST_TEST(padding.count_nonzero().item<std::int64_t>() == 0);
}

BOOST_DATA_TEST_CASE(does_not_depend_on_the_place_of_the_segments, data::make(cases()), one) {
    const test::Flat packed = run(one, 0);
    const test::Flat padded = run(one, 5);  // nothing is aligned here
    for (std::size_t s = 0; s < kShapes.size(); ++s) {
        const std::vector<float> a = packed.get(s);
        const std::vector<float> b = padded.get(s);
        for (std::size_t k = 0; k < a.size(); ++k) {
            // The norm that clips is summed over the flat buffer as it lies.
            const float tolerance = one.clip_norm > 0.0 ? 5e-6F : 0.0F;
            BOOST_TEST_REQUIRE(std::abs(a[k] - b[k]) <= tolerance);
        }
    }
}

/// Everything that the next step depends on is in state() and the step count.
BOOST_DATA_TEST_CASE(goes_on_from_saved_state_bit_for_bit, data::make(cases()), one) {
    const test::Flat straight = run(one, 3);
    const test::Flat flat = test::Flat::of(kShapes, 3);
    fill(flat, flat.parameters, -1);
    auto optimizer = make_optimizer(one.options, flat.segments, flat.parameters);
    for (int step = 0; step < 100; ++step) {
        if (step == 41) {
            auto fresh = make_optimizer(one.options, flat.segments, flat.parameters);
            const std::vector<StateTensor> from = optimizer->state();
            const std::vector<StateTensor> to = fresh->state();
            BOOST_TEST_REQUIRE(from.size() == to.size());
            for (std::size_t i = 0; i < from.size(); ++i) {
                BOOST_TEST(from[i].name == to[i].name);
                to[i].tensor.copy_(from[i].tensor);
            }
            fresh->set_steps_taken(optimizer->steps_taken());
            optimizer = std::move(fresh);
        }
        fill(flat, flat.gradients, step);
        clip_by_global_norm(flat.gradients, one.clip_norm);
        optimizer->step(flat.parameters, flat.gradients, 0.01);
    }
    BOOST_TEST(flat.parameters.equal(straight.parameters));
}

BOOST_AUTO_TEST_SUITE_END()
