/// The store of trusted models: one small file a model, named by its hash, in $XDG_DATA_HOME/ophion/trusted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ophion/trust.h>

namespace ophion {

/// Opened for one question and closed again: others may change the folder at any time, one file at once.
class TrustStore {
 public:
  /// Throws TrustError when there can't be one ($XDG_DATA_HOME and $HOME unset), or others may write to it. No folder yet: an empty store.
  TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;
  ~TrustStore();

  bool holds(const std::string& hash) const;
  std::vector<TrustedModel> all() const;
  /// Makes the folder where there is none. Throws Error where it can't be written.
  void add(const TrustedModel& model);
  bool remove(const std::string& hash);

 private:
  void open_folder();
  std::string folder_;
  int descriptor_ = -1;  ///< of the folder; -1 while there is none
};

}  // namespace ophion
