# cmake --install: executables, the GPU module, jobs, batch scripts, modulefiles, man pages and the sample.
include(GNUInstallDirs)
