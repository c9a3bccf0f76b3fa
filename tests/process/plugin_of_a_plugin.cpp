/// A plug-in that opens another one, as frameworks do.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

extern "C" __attribute__((visibility("default"))) int train_and_score(const char* config) {
  void* plugin = dlopen(std::getenv("INNER_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
  void* function = plugin ? dlsym(plugin, "train_and_score") : nullptr;
  if (!function) {
    std::printf("%s\n", dlerror());
    return 2;
  }
  return reinterpret_cast<int (*)(const char*)>(function)(config);
}
