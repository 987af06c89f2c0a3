#include "mpi/arrival.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/error.h"
#include "base/host.h"

namespace hpml::mpi {

namespace {

/// The first of these environment variables that is set; empty: none is.
std::string first_of(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (std::string text = environment_variable(name); !text.empty()) {
            return text;
        }
    }
    return "";
}

int number_of(std::initializer_list<const char*> names, int otherwise) {
    const std::string text = first_of(names);
    return text.empty() ? otherwise : std::atoi(text.c_str());
}

/// Calls `use` (bind or connect) with the abstract name of a rank. @return whether it succeeded
template <class Use>
bool with_name(const std::string& job, int rank, const Use& use) {
    const std::string name = "hpml-arrival/" + job + "/" + std::to_string(rank);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::min(name.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path + 1, name.data(), length);
    return use(reinterpret_cast<const sockaddr*>(&address),
               static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length)) == 0;
}

int open_socket() { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

bool is_here(const std::string& job, int rank) {
    const int probe = open_socket();
    const bool here = with_name(job, rank, [probe](const sockaddr* name, socklen_t length) {
        return ::connect(probe, name, length);
    });
    ::close(probe);
    return here;
}

std::string list(const std::vector<int>& ranks) {
    constexpr std::size_t kMost = 16;
    std::string text;
    for (std::size_t i = 0; i < std::min(ranks.size(), kMost); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
    }
    return ranks.size() > kMost ? text + " and others" : text;
}

}  // namespace

Seconds Arrival::patience_here() {
    const std::string text = first_of({"HPML_START_TIMEOUT"});
    return Seconds(text.empty() ? 120.0 : std::strtod(text.c_str(), nullptr));
}

Arrival::Arrival(Seconds patience, std::function<void(const std::string&)> fail)
    : patience_(patience),
      fail_(std::move(fail)),
      job_(first_of({"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "SLURM_JOB_ID"}) + "." +
           first_of({"SLURM_STEP_ID"})),
      rank_(number_of({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}, 0)),
      ranks_(number_of({"OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS"}, 1)),
      on_host_(number_of({"OMPI_COMM_WORLD_LOCAL_SIZE"}, 0)) {
    if (ranks_ < 2 || patience_.value <= 0) {
        return;
    }
    socket_ = open_socket();
    (void)with_name(job_, rank_, [this](const sockaddr* name, socklen_t length) {
        return ::bind(socket_, name, length);
    });
    thread_ = std::thread([this] { watch(); });
}

Arrival::~Arrival() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            arrived_ = true;
        }
        arrived_changed_.notify_one();
        thread_.join();
    }
    if (socket_ >= 0) {
        ::close(socket_);
    }
}

void Arrival::watch() {
    std::unique_lock lock(mutex_);
    if (arrived_changed_.wait_for(lock, std::chrono::duration<double>(patience_.value),
                                  [this] { return arrived_; })) {
        return;
    }
    std::vector<int> here;
    std::vector<int> elsewhere;
    for (int rank = 0; rank < ranks_; ++rank) {
        (is_here(job_, rank) ? here : elsewhere).push_back(rank);
    }
    const bool is_speaker = here.empty() || here.front() == rank_;
    if (is_speaker) {
        const auto arrived = static_cast<int>(here.size());
        std::string who = "on host " + host_name() + " rank " + list(here) + " of " +
                          std::to_string(ranks_) + " is there, rank " + list(elsewhere);
        if (on_host_ == ranks_) {
            who += " is not";
        } else if (on_host_ > arrived) {
            who += " is on another host or has not come, at least " +
                   std::to_string(on_host_ - arrived) + " of this host";
        } else {
            who += " is on another host: one of those is missing, or cannot be reached";
        }
        fail_("MPI has not started for " + std::to_string(static_cast<long>(patience_.value)) +
              " s: " + who +
              " (a job waits for all of its ranks); look at that host's log, its network interface "
              "and how long it takes to load the program, or set HPML_START_TIMEOUT");
    }
    // The launcher ends the others as soon as one has left, and who speaks may have come later.
    std::this_thread::sleep_for(std::chrono::milliseconds(is_speaker ? 500 : 5000));
    ::_exit(static_cast<int>(ExitCode::Backend));
}

}  // namespace hpml::mpi
