#pragma once

namespace hpml {

/// From now on a crash (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) says rank, process, signal and
/// the stack on stderr and ends the process with exit code 70, so that a launcher ends the job;
/// where core files are allowed (ulimit -c) the signal then does what it does without this. Signals
/// that somebody handles already stay as they are.
/// @param rank  as its launcher counts
void report_crashes(int rank);

}  // namespace hpml
