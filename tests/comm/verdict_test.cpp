// What the engine says of the results: their norm, and whether a step is to be thrown away.

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "comm/algorithms.h"
#include "comm/buffers.h"
#include "comm/engine.h"
#include "comm/progress_modes.h"

using namespace hpml;
using comm::Progress;

namespace {

struct Scene {
    mpi::Communicator ranks = mpi::Communicator::world();
    std::unique_ptr<comm::Engine> engine;
    std::shared_ptr<std::byte> memory;
    std::vector<float> foreign = std::vector<float>(kCount);

    static constexpr std::size_t kCount = 400000;

    Scene(const std::string& name, Progress progress) {
        auto algorithm = test::make_algorithm(name, ranks);
        memory = algorithm->allocate(Bytes(kCount * sizeof(float)));
        engine = std::make_unique<comm::Engine>(std::move(algorithm), progress);
    }
    [[nodiscard]] std::span<float> own() const {
        return {reinterpret_cast<float*>(memory.get()), kCount};
    }
    /// Sum both kinds of memory in buckets of many sizes; all but the last ask to be examined.
    comm::Found reduce() {
        for (const std::span<float> values : {own(), std::span<float>(foreign)}) {
            std::size_t at = 0;
            for (const std::size_t size : {1U, 0U, 200U, 3000U, 20000U, 300000U}) {
                comm::Buffer buffer(values.subspan(at, size));
                buffer.examine = comm::Examine::Yes;
                engine->submit(buffer);
                engine->progress();
                at += size;
            }
            engine->submit(values.subspan(at));
        }
        return engine->wait_all();
    }
    void fill() {
        const auto values = test::rough_values(ranks.rank().value, kCount);
        std::copy(values.begin(), values.end(), own().begin());
        foreign = values;
    }
    /// Of the examined parts.
    [[nodiscard]] double exact_squares() const {
        long double sum = 0;
        for (const std::span<const float> values :
             {std::span<const float>(own()), std::span<const float>(foreign)}) {
            for (const float value : values.first(323201)) {
                sum += static_cast<long double>(value) * static_cast<long double>(value);
            }
        }
        return static_cast<double>(sum);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(verdict_suite)

BOOST_DATA_TEST_CASE(the_norm_of_the_results_comes_with_them_the_same_bits_everywhere,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    if (test::too_long_for(name, Scene::kCount)) {
        return;
    }
    double first = 0;
    for (const Progress progress : test::progress_modes()) {
        Scene scene(name, progress);
        for (int repeat = 0; repeat < 3; ++repeat) {
            scene.fill();
            const comm::Found found = scene.reduce();
            BOOST_TEST(!found.non_finite);
            BOOST_TEST(found.sum_of_squares == scene.exact_squares(),
                       boost::test_tools::tolerance(1e-12));
            double extremes[] = {found.sum_of_squares, -found.sum_of_squares};
            scene.ranks.max(std::span(extremes));
            BOOST_TEST(extremes[0] == -extremes[1], "the same bits on all ranks");
            first = first == 0 ? found.sum_of_squares : first;
            BOOST_TEST(found.sum_of_squares == first, "whoever drives, in every run");
        }
    }
}

BOOST_DATA_TEST_CASE(what_is_not_finite_on_one_rank_is_told_to_all,
                     boost::unit_test::data::make(test::algorithm_names()), name) {
    if (test::too_long_for(name, Scene::kCount)) {
        return;
    }
    Scene scene(name, Progress::Inline);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float poison : {kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        for (const std::size_t place : {0U, 150U, 323200U}) {
            scene.fill();
            if (scene.ranks.rank().value == scene.ranks.size() - 1) {
                scene.own()[place] = poison;
            }
            BOOST_TEST(scene.reduce().non_finite, place << " of " << name);
        }
    }
    scene.fill();
    scene.own()[Scene::kCount - 1] = kInfinity;
    BOOST_TEST(!scene.reduce().non_finite, "there nobody has asked");
}

BOOST_AUTO_TEST_SUITE_END()
