#include "apps/program.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <new>
#include <stdexcept>

using namespace hpml;

namespace {

template <class E>
int code_of(const E& error) {
    return run_program([&]() -> int { throw error; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(program)

BOOST_AUTO_TEST_CASE(an_error_s_class_decides_the_exit_code) {
    BOOST_TEST(run_program([] { return 0; }) == 0);
    BOOST_TEST(run_program([] { return 3; }) == 3);
    BOOST_TEST(code_of(UsageError("u")) == 64);
    BOOST_TEST(code_of(InputError("i")) == 65);
    BOOST_TEST(code_of(MissingInputError("m")) == 66);
    BOOST_TEST(code_of(ResourceError("r")) == 69);
    BOOST_TEST(code_of(OutputError("o")) == 73);
    BOOST_TEST(code_of(IoError("i")) == 74);
    BOOST_TEST(code_of(BackendError("b")) == 76);
    BOOST_TEST(code_of(DivergedError("d")) == 77);
    BOOST_TEST(code_of(MismatchError("m")) == 78);
    BOOST_TEST(code_of(std::bad_alloc()) == 69);
    BOOST_TEST(code_of(std::runtime_error("ours")) == 70);
    BOOST_TEST(code_of(5) == 70);
}

BOOST_AUTO_TEST_CASE(copies_that_do_not_know_of_each_other_are_refused) {
    ::unsetenv("SLURM_STEP_NUM_TASKS");
    BOOST_CHECK_NO_THROW(check_launch(1));
    ::setenv("SLURM_STEP_NUM_TASKS", "1", 1);
    BOOST_CHECK_NO_THROW(check_launch(1));
    ::setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    BOOST_CHECK_NO_THROW(check_launch(4));
    BOOST_CHECK_EXCEPTION(check_launch(1), UsageError, [](const UsageError& error) {
        const std::string text = error.what();
        return text.starts_with("started as 4 separate copies") &&
               text.ends_with("use srun --mpi=pmix or mpirun");
    });
    ::unsetenv("SLURM_STEP_NUM_TASKS");
}

BOOST_AUTO_TEST_CASE(control_characters_are_shown_and_not_obeyed) {
    BOOST_TEST(printable("a\x1b[2Jb\rc") == "a\\x1b[2Jb\\x0dc");
    BOOST_TEST(printable("a\nb") == "a\nb");
    BOOST_TEST(printable("a\nb", KeepLines::No) == "a\\x0ab");
    BOOST_TEST(printable("\xc3\xa9t\xc3\xa9") == "\xc3\xa9t\xc3\xa9");
}

BOOST_AUTO_TEST_CASE(version_names_build_and_libraries_without_mpi_running) {
    const std::string text = version_text("hpml_sample", {"HDF5 1.10.8"});
    BOOST_TEST(text.starts_with("hpml_sample "));
    for (const char* part : {"build", "MPI           ", "HDF5 1.10.8", "fault points  "}) {
        BOOST_TEST(text.find(part) != std::string::npos, part);
    }
    int started = 1;
    MPI_Initialized(&started);
    BOOST_TEST(started == 0);
}

BOOST_AUTO_TEST_CASE(the_launcher_s_rank_is_known_before_mpi) {
    ::unsetenv("OMPI_COMM_WORLD_RANK");
    ::unsetenv("PMIX_RANK");
    ::unsetenv("PMI_RANK");
    ::unsetenv("SLURM_PROCID");
    BOOST_TEST(launched_rank() == 0);
    ::setenv("SLURM_PROCID", "3", 1);
    BOOST_TEST(launched_rank() == 3);
    ::setenv("OMPI_COMM_WORLD_RANK", "2", 1);
    BOOST_TEST(launched_rank() == 2);
    ::unsetenv("SLURM_PROCID");
    ::unsetenv("OMPI_COMM_WORLD_RANK");
}

BOOST_AUTO_TEST_SUITE_END()
