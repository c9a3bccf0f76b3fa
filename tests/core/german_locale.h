/// The German locale as the process's own: a comma before decimals, a point between thousands.
#pragma once

#include <cstdlib>
#include <locale>
#include <string>

#include "core/temporary_folder.h"

/// Holds for C and C++ while it lives. Made here, since few machines have it.
class GermanLocale {
 public:
  GermanLocale() {
#ifndef OPHION_SANITIZE  // glibc loses 40 bytes of a locale that LOCPATH names, which is a leak
    const std::string file = (folder_.path() / "de_DE.UTF-8").string();
    made_ = std::system(("localedef -f UTF-8 -i de_DE " + file + " 2> /dev/null").c_str()) == 0;
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    if (made_) std::locale::global(std::locale("de_DE.UTF-8"));
#endif
  }
  GermanLocale(const GermanLocale&) = delete;
  GermanLocale& operator=(const GermanLocale&) = delete;
  ~GermanLocale() {
    std::locale::global(std::locale::classic());
    ::unsetenv("LOCPATH");
  }
  /// False where there is no localedef, or no source of de_DE, and under sanitizers.
  bool made() const noexcept { return made_; }

 private:
  TemporaryFolder folder_;
  bool made_ = false;
};
