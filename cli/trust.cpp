/// ophion trust: shows what a model file would run, asks, and records the answer.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <ophion/ophion.h>

#include "commands.h"
#include "terminal.h"

namespace ophion::cli {
namespace fs = std::filesystem;
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct TrustArguments {
  std::string file;
  std::string remove;
  bool list = false;
  bool yes = false;
};

std::optional<TrustedModel> record_of(const std::string& hash) {
  for (TrustedModel& model : trusted_models()) {
    if (model.hash == hash) return std::move(model);
  }
  return std::nullopt;
}

/// The members of a model file that can do something, or all others, with their sizes: one a row.
void add_members(Rows& rows, const Value& manifest, const char* heading, bool scripts) {
  for (const auto& [name, facts] : manifest.at("members").as_object()) {
    if (name.starts_with("script/") != scripts) continue;
    rows.push_back({heading, name + " (" + with_commas(static_cast<std::uint64_t>(facts.at("size").as_integer())) + " bytes)"});
    heading = "";
  }
}

void add_provenance(Rows& rows, const Value& manifest) {
  rows.push_back({"made", manifest.at("created").as_text() + " by Ophion " + manifest.at("versions").at("ophion").as_text()});
  const Value& provenance = manifest.at("provenance");
  const Value* data = provenance.find("data");
  const char* heading = "from";
  for (std::size_t i = 0; data && i < data->size(); ++i, heading = "") rows.push_back({heading, data->at(i).at("file").as_text()});
  if (const Value* git = provenance.find("git"); git && git->is_object()) {
    rows.push_back({"revision", git->at("commit").as_text() + " of " + git->at("folder").as_text()});
  }
  if (const Value* config = provenance.find("config_sha256")) rows.push_back({"config", "sha256 " + config->as_text()});
}

/// What somebody who is to trust the file should know. Nothing here is more than the file's own word, but for the hash.
std::string described(const ModelFacts& facts, const std::optional<TrustedModel>& record) {
  const Value& manifest = facts.manifest;
  Rows rows{{"file", facts.file.string()}};
  const Value& method = manifest.at("method");
  rows.push_back({"model", method.at("name").as_text() + " (" + method.at("type").as_text() + "), " + manifest.at("task").as_text()});
  add_members(rows, manifest, "scripts", true);
  add_members(rows, manifest, "members", false);
  bool carries_code = false;
  for (const Value& payload : manifest.at("payloads").as_array()) carries_code = carries_code || payload.at("carries_code").as_boolean();
  rows.push_back({"to load it", carries_code ? "runs its scripts, or hands over what can't be checked" : "runs no code of it, it says"});
  add_provenance(rows, manifest);
  rows.push_back({"sha256", facts.hash});
  rows.push_back({"trusted", record ? record->how + " by you, " + record->when : "no"});
  return table(rows);
}

bool agreed() {
  std::fputs("May your programs run it from now on, with all your rights? [y/N] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int accept(const TrustArguments& arguments, bool json) {
  const ModelFacts facts = facts_of(arguments.file);
  const std::optional<TrustedModel> record = record_of(facts.hash);
  if (!json) std::fputs(described(facts, record).c_str(), stdout);
  std::fflush(stdout);
  if (!record) {
    if (!arguments.yes && isatty(STDIN_FILENO) == 0) {
      throw CLI::ValidationError("trust", "there is no terminal to ask on; nothing was trusted. Say --yes to trust " + arguments.file);
    }
    if (!arguments.yes && !agreed()) {
      std::fputs("nothing was trusted\n", stderr);
      return failed;
    }
    trust_model(facts);
  }
  if (json) {
    Value result = Value::object();
    result.set("file", arguments.file);
    result.set("sha256", facts.hash);
    result.set("trusted", true);
    std::printf("%s\n", write_json(result).c_str());
  } else if (!record) {
    std::puts("trusted from now on");
  }
  return done;
}

int list(bool json) {
  const std::vector<TrustedModel> models = trusted_models();
  if (json) {
    Value result = Value::array();
    for (const TrustedModel& model : models) {
      Value entry = Value::object();
      entry.set("sha256", model.hash);
      entry.set("how", model.how);
      entry.set("name", model.name);
      entry.set("type", model.type);
      entry.set("file", model.file);
      entry.set("when", model.when);
      result.push_back(std::move(entry));
    }
    std::printf("%s\n", write_json(result).c_str());
    return done;
  }
  Rows rows{{"model", "type", "how", "when", "sha256", "file"}};
  for (const TrustedModel& model : models) rows.push_back({model.name, model.type, model.how, model.when, model.hash, model.file});
  std::fputs(table(rows).c_str(), stdout);
  return done;
}

/// A file, or a hash of which the first digits are enough.
std::string hash_meant(const std::string& word) {
  std::error_code ignored;
  if (fs::exists(word, ignored)) return facts_of(word).hash;
  constexpr std::size_t enough = 6;
  std::vector<std::string> found;
  for (const TrustedModel& model : trusted_models()) {
    if (word.size() >= enough && model.hash.starts_with(word)) found.push_back(model.hash);
  }
  if (found.size() > 1) throw Error("several trusted models have a hash that begins with " + word);
  return found.empty() ? word : found.front();
}

int remove(const std::string& word) {
  if (!distrust_model(hash_meant(word))) throw Error(word + " was not trusted: 'ophion trust --list' shows what is");
  std::printf("%s is not trusted any more\n", word.c_str());
  return done;
}

int trust(const TrustArguments& arguments, bool json) {
  if (arguments.list) return list(json);
  if (!arguments.remove.empty()) return remove(arguments.remove);
  if (arguments.file.empty()) throw CLI::RequiredError("MODEL, --list or --remove");
  return accept(arguments, json);
}

}  // namespace

void add_trust(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<TrustArguments>();
  auto* verb = app.add_subcommand("trust", "Show what a model file would run, and let your programs run it from now on");
  auto* file = verb->add_option("MODEL", arguments->file, "A .ophion file");
  auto* yes = verb->add_flag("--yes", arguments->yes, "Don't ask");
  auto* list_all = verb->add_flag("--list", arguments->list, "List what you trained or accepted");
  auto* remove_one = verb->add_option("--remove", arguments->remove, "Trust this file, or this SHA-256, no longer");
  list_all->excludes(file)->excludes(yes)->excludes(remove_one);
  remove_one->excludes(file)->excludes(yes);
  verb->callback([arguments, &outcome] { outcome.status = trust(*arguments, outcome.json); });
}

}  // namespace ophion::cli
