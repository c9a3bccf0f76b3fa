/// Methods of Python packages, as a Python that is a shell script tells of them.
#include "python_methods.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/plugin.h>
#include <ophion/runtime.h>

#include "core/cpp_plugins.h"
#include "core/elf_file.h"
#include "core/error_of.h"
#include "core/small_model.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

class PythonMethodsTest : public testing::Test {
 protected:
  PythonMethodsTest() {
    write_text(folder_.path() / "python_methods_tool.so", elf_with(bytes_of(detail::make_note("tool", "python_methods", NeedsPython::yes, ""))));
    write_text(folder_.path() / "method.schema.json", R"({"description": "by distance", "properties": {"k": {"type": "integer", "default": 3}}})");
  }
  void TearDown() override { configure({}); }

  /// "nearest" of the package nearest-method 1.0, but for what is said otherwise.
  Value method(const std::map<std::string, std::string>& otherwise = {}) const {
    const std::pair<const char*, std::string> nearest[] = {
        {"name", "nearest"}, {"module", "nearest_method.method"}, {"package", "nearest-method"},
        {"version", "1.0"},  {"schema", (folder_.path() / "method.schema.json").string()}, {"problem", ""}};
    Value one = Value::object();
    for (const auto& [key, text] : nearest) {
      const auto other = otherwise.find(key);
      one.set(key, other == otherwise.end() ? text : other->second);
    }
    return one;
  }

  std::vector<PluginInfo> judged(const std::vector<Value>& methods) const {
    Value answer = Value::object();
    answer.set("methods", Value(Value::Array(methods.begin(), methods.end())));
    const Registry files({folder_.path(), cpp_plugins});
    return judged_methods(answer, files.info("tool", "python_methods"), files.plugins());
  }

  /// The Python of this process says that there are these methods; each time it is asked leaves a mark.
  void python_has(const std::vector<Value>& methods) {
    Value answer = Value::object();
    answer.set("methods", Value(Value::Array(methods.begin(), methods.end())));
    python_prints("printf '\\001ophion\\000%s\\000\\001' '" + write_json(answer, 0) + "'");
  }
  void python_prints(const std::string& script) {
    const fs::path python = folder_.path() / "python3";
    write_text(python, "#!/bin/sh\necho asked >>" + (folder_.path() / "log").string() + "\n" + script + "\n");
    fs::permissions(python, fs::perms::owner_all);
    RuntimeOptions options;
    options.python = python;
    configure(options);
  }
  long times_asked() const {
    std::ifstream log(folder_.path() / "log");
    return std::count(std::istreambuf_iterator<char>(log), {}, '\n');
  }
  Registry registry() const { return Registry({folder_.path(), cpp_plugins}); }

  TemporaryFolder folder_;
};

TEST_F(PythonMethodsTest, ADescribedMethodIsServedByTheToolsFile) {
  const PluginInfo nearest = judged({method()}).at(0);
  EXPECT_EQ(nearest.kind, "method");
  EXPECT_EQ(nearest.name, "nearest");
  EXPECT_EQ(nearest.module, "nearest_method.method");
  EXPECT_EQ(nearest.package, "nearest-method");
  EXPECT_EQ(nearest.own_version, "1.0");
  EXPECT_EQ(nearest.file, folder_.path() / "python_methods_tool.so");
  EXPECT_TRUE(nearest.needs_python);
  EXPECT_EQ(nearest.problem, "");
  EXPECT_EQ(described(nearest), method());
}

TEST_F(PythonMethodsTest, TheNameOfAPluginsFileComesFirst) {
  EXPECT_EQ(judged({method({{"name", "linear"}})}).at(0).problem, "comes after the plug-in of this name, " + (cpp_plugins / "linear_method.so").string());
}

TEST_F(PythonMethodsTest, TwoPackagesWithOneNameAreBothNamed) {
  const auto both = judged({method(), method({{"package", "another"}, {"version", "2.1"}, {"module", "another"}}), method({{"name", "third"}})});
  EXPECT_EQ(both.at(0).package, "another");
  EXPECT_EQ(both.at(0).problem, "has the name of another, of nearest-method 1.0 (nearest_method.method): uninstall one of the two");
  EXPECT_EQ(both.at(1).problem, "has the name of another, of another 2.1 (another): uninstall one of the two");
  EXPECT_EQ(both.at(2).problem, "");
}

TEST_F(PythonMethodsTest, NamesThatNoConfigCanSayAreRefused) {
  for (const char* name : {"Nearest", "9th", "a-b", "../x", ""}) {
    EXPECT_THAT(judged({method({{"name", name}})}).at(0).problem, HasSubstr("expected [a-z][a-z0-9_]*")) << name;
  }
}

TEST_F(PythonMethodsTest, ASchemaThatCantBeIsAProblem) {
  const auto problem_of = [&](const std::string& text) {
    write_text(folder_.path() / "other.schema.json", text);
    return judged({method({{"schema", (folder_.path() / "other.schema.json").string()}})}).at(0).problem;
  };
  EXPECT_THAT(problem_of("{"), AllOf(StartsWith("has a schema that can't be used: "), HasSubstr("other.schema.json")));
  EXPECT_THAT(problem_of(R"({"properties": {"k": {"typ": "integer"}}})"), HasSubstr("unknown keyword 'typ'; did you mean 'type'?"));
}

TEST_F(PythonMethodsTest, PythonIsAskedOnlyForANameThatNoFileHasAndOnce) {
  python_has({method()});
  const Registry first = registry();
  const Registry copy = first;
  EXPECT_EQ(first.info("method", "linear").package, "");
  EXPECT_THAT(error_of<PluginError>([&] { first.info("engine", "nearest"); }), HasSubstr("no engine 'nearest'"));
  EXPECT_EQ(times_asked(), 0);
  EXPECT_EQ(first.info("method", "nearest").package, "nearest-method");
  EXPECT_EQ(copy.schema("nearest").at("description").as_text(), "by distance");
  EXPECT_EQ(copy.python_methods().size(), 1u);
  EXPECT_EQ(times_asked(), 1);
  for (const PluginInfo& plugin : first.plugins()) EXPECT_NE(plugin.name, "nearest");
}

TEST_F(PythonMethodsTest, AnUnknownNameIsToldTheMethodsOfPackages) {
  python_has({method(), method({{"name", "broken"}, {"problem", "names a module that is not there: x"}})});
  EXPECT_THAT(error_of<PluginError>([&] { registry().info("method", "neerest"); }),
              AllOf(HasSubstr("no method 'neerest'; did you mean 'nearest'? (found: linear, "), HasSubstr(", nearest; looked in "), Not(HasSubstr("broken")),
                    EndsWith(", and among the packages of " + (folder_.path() / "python3").string() + ")")));
}

TEST_F(PythonMethodsTest, AMethodThatCantBeUsedIsNamedWithItsPackageAndEntry) {
  python_has({method({{"problem", "names a module that is not there: nearest_method.method"}})});
  const std::string expected =
      "method 'nearest' of the Python package nearest-method 1.0 (nearest = nearest_method.method) names a module that is not there: nearest_method.method";
  EXPECT_EQ(error_of<PluginError>([&] { registry().info("method", "nearest"); }), expected);
  EXPECT_EQ(error_of<PluginError>([&] { registry().schema("nearest"); }), expected);
  EXPECT_EQ(error_of<PluginError>([&] { registry().method("nearest"); }), expected);
}

TEST_F(PythonMethodsTest, APythonThatCantBeAskedIsSaid) {
  python_prints("echo 'no such thing here'");
  const std::string why = (folder_.path() / "python3").string() + ": is no Python: it printed 'no such thing here'";
  const Registry asked = registry();
  EXPECT_EQ(error_of<PluginError>([&] { asked.python_methods(); }), "the methods of Python packages are not known: " + why);
  EXPECT_THAT(error_of<PluginError>([&] { asked.info("method", "nearest"); }),
              AllOf(HasSubstr("no method 'nearest'"), EndsWith("; the packages of Python could not be asked: " + why + ")")));
  EXPECT_EQ(times_asked(), 1);
  python_prints(R"(printf '\001ophion\000{"problem": "OSError: no"}\000\001')");
  EXPECT_THAT(error_of<PluginError>([&] { registry().python_methods(); }), EndsWith("python3: OSError: no"));
}

/// The model of tests, as if its method were one of a package.
std::string refusal_of_model(const Registry& registry, const std::string& type, const std::string& package) {
  Value manifest = read_json(small_manifest, "manifest");
  manifest.find("method")->set("type", type);
  manifest.find("method")->set("package", package);
  LoadOptions options;
  options.registry = registry;
  return error_of<Error>([&] { Model(ModelFile::make(std::move(manifest), small_members()), options); });
}

TEST_F(PythonMethodsTest, AModelWhoseMethodIsMissingSaysWhatToInstall) {
  python_has({});
  EXPECT_THAT(refusal_of_model(registry(), "nearest", "nearest-method"),
              AllOf(HasSubstr("needs the method 'nearest' of the Python package nearest-method: no method 'nearest'"),
                    EndsWith("; to install it: pip install nearest-method")));
}

TEST_F(PythonMethodsTest, AModelIsNotLoadedByAMethodOfTheSameNameFromElsewhere) {
  python_has({method({{"package", "another"}})});
  EXPECT_THAT(refusal_of_model(registry(), "nearest", "nearest-method"),
              HasSubstr("here that is the method 'nearest' of the Python package another 1.0"));
  EXPECT_THAT(refusal_of_model(registry(), "nearest", ""), HasSubstr("here that is the method 'nearest' of the Python package another 1.0"));
  EXPECT_THAT(refusal_of_model(registry(), "linear", "nearest-method"), HasSubstr("here that is the plug-in " + (cpp_plugins / "linear_method.so").string()));
}

TEST_F(PythonMethodsTest, AModelCantPutOtherWordsIntoTheCommand) {
  for (const char* package : {"x; rm -rf .", "--index-url=https://example.org x", "a b"}) {
    EXPECT_THAT(refusal_of_model(registry(), "nearest", package), AllOf(HasSubstr("which names no Python package"), Not(HasSubstr("pip install")))) << package;
  }
}

}  // namespace
