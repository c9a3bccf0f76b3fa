/// The builds of the kernels by instruction set.
#include "kernels.h"

namespace ophion::native {

namespace generic {
extern const Kernels kernels;
extern const LeafSetKernels leaf_set_kernels;
}
#ifdef OPHION_X86_KERNELS
namespace avx2 {
extern const Kernels kernels;
extern const LeafSetKernels leaf_set_kernels;
}
namespace avx512 {
extern const Kernels kernels;
extern const LeafSetKernels leaf_set_kernels;
}
#endif

const Kernels& kernels([[maybe_unused]] Isa isa) noexcept {
#ifdef OPHION_X86_KERNELS
  if (isa == Isa::avx512) return avx512::kernels;
  if (isa == Isa::avx2) return avx2::kernels;
#endif
  return generic::kernels;
}

const LeafSetKernels& leaf_set_kernels([[maybe_unused]] Isa isa) noexcept {
#ifdef OPHION_X86_KERNELS
  if (isa == Isa::avx512) return avx512::leaf_set_kernels;
  if (isa == Isa::avx2) return avx2::leaf_set_kernels;
#endif
  return generic::leaf_set_kernels;
}

}  // namespace ophion::native
