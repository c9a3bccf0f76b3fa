/// Whether a model file may run its code.
#include "demand_trust.h"

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>
#include <ophion/trust.h>

#include "text.h"
#include "trust_store.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

/// Hashes of models that were trained in this process: they need no store. Never destroyed: models may be loaded while it ends.
class TrainedHere {
 public:
  static TrainedHere& instance() {
    static TrainedHere& the_one = *new TrainedHere;
    return the_one;
  }
  void add(const std::string& hash) {
    const std::lock_guard lock(mutex_);
    hashes_.insert(hash);
  }
  void remove(const std::string& hash) {
    const std::lock_guard lock(mutex_);
    hashes_.erase(hash);
  }
  bool holds(const std::string& hash) const {
    const std::lock_guard lock(mutex_);
    return hashes_.contains(hash);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> hashes_;
};

std::string text_at(const Value& object, const char* key) {
  const Value* found = object.is_object() ? object.find(key) : nullptr;
  return found && found->is_text() ? found->as_text() : "";
}

TrustedModel record_of(const ModelFacts& facts, const char* how) {
  TrustedModel model;
  model.hash = facts.hash;
  model.how = how;
  model.name = text_at(facts.manifest, "name");
  if (const Value* method = facts.manifest.find("method")) model.type = text_at(*method, "type");
  model.file = fs::absolute(facts.file).lexically_normal().string();
  model.when = utc_now(iso_time);
  return model;
}

/// As a shell takes it.
std::string quoted(const std::string& word) {
  constexpr const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=.,/@%:";
  if (!word.empty() && word.front() != '-' && word.find_first_not_of(plain) == word.npos) return word;
  std::string text = word.starts_with("-") ? "'./" : "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// "script/mlp.py, script/layers.py", or the whole payload where it has no scripts.
std::string what_would_run(const PayloadDescription& payload) {
  std::string scripts, members;
  for (const std::string& name : payload.members) {
    std::string& list = name.starts_with("script/") ? scripts : members;
    list += (list.empty() ? "" : ", ") + name;
  }
  return scripts.empty() ? "what can't be checked to be mere numbers (" + members + ")" : "code (" + scripts + ")";
}

bool is_trusted(const ModelFile& file, const LoadOptions& options, std::string& store_problem) {
  if (options.trust == Trust::all || options.trusted_hashes.contains(file.hash()) || TrainedHere::instance().holds(file.hash())) return true;
  try {
    return TrustStore().holds(file.hash());
  } catch (const TrustError& problem) {
    store_problem = std::string(" (") + problem.what() + ")";
    return false;
  }
}

}  // namespace

bool is_trusted(const ModelFile& file, const LoadOptions& options) {
  std::string store_problem;
  return is_trusted(file, options, store_problem);
}

void demand_trust(const ModelFile& file, const PayloadDescription& payload, const LoadOptions& options) {
  std::string store_problem;
  if (is_trusted(file, options, store_problem)) return;
  throw TrustError(file.origin() + ": to load it is to run " + what_would_run(payload) + " from it, and you have neither trained nor accepted it" +
                   store_problem + (payload.carries_code ? "" : "; its manifest denies that it carries code") +
                   ". If you trust whoever made it: ophion trust " + quoted(file.origin()));
}

void remember_trained(const ModelFile& file, const fs::path& saved_as) {
  try {
    TrainedHere::instance().add(file.hash());
    TrustStore().add(record_of({saved_as, file.manifest(), file.hash()}, "trained"));
  } catch (const std::exception& problem) {
    log(LogLevel::warning, saved_as.string() + " is not recorded as trained by you, so that other programs will ask for trust: " + problem.what());
  }
}

void forget_trained(const ModelFile& file) {
  try {
    distrust_model(file.hash());
  } catch (const std::exception& problem) {
    log(LogLevel::debug, file.origin() + " stays in the list of trusted models: " + problem.what());
  }
}

ModelFacts facts_of(const fs::path& file) {
  const auto read = ModelFile::read(file);
  return {file, read->manifest(), read->hash()};
}

void trust_model(const ModelFacts& facts) { TrustStore().add(record_of(facts, "accepted")); }

bool distrust_model(const std::string& hash) {
  TrainedHere::instance().remove(hash);
  return TrustStore().remove(hash);
}

std::vector<TrustedModel> trusted_models() { return TrustStore().all(); }

}  // namespace ophion
