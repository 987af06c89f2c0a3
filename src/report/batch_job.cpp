#include "report/batch_job.h"

#include <string_view>

#include "base/shell.h"

namespace hpml {

namespace {

/// Of the states of squeue(1), those in which a job has left its nodes for good.
bool is_over(std::string_view state) {
    for (const std::string_view ended :
         {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL",
          "DEADLINE", "PREEMPTED", "REVOKED"}) {
        if (state == ended) {
            return true;
        }
    }
    return false;
}

}  // namespace

JobState job_state(const std::string& job) {
    // Digits only: the id comes from a file and goes into a shell's command line.
    if (job.empty() || job.find_first_not_of("0123456789_") != std::string::npos) {
        return JobState::Unknown;
    }
    // The answer ends with the exit code, which tells "no such job" (an empty list or an error
    // that says so) from "no squeue" and "no answer".
    const std::string answer =
        shell_output("timeout 10 squeue -h -j " + job + " -o %T 2>&1; echo $?");
    const bool is_unknown_id = answer.find("Invalid job id") != std::string::npos;
    if (is_unknown_id || answer == "0\n") {
        return JobState::Ended;
    }
    if (!answer.ends_with("\n0\n")) {
        return JobState::Unknown;
    }
    return is_over(std::string_view(answer).substr(0, answer.find('\n'))) ? JobState::Ended
                                                                          : JobState::Present;
}

}  // namespace hpml
