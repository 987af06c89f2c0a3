#include "model/computation.h"

#include "base/error.h"
#include "model/kernels/kernels.h"

namespace hpml::model {

Precision choose_precision(const std::string& wish, bool on_gpu) {
    if (wish == "auto") {
        return !on_gpu && native_bfloat16() != nullptr ? Precision::BFloat16 : Precision::Float32;
    }
    for (const Precision precision : {Precision::Float32, Precision::BFloat16, Precision::Half}) {
        if (wish == to_text(precision)) {
            return precision;
        }
    }
    throw UsageError("precision \"" + wish + "\" is not known; choose auto, fp32, bf16 or fp16");
}

std::string to_text(Precision precision) {
    return precision == Precision::Float32    ? "fp32"
           : precision == Precision::BFloat16 ? "bf16"
                                              : "fp16";
}

std::string describe(Precision precision, bool on_gpu) {
    if (precision == Precision::Float32 || on_gpu) {
        return to_text(precision);
    }
    if (precision == Precision::BFloat16 && native_bfloat16() != nullptr) {
        return "bf16 factors, multiplied by the processor's own bf16 arithmetic, sums and weights "
               "fp32";
    }
    return to_text(precision) +
           " factors, multiplied in fp32 (this processor gains no speed by it), sums and weights "
           "fp32";
}

}  // namespace hpml::model
