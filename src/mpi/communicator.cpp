#include "mpi/communicator.h"

#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "mpi/check.h"

namespace hpml::mpi {

namespace {

int to_count(std::size_t count) {
    expects(count <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
            "an MPI message of fewer than 2^31 elements");
    return static_cast<int>(count);
}

class Told {
  public:
    explicit Told(WaitObserver* observer) : observer_(observer) {
        if (observer_ != nullptr) {
            observer_->begin_wait();
        }
    }
    ~Told() {
        if (observer_ != nullptr) {
            observer_->end_wait();
        }
    }
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
    Told(Told&&) = delete;
    Told& operator=(Told&&) = delete;

  private:
    WaitObserver* observer_;
};

/// What an all-reduce needs to know beside its values.
struct Call {
    MPI_Comm comm;
    MPI_Datatype type;
    MPI_Op operation;
    WaitObserver* observer;
};

template <class T>
void all_reduce(std::span<T> values, const Call& call) {
    if (call.comm != MPI_COMM_NULL) {
        const Told told(call.observer);
        check(MPI_Allreduce(MPI_IN_PLACE, values.data(), to_count(values.size()), call.type,
                            call.operation, call.comm));
    }
}

}  // namespace

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
    check(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN));
    check(MPI_Comm_rank(handle_, &rank_.value));
    check(MPI_Comm_size(handle_, &size_));
}

Communicator::~Communicator() {
    int finalized = 0;
    if (handle_ != MPI_COMM_NULL && MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized &&
        std::uncaught_exceptions() == 0) {
        MPI_Comm_free(&handle_);
    }
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(std::exchange(other.handle_, MPI_COMM_NULL)),
      rank_(other.rank_),
      size_(other.size_),
      observer_(other.observer_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(rank_, other.rank_);
    std::swap(size_, other.size_);
    std::swap(observer_, other.observer_);
    return *this;
}

Communicator Communicator::world() {
    MPI_Comm copy = MPI_COMM_NULL;
    check(MPI_Comm_dup(MPI_COMM_WORLD, &copy));
    return Communicator(copy);
}

Communicator Communicator::duplicate_of(MPI_Comm ranks) {
    int is_started = 0;
    check(MPI_Initialized(&is_started));
    if (is_started == 0) {
        throw UsageError(
            "MPI has not been started (no rank can be reached); call MPI_Init_thread first");
    }
    int is_inter = 0;
    if (ranks != MPI_COMM_NULL) {
        check(MPI_Comm_test_inter(ranks, &is_inter));
    }
    if (ranks == MPI_COMM_NULL || is_inter != 0) {
        throw UsageError(
            "this communicator has no ranks to sum over (it is MPI_COMM_NULL or an "
            "inter-communicator); give one of MPI_Comm_split or MPI_COMM_WORLD");
    }
    MPI_Comm copy = MPI_COMM_NULL;
    check(MPI_Comm_dup(ranks, &copy));
    return Communicator(copy);
}

Communicator Communicator::duplicate() const {
    if (is_null()) {
        return {};
    }
    MPI_Comm copy = MPI_COMM_NULL;
    check(MPI_Comm_dup(handle_, &copy));
    return Communicator(copy);
}

Communicator Communicator::watched_by(WaitObserver& observer) const {
    Communicator copy = duplicate();
    copy.observer_ = &observer;
    return copy;
}

Communicator Communicator::split(int color) const {
    if (is_null()) {
        return {};
    }
    MPI_Comm part = MPI_COMM_NULL;
    check(MPI_Comm_split(handle_, color, rank_.value, &part));
    return Communicator(part);
}

Communicator Communicator::split_by_node() const {
    if (is_null()) {
        return {};
    }
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_.value, MPI_INFO_NULL, &node));
    return Communicator(node);
}

void Communicator::barrier() const {
    if (!is_null()) {
        const Told told(observer_);
        check(MPI_Barrier(handle_));
    }
}

void Communicator::broadcast(std::span<std::byte> bytes, Rank root) const {
    constexpr std::size_t kPiece = std::size_t{1} << 30;
    const Told told(is_null() ? nullptr : observer_);
    for (std::size_t at = 0; !is_null() && at < bytes.size(); at += kPiece) {
        const auto piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
        check(MPI_Bcast(piece.data(), to_count(piece.size()), MPI_BYTE, root.value, handle_));
    }
}

std::string Communicator::broadcast(std::string text, Rank root) const {
    std::int64_t length = static_cast<std::int64_t>(text.size());
    broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
    text.resize(static_cast<std::size_t>(length));
    broadcast(std::as_writable_bytes(std::span(text.data(), text.size())), root);
    return text;
}

void Communicator::sum(std::span<double> values) const {
    all_reduce(values, {handle_, MPI_DOUBLE, MPI_SUM, observer_});
}
void Communicator::sum(std::span<std::int64_t> values) const {
    all_reduce(values, {handle_, MPI_INT64_T, MPI_SUM, observer_});
}
void Communicator::max(std::span<double> values) const {
    all_reduce(values, {handle_, MPI_DOUBLE, MPI_MAX, observer_});
}
void Communicator::max(std::span<std::int64_t> values) const {
    all_reduce(values, {handle_, MPI_INT64_T, MPI_MAX, observer_});
}
void Communicator::bit_or(std::span<std::int64_t> words) const {
    all_reduce(words, {handle_, MPI_INT64_T, MPI_BOR, observer_});
}

void Communicator::all_gather(std::span<float> values, std::span<const std::int64_t> counts) const {
    if (size_ == 1) {
        return;
    }
    // MPI counts in int: beyond it the parts travel one by one.
    if (values.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        std::size_t begin = 0;
        for (int root = 0; root < size_; ++root) {
            const auto count = static_cast<std::size_t>(counts[static_cast<std::size_t>(root)]);
            broadcast(std::as_writable_bytes(values.subspan(begin, count)), Rank(root));
            begin += count;
        }
        return;
    }
    std::vector<int> lengths;
    std::vector<int> begins;
    int begin = 0;
    for (const std::int64_t count : counts) {
        lengths.push_back(static_cast<int>(count));
        begins.push_back(begin);
        begin += lengths.back();
    }
    const Told told(observer_);
    check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, values.data(), lengths.data(), begins.data(),
                         MPI_FLOAT, handle_));
}

std::vector<std::string> Communicator::all_gather(const std::string& text) const {
    std::vector<std::string> texts(static_cast<std::size_t>(size_));
    for (int root = 0; root < size_; ++root) {
        texts[static_cast<std::size_t>(root)] =
            broadcast(root == rank_.value ? text : "", Rank(root));
    }
    return texts;
}

void agree(const Communicator& ranks, const std::function<void()>& work) {
    std::exception_ptr failure;
    int code = 0;
    std::string message;
    try {
        work();
    } catch (...) {
        failure = std::current_exception();
        const Described described = describe_current_exception();
        code = static_cast<int>(described.code);
        message = described.message;
    }
    if (ranks.size() == 1) {
        if (failure) {
            std::rethrow_exception(failure);
        }
        return;
    }
    // The lowest failing rank speaks for all: -rank is larger for a lower rank, kNobody for none.
    const std::int64_t nobody = -ranks.size();
    std::int64_t first = failure ? -ranks.rank().value : nobody;
    ranks.max(std::span(&first, 1));
    if (first == nobody) {
        return;
    }
    const Rank speaker(static_cast<int>(-first));
    std::int64_t count = failure ? 1 : 0;
    ranks.sum(std::span(&count, 1));
    ranks.broadcast(std::as_writable_bytes(std::span(&code, 1)), speaker);
    message = ranks.broadcast(message, speaker);
    // Work that only rank 0 does speaks for the job; another rank alone is worth naming.
    if (count < ranks.size() && speaker.value != 0) {
        message = "rank " + std::to_string(speaker.value) + ": " + message;
    }
    throw Error(static_cast<ExitCode>(code), message);
}

void on_root(const Communicator& ranks, const std::function<void()>& work) {
    agree(ranks, [&] {
        if (ranks.is_root()) {
            work();
        }
    });
}

}  // namespace hpml::mpi
