// What is the same, bit for bit, however the work is divided: over shards, threads and instruction
// sets.

#include <ATen/Parallel.h>

#include <algorithm>
#include <barrier>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <thread>

#include "optim/cases.h"
#include "optim/kinds.h"
#include "optim/optimizer.h"

using namespace hpml;
using namespace hpml::optim;
using namespace hpml::test;
namespace data = boost::unit_test::data;

namespace {

// Several blocks in a tensor, padding between all, and more than one wave of LAMB's without shards.
const std::vector<std::vector<std::int64_t>> kManyBlocks = {
    {130, 80}, {7}, {210, 100}, {600, 500}, {3, 40, 50}, {1}, {8192}, {520, 510}, {70, 300}};
constexpr int kSteps = 4;

Flat start() {
    Flat flat = Flat::of(kManyBlocks, 3);
    fill(flat, flat.parameters, -1);
    return flat;
}

StepArguments arguments() { return {.learning_rate = 0.01, .gradient_scale = 0.7}; }

at::Tensor unsharded(const Case& one, std::vector<StateTensor>* state = nullptr) {
    const Flat flat = start();
    const auto optimizer = make_optimizer(one.options, flat.segments, flat.parameters);
    for (int step = 0; step < kSteps; ++step) {
        fill(flat, flat.gradients, step);
        optimizer->step(flat.parameters, flat.gradients, arguments());
    }
    if (state != nullptr) {
        *state = optimizer->state();
    }
    return flat.parameters;
}

/// The ranks of a sharded optimizer as threads of this process, on one set of flat buffers: each
/// touches its own shard only.
class Ranks {
  public:
    Ranks(const Case& one, int count) : flat_(start()), barrier_(count) {
        all_ = shards(flat_.segments, flat_.parameters.numel(), count, one.options);
        given_.resize(all_.size());
        for (std::size_t rank = 0; rank < all_.size(); ++rank) {
            const auto sum = [this, rank](std::span<double> values) { exchange(rank, values); };
            optimizers_.push_back(make_optimizer(one.options, flat_.segments, flat_.parameters,
                                                 Sharding{all_[rank], sum}));
        }
    }

    void step(int number) {
        fill(flat_, flat_.gradients, number);
        std::vector<std::thread> threads;
        for (const auto& optimizer : optimizers_) {
            threads.emplace_back(
                [&] { optimizer->step(flat_.parameters, flat_.gradients, arguments()); });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }

    [[nodiscard]] const at::Tensor& parameters() const { return flat_.parameters; }
    [[nodiscard]] const std::vector<std::unique_ptr<Optimizer>>& optimizers() const {
        return optimizers_;
    }

  private:
    void exchange(std::size_t rank, std::span<double> values) {
        given_[rank].assign(values.begin(), values.end());
        barrier_.arrive_and_wait();
        std::fill(values.begin(), values.end(), 0.0);
        for (const std::vector<double>& of_rank : given_) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                values[i] += of_rank[i];
            }
        }
        barrier_.arrive_and_wait();
    }

    Flat flat_;
    std::vector<Shard> all_;
    std::vector<std::unique_ptr<Optimizer>> optimizers_;
    std::vector<std::vector<double>> given_;
    std::barrier<> barrier_;
};

/// Sets the number of threads back at the end.
struct Threads {
    explicit Threads(int count) : before(at::get_num_threads()) { at::set_num_threads(count); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    Threads(Threads&&) = delete;
    Threads& operator=(Threads&&) = delete;
    ~Threads() { at::set_num_threads(before); }
    int before;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(shards_suite)

BOOST_DATA_TEST_CASE(sharded_steps_give_the_unsharded_bits, data::make(cases()), one) {
    const Threads single(1);
    std::vector<StateTensor> whole_state;
    const at::Tensor wanted = unsharded(one, &whole_state);
    for (const int count : {1, 2, 3, 8}) {
        Ranks ranks(one, count);
        for (int step = 0; step < kSteps; ++step) {
            ranks.step(step);
        }
        BOOST_TEST(ranks.parameters().equal(wanted), count << " shards");
        std::map<std::string, std::int64_t> covered;
        for (const auto& optimizer : ranks.optimizers()) {
            for (const StateTensor& piece : optimizer->state()) {
                const auto whole =
                    std::find_if(whole_state.begin(), whole_state.end(),
                                 [&](const StateTensor& one) { return one.name == piece.name; });
                BOOST_TEST_REQUIRE((whole != whole_state.end()));
                BOOST_TEST((whole->whole == piece.whole));
                BOOST_TEST(piece.first == covered[piece.name]);
                covered[piece.name] += piece.tensor.numel();
                const at::Tensor there =
                    whole->tensor.flatten().narrow(0, piece.first, piece.tensor.numel());
                BOOST_TEST(there.equal(piece.tensor.flatten()), piece.name);
            }
        }
        for (const StateTensor& whole : whole_state) {
            BOOST_TEST(covered[whole.name] == whole.tensor.numel(), whole.name);
        }
    }
}

// Matrix products are LibTorch's.
BOOST_DATA_TEST_CASE(threads_do_not_change_bits, data::make(cases_where([](const Case& one) {
                         return one.options.name != "muon";
                     })),
                     one) {
    at::Tensor single;
    {
        const Threads threads(1);
        single = unsharded(one);
    }
    const Threads threads(3);
    BOOST_TEST(unsharded(one).equal(single));
}

using MakeOnDevice = std::unique_ptr<Optimizer> (*)(const OptimizerOptions&, std::vector<Segment>,
                                                    const at::Tensor&);

MakeOnDevice maker_on_device(const std::string& name) {
    return name == "lamb"        ? make_lamb_on_device
           : name == "adafactor" ? make_adafactor_on_device
           : name == "sgd"       ? make_sgd_on_device
                                 : make_adam_on_device;
}

BOOST_DATA_TEST_CASE(the_operators_of_other_devices_compute_the_same,
                     data::make(cases_where([](const Case& one) {
                         return one.options.name != "muon" &&
                                one.options.first_moment == FirstMoment::F32;
                     })),
                     one) {
    const Flat flat = start();
    const auto optimizer =
        maker_on_device(one.options.name)(one.options, flat.segments, flat.parameters);
    for (int step = 0; step < kSteps; ++step) {
        fill(flat, flat.gradients, step);
        optimizer->step(flat.parameters, flat.gradients, arguments());
    }
    const at::Tensor difference = flat.parameters.sub(unsharded(one)).abs_().max();
    BOOST_TEST(difference.item<double>() < 5e-6);
}

BOOST_DATA_TEST_CASE(scaling_in_the_step_is_scaling_before_it, data::make(cases()), one) {
    const auto run = [&](double before, double within) {
        const Flat flat = start();
        const auto optimizer = make_optimizer(one.options, flat.segments, flat.parameters);
        for (int step = 0; step < kSteps; ++step) {
            fill(flat, flat.gradients, step);
            flat.gradients.mul_(before);
            optimizer->step(flat.parameters, flat.gradients,
                            {.learning_rate = 0.01, .gradient_scale = within});
        }
        return flat.parameters;
    };
    BOOST_TEST(run(0.25, 1.0).equal(run(1.0, 0.25)));  // a power of two: no rounding
}

BOOST_AUTO_TEST_CASE(shards_cover_the_buffer_and_are_about_equally_long) {
    const Flat flat = start();
    const std::int64_t total = flat.parameters.numel();
    for (const char* name : {"adamw", "lamb", "sgd", "adafactor", "muon"}) {
        OptimizerOptions options;
        options.name = name;
        const bool whole = options.name == "adafactor" || options.name == "muon";
        for (const int count : {1, 2, 3, 7, 40}) {
            const std::vector<Shard> all = shards(flat.segments, total, count, options);
            BOOST_TEST_REQUIRE(all.size() == static_cast<std::size_t>(count));
            std::int64_t next = 0;
            for (const Shard& shard : all) {
                BOOST_TEST(shard.begin == next);
                BOOST_TEST(shard.length() >= 0);
                if (!whole) {
                    BOOST_TEST(shard.length() <= total / count + 8192);
                }
                next = shard.end;
            }
            BOOST_TEST(next == total);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_shard_keeps_the_state_of_its_elements_only) {
    const Flat flat = start();
    OptimizerOptions options;
    const auto all = shards(flat.segments, flat.parameters.numel(), 4, options);
    for (const Shard& shard : all) {
        std::int64_t kept = 0;
        for (const StateTensor& piece :
             make_optimizer(options, flat.segments, flat.parameters, Sharding{shard, {}})
                 ->state()) {
            kept += piece.tensor.numel();
        }
        BOOST_TEST(kept <= 2 * shard.length());
    }
}

BOOST_AUTO_TEST_SUITE_END()
