// For AddressSanitizer: libraries stay loaded until the leaks are counted. Open MPI closes its
// plugins at the end, and what they leak would then belong to no library that leaks.supp could
// name.

extern "C" int dlclose(void* /*library*/) { return 0; }
