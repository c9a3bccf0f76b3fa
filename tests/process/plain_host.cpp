/// plain_host PLUGIN CONFIG: a program that knows neither Ophion nor Python opens a plug-in, on a thread of its own.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

int main(int count, char** arguments) {
  if (count != 3) return 2;
  int status = 2;
  std::thread([&] {
    void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    void* function = plugin ? dlsym(plugin, "train_and_score") : nullptr;
    if (function) status = reinterpret_cast<int (*)(const char*)>(function)(arguments[2]);
    else std::printf("%s\n", dlerror());
  }).join();
  return status;
}
