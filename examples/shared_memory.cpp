/// Memory that C++ and Python share: nothing here is copied.
///   shared_memory SHARED_MEMORY.py FILE        the functions to call; a file to write numbers to
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <ophion/buffer.h>
#include <ophion/function.h>
#include <ophion/view.h>

struct Hit {
  int layer;
  float x, y;
  double energy;
};
OPHION_FIELDS(Hit, layer, x, y, energy);  // numpy.asarray(buffer)["energy"]

/// A new file of that many doubles, in memory; unmapped with the last copy of the pointer.
std::shared_ptr<double> map_file(const std::string& name, std::size_t size) {
  const std::size_t bytes = size * sizeof(double);
  const int file = open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) throw std::runtime_error("can't write " + name);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) throw std::runtime_error("can't map " + name);
  return {static_cast<double*>(memory), [bytes](double* mapped) { munmap(mapped, bytes); }};
}

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: shared_memory SHARED_MEMORY.py FILE\n");
    return 2;
  }
  const std::string functions = argv[1];
  const ophion::PyFunction<ophion::Object(ophion::Object)> calibrate(functions + ":calibrate");
  const ophion::PyFunction<void(ophion::Object)> fill_squares(functions + ":fill_squares");
  const ophion::PyFunction<ophion::Object()> make_weights(functions + ":make_weights");

  // Filled here, changed by NumPy, seen here; the array that Python gives back keeps the memory when the Buffer is gone.
  ophion::Object array;
  {
    ophion::Buffer hits(std::vector<Hit>{{0, 1, 2, 10}, {1, 3, 4, 20}});
    array = calibrate(hits.object());
    std::printf("energies after calibrate: %g %g\n", hits[0].energy, hits[1].energy);
  }
  std::printf("the second is still there: %g\n", ophion::view<const Hit>(array)[1].energy);

  // A file's pages, by a keeper that unmaps them.
  {
    const auto mapped = map_file(argv[2], 6);
    const ophion::Buffer<double> squares(ophion::Strided<double>::matrix(mapped.get(), 2, 3), mapped);
    fill_squares(squares.object());
    std::printf("last in the file: %g\n", squares(1, 2));
  }

  // The other way: what Python made, without a copy.
  const auto weights = ophion::view<const float>(make_weights());
  float sum = 0;
  for (std::size_t row = 0; row < weights.rows(); ++row) sum += weights(row, 1);
  std::printf("weights: %zu x %zu, second column adds up to %g\n", weights.rows(), weights.columns(), static_cast<double>(sum));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "shared_memory: %s\n", error.what());
  return 1;
}
