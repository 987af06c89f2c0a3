#include "comm/checked.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "comm/operation_pool.h"
#include "mpi/check.h"

namespace hpml::comm {

/// What a rank says of its operation; every byte of it is written, for it travels as bytes.
struct Checked::Notice {
    static constexpr std::size_t kNameLength = 127;

    std::uint64_t count = 0;
    double scale = 1;
    std::uint64_t plan = 0;
    std::uint64_t name_hash = 0;
    std::uint64_t kind = 0;  ///< type, reduction and what else is a small number
    std::uint64_t repeats = 0;
    char name[kNameLength + 1] = {};  ///< the beginning

    Notice() = default;
    explicit Notice(const Buffer& buffer)
        : count(buffer.count),
          scale(buffer.scale),
          plan(buffer.plan),
          name_hash(hash_text(buffer.name).low),
          kind(static_cast<std::uint64_t>(buffer.type) |
               static_cast<std::uint64_t>(buffer.op) << 8 |
               static_cast<std::uint64_t>(buffer.examine) << 16),
          repeats(buffer.repeats ? 1 : 0) {
        std::copy_n(buffer.name.data(), std::min(buffer.name.size(), kNameLength), name);
    }

    [[nodiscard]] bool agrees(const Notice& other) const {
        return count == other.count && scale == other.scale && plan == other.plan &&
               name_hash == other.name_hash && kind == other.kind;
    }
    [[nodiscard]] std::string describe(bool with_plan) const {
        const auto type = static_cast<DataType>(kind & 0xff);
        const auto op = static_cast<ReduceOp>(kind >> 8 & 0xff);
        std::string text = name[0] == '\0' ? "" : fmt::format("'{}': ", name);
        text += fmt::format("{} {} ({})", count, name_of(type), name_of(op));
        if (scale != 1) {
            text += fmt::format(" times {}", scale);
        }
        return with_plan ? text + fmt::format(" of plan {:016x}", plan) : text;
    }
};

struct Checked::Shared {
    mpi::Communicator ranks;
    std::uint64_t started = 0;  ///< operations
    std::uint64_t settled = 0;  ///< this one and all before it were compared
    OperationPool<Run> pool;
};

/// Compares, waits for its turn, which is the same on every rank, then lets the inner one run.
class Checked::Run final : public Operation {
  public:
    explicit Run(Shared& shared)
        : shared_(shared), all_(static_cast<std::size_t>(shared.ranks.size())) {}

    void begin(Algorithm& inner, const Buffer& buffer) {
        buffer_ = buffer;
        algorithm_ = &inner;
        number_ = ++shared_.started;
        own_ = Notice(buffer);
        found_.reset();
        phase_ = Phase::Comparing;
        is_compared_ = shared_.ranks.size() == 1;
        if (is_compared_) {
            all_.front() = own_;
            return;
        }
        static_assert(std::is_trivially_copyable_v<Notice>);
        mpi::check(MPI_Iallgather(&own_, sizeof(Notice), MPI_BYTE, all_.data(), sizeof(Notice),
                                  MPI_BYTE, shared_.ranks.get(), &request_));
    }

    bool advance() override {
        if (phase_ == Phase::Comparing && has_compared() && shared_.settled + 1 == number_) {
            ++shared_.settled;
            phase_ = Phase::Done;
            require_agreement();
            inner_ = algorithm_->start(buffer_);
            phase_ = Phase::Running;
        }
        if (phase_ == Phase::Running && inner_->advance()) {
            found_ = inner_->found();
            inner_.reset();
            phase_ = Phase::Done;
        }
        return phase_ == Phase::Done;
    }

    [[nodiscard]] std::optional<Found> found() const override { return found_; }

    void release() noexcept override {
        // Given up half-way, while an error ends the process: MPI may still write to this memory.
        static_cast<void>(inner_.release());
        if (phase_ == Phase::Done) {
            shared_.pool.put_back(this);
        }
    }

  private:
    enum class Phase { Comparing, Running, Done };

    [[nodiscard]] bool has_compared() {
        if (!is_compared_) {
            int done = 0;
            mpi::check(MPI_Test(&request_, &done, MPI_STATUS_IGNORE));
            is_compared_ = done != 0;
        }
        return is_compared_;
    }

    void require_agreement() const {
        const std::string repeated = repetition();
        const std::string difference = repeated.empty() ? disagreement() : repeated;
        if (!difference.empty()) {
            throw MismatchError(fmt::format(
                "all-reduce {}: {}; nothing was added (start every rank with the same program, "
                "options and files)",
                number_, difference));
        }
    }

    [[nodiscard]] std::string repetition() const {
        const auto repeats = [](const Notice& notice) { return notice.repeats != 0; };
        const auto first = std::find_if(all_.begin(), all_.end(), repeats);
        return first == all_.end()
                   ? ""
                   : fmt::format(
                         "'{}' comes from {} a second time before its sum was waited for "
                         "(it would be summed twice)",
                         first->name, list(repeats));
    }

    /// Rank 0 against the ranks that differ from it; the first of them is described.
    [[nodiscard]] std::string disagreement() const {
        const Notice& first = all_.front();
        const auto odd = std::find_if(all_.begin(), all_.end(),
                                      [&](const Notice& notice) { return !notice.agrees(first); });
        if (odd == all_.end()) {
            return "";
        }
        const bool with_plan = odd->plan != first.plan;
        const std::string who = list([&](const Notice& notice) { return notice.agrees(*odd); });
        const std::string others = list(
            [&](const Notice& notice) { return !notice.agrees(first) && !notice.agrees(*odd); });
        return fmt::format(
            "the ranks bring different things, which cannot be summed: rank 0 {}, {} {}{}",
            first.describe(with_plan), who, odd->describe(with_plan),
            others.empty() ? "" : fmt::format(", {} something else again", others));
    }

    template <class Choice>
    [[nodiscard]] std::string list(const Choice& chosen) const;

    Shared& shared_;
    Algorithm* algorithm_ = nullptr;
    Buffer buffer_;
    Notice own_;
    std::vector<Notice> all_;  ///< by rank
    std::uint64_t number_ = 0;
    MPI_Request request_ = MPI_REQUEST_NULL;
    bool is_compared_ = false;
    OperationHandle inner_;
    std::optional<Found> found_;
    Phase phase_ = Phase::Done;
};

/// "rank 3" or "ranks 1, 2, 5", eight of them at most; empty for none.
template <class Choice>
std::string Checked::Run::list(const Choice& chosen) const {
    constexpr std::size_t kMost = 8;
    std::vector<std::size_t> ranks;
    std::size_t more = 0;
    for (std::size_t rank = 0; rank < all_.size(); ++rank) {
        if (chosen(all_[rank])) {
            ranks.size() < kMost ? ranks.push_back(rank) : static_cast<void>(++more);
        }
    }
    if (ranks.empty()) {
        return "";
    }
    return fmt::format("rank{} {}{}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "),
                       more == 0 ? "" : fmt::format(" and {} more", more));
}

Checked::Checked(std::unique_ptr<Algorithm> inner, const mpi::Communicator& ranks)
    : inner_(std::move(inner)), shared_(std::make_unique<Shared>()) {
    shared_->ranks = ranks.duplicate();
}

Checked::~Checked() = default;

OperationHandle Checked::start(const Buffer& buffer) {
    return begun(shared_->pool.take(*shared_), *inner_, buffer);
}

}  // namespace hpml::comm
