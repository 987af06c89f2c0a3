# libhpml_cuda.so: everything that needs a GPU, opened at run time.
