#include "comm/trace/merge.h"

#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/version.h"
#include "comm/trace/text.h"
#include "comm/trace/trace.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr int kTag = 8;

/// The lines of a part, piece by piece; the first line opens the list that a part is. What cannot
/// be read ends it, and is told at the end: whoever takes the pieces waits for the last one.
class PartReader {
  public:
    explicit PartReader(const std::filesystem::path& path) {
        guard([&] {
            file_.emplace(path);
            std::byte opening[2];
            (void)file_->read(opening);
        });
    }
    /// @return at most `room`; empty: the end
    std::span<const std::byte> next(std::span<std::byte> room) {
        std::size_t size = 0;
        guard([&] { size = file_ && !failure_ ? file_->read(room) : 0; });
        return room.first(size);
    }
    void require_success() const {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

  private:
    template <class Work>
    void guard(const Work& work) {
        try {
            work();
        } catch (...) {
            failure_ = std::current_exception();
        }
    }

    std::optional<InputFile> file_;
    std::exception_ptr failure_;
};

/// The whole timeline; a failure is kept until all ranks have sent their part.
class TraceWriter {
  public:
    TraceWriter(const std::filesystem::path& path, const Json& about) {
        guard([&] {
            file_.emplace(path);
            file_->write(std::string(TraceFormat::kHead) + about.dump() + ",\"traceEvents\":[\n");
        });
    }
    void add(std::span<const std::byte> lines) {
        guard([&] { file_->write(lines); });
    }
    void publish() {
        // The last event, without a comma behind it.
        guard([&] {
            file_->write(
                std::string(R"({"ph":"M","name":"process_sort_index","ts":0,"pid":0,"tid":0,)"
                            R"("args":{"sort_index":0}})"
                            "\n") +
                std::string(TraceFormat::kTail));
            file_->publish();
        });
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

  private:
    template <class Work>
    void guard(const Work& work) {
        if (failure_) {
            return;
        }
        try {
            work();
        } catch (...) {
            failure_ = std::current_exception();
        }
    }

    std::optional<AtomicFile> file_;
    std::exception_ptr failure_;
};

void send_part(const mpi::Communicator& ranks, PartReader& part) {
    std::vector<std::byte> room(kPiece);
    for (auto piece = part.next(room);; piece = part.next(room)) {
        mpi::check(
            MPI_Send(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, 0, kTag, ranks.get()));
        if (piece.empty()) {
            return;
        }
    }
}

void receive_part(const mpi::Communicator& ranks, int from, TraceWriter& writer) {
    std::vector<std::byte> room(kPiece);
    int size = 1;
    while (size > 0) {
        MPI_Status status;
        mpi::check(MPI_Recv(room.data(), static_cast<int>(room.size()), MPI_BYTE, from, kTag,
                            ranks.get(), &status));
        mpi::check(MPI_Get_count(&status, MPI_BYTE, &size));
        writer.add(std::span(room).first(static_cast<std::size_t>(size)));
    }
}

void write_own_part(PartReader& part, TraceWriter& writer) {
    std::vector<std::byte> room(kPiece);
    for (auto piece = part.next(room); !piece.empty(); piece = part.next(room)) {
        writer.add(piece);
    }
}

}  // namespace

void merge_trace(const mpi::Communicator& ranks, const std::filesystem::path& file,
                 std::uint64_t lost) {
    PartReader part(trace_part(file, ranks.rank()));
    if (!ranks.is_root()) {
        send_part(ranks, part);
        mpi::agree(ranks, [&] { part.require_success(); });
        return mpi::agree(ranks, [] {});
    }
    TraceWriter writer(file, {{"program", "hpml " + build_info().version},
                              {"ranks", ranks.size()},
                              {"lost_records", lost}});
    write_own_part(part, writer);
    for (int rank = 1; rank < ranks.size(); ++rank) {
        receive_part(ranks, rank, writer);
    }
    mpi::agree(ranks, [&] { part.require_success(); });
    mpi::agree(ranks, [&] { writer.publish(); });
}

}  // namespace hpml::comm
