/// A program that uses the Python-facing classes itself: a method defined in the program, with no plug-in.
#include <cstdio>

#include <ophion/ophion.h>
#include <ophion/py_method_base.h>

namespace {

class OwnMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"own", {"classification"}}, "no_such_module_anywhere"};
    return traits;
  }
};

}  // namespace

int main() {
  try {
    OwnMethod().check({});
  } catch (const ophion::PythonError& error) {
    std::printf("%s\n", error.type().c_str());
    return error.type() == "ModuleNotFoundError" ? 0 : 1;
  }
  return 1;
}
