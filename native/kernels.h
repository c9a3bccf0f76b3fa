/// The loops that are built once for each instruction set.
#pragma once

#include <cstddef>

#include "isa.h"
#include "layer.h"
#include "leaf_sets.h"

namespace ophion::native {

struct Kernels {
  LayerKernel dense;   ///< writes whole halves of panels
  LayerKernel narrow;  ///< writes `outputs` numbers a row
  /// numbers[i] = 1 / (1 + exp(-numbers[i])), to two units in the last place.
  void (*logistic)(float* numbers, std::size_t count);
};

const Kernels& kernels(Isa isa) noexcept;
const LeafSetKernels& leaf_set_kernels(Isa isa) noexcept;

}  // namespace ophion::native
