#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cuda_api.h"

/// Inside the GPU module only: the part of CudaApi that is the CUDA run time. The contracts stand
/// in device/cuda_api.h.
namespace hpml::cuda {

int device_count(int* count);
int select_device(int device);
int device_identity(int device, char* text, std::size_t bytes);
int device_memory(std::uint64_t* free, std::uint64_t* total);

int stream_create(void** stream);
void stream_destroy(void* stream);
int stream_synchronize(void* stream);
int stream_wait_event(void* stream, void* event);
int event_create(void** event);
void event_destroy(void* event);
int event_record(void* event, void* stream);
int event_query(void* event, int* done);
int event_synchronize(void* event);
int event_elapsed(void* earlier, void* later, double* seconds);

void range_push(const char* name);
void range_pop();

int scale_and_check(float* values, std::size_t count, float scale, device::CudaGradientCheck* check,
                    void* stream);

}  // namespace hpml::cuda
