#include "kernels/elementwise/elementwise_inl.h"

namespace mobilekernels {
namespace scalar {

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise = {elementwise_loops::add,         elementwise_loops::mul,
                                        elementwise_loops::lut,         elementwise_loops::quantize,
                                        elementwise_loops::quantize3,   elementwise_loops::dequantize,
                                        elementwise_loops::interleave2, elementwise_loops::widen};

}  // namespace scalar
}  // namespace mobilekernels
