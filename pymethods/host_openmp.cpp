/// OpenMP by its functions' names: nothing here is linked to one.
#include "host_openmp.h"

#include <dlfcn.h>

#include "core/isolation/worker_service.h"

namespace ophion {

namespace detail {
std::atomic<int (*)()> openmp_get{nullptr};
std::atomic<void (*)(int)> openmp_set{nullptr};
}  // namespace detail

void look_for_openmp() noexcept {
  if (detail::openmp_get.load() != nullptr || in_worker()) return;  // a worker has no OpenMP of its own to look after
  void* library = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);  // stays open: whoever loaded it never closes it
  if (!library) library = RTLD_DEFAULT;
  void* get = dlsym(library, "omp_get_max_threads");
  void* set = dlsym(library, "omp_set_num_threads");
  if (!get || !set) return;
  detail::openmp_set = reinterpret_cast<void (*)(int)>(set);
  detail::openmp_get = reinterpret_cast<int (*)()>(get);
}

}  // namespace ophion
