/// What a Buffer is compared with: nanobind's ndarray over the module's own memory.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace {

float numbers[1000];

template <std::size_t dimensions>
using Array = nanobind::ndarray<nanobind::array_api, float, nanobind::ndim<static_cast<nanobind::ssize_t>(dimensions)>>;

}  // namespace

NB_MODULE(nanobind_buffer, module) {
  module.def("vector", [] { return Array<1>(numbers, {1000}, nanobind::none()); });
  module.def("matrix", [] { return Array<2>(numbers, {100, 10}, nanobind::none()); });
}
