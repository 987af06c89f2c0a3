// What hpml/comm.h promises to other programs, by the engine.
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "comm/engine.h"
#include "comm/select.h"
#include "hpml/comm.h"
#include "mpi/check.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct AllReducer::State {
    State(std::unique_ptr<Algorithm> the_algorithm, Progress progress)
        : algorithm(*the_algorithm), engine(std::move(the_algorithm), progress) {}

    Algorithm& algorithm;  ///< the engine's, which shows it to others as a constant
    Engine engine;
};

namespace {

void require_threads(Progress progress) {
    int provided = MPI_THREAD_SINGLE;
    mpi::check(MPI_Query_thread(&provided));
    if (progress != Progress::Inline && provided < MPI_THREAD_SERIALIZED) {
        throw UsageError(
            "a communication thread needs MPI_THREAD_SERIALIZED (it calls MPI while the program "
            "computes); ask for that in MPI_Init_thread, or take Progress::Inline");
    }
}

}  // namespace

AllReducer::AllReducer(MPI_Comm ranks, const AllReducerOptions& options) {
    const auto own = mpi::Communicator::duplicate_of(ranks);
    require_threads(options.progress);
    state_ = std::make_unique<State>(make_algorithm({.algorithm = options.algorithm}, own),
                                     options.progress);
}

AllReducer::~AllReducer() = default;
AllReducer::AllReducer(AllReducer&& other) noexcept = default;
AllReducer& AllReducer::operator=(AllReducer&& other) noexcept = default;

std::shared_ptr<std::byte> AllReducer::allocate(Bytes size) {
    return state_->algorithm.allocate(size);
}

void AllReducer::submit(const Buffer& buffer) {
    if (buffer.data == nullptr && buffer.count > 0) {
        throw UsageError(
            "a buffer of " + std::to_string(buffer.count) +
            " elements has no memory (its data is null); give it some, e.g. of allocate()");
    }
    state_->engine.submit(buffer);
}

void AllReducer::progress() { state_->engine.progress(); }

Found AllReducer::wait_all() { return state_->engine.wait_all(); }

std::string AllReducer::algorithm() const { return std::string(state_->algorithm.name()); }

Seconds AllReducer::exposed() const { return state_->engine.exposed(); }

}  // namespace hpml::comm
