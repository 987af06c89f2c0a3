// A program that fails in the way its argument names: started under mpirun by
// parallel_program_test.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "apps/program.h"
#include "mpi/communicator.h"

namespace {

int fail(const std::string& kind, const hpml::mpi::Communicator& world) {
    const bool is_middle = world.rank().value == 1;
    if (kind == "agreed") {
        hpml::mpi::agree(world, [&] {
            if (is_middle) {
                throw hpml::InputError("shard 7 is short");
            }
        });
    } else if (kind == "alike") {
        throw hpml::MismatchError("every rank says the same");
    } else if (kind == "local" && is_middle) {
        throw hpml::IoError("disk of one node is gone\x1b[2J");
    } else if (kind == "local") {
        world.barrier();
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string kind = argc > 1 ? argv[1] : "";
    return hpml::run_parallel_program(
        [&] {
            if (kind == "usage") {
                throw hpml::UsageError("unknown option --such");
            }
            return kind != "help";
        },
        [&](const hpml::mpi::Communicator& world) {
            const int code = fail(kind, world);
            if (world.is_root()) {
                std::printf("done on %d ranks\n", world.size());
            }
            return code;
        });
}
