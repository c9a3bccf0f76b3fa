/// The schema checker: its errors, its defaults, and its verdicts against the test suite of JSON Schema.
#include "schema.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"

using ophion::apply_schema;
using ophion::read_json;
using ophion::Value;
using testing::HasSubstr;

namespace {

Value json(const std::string& text) { return read_json(text, "test"); }

Value applied(const std::string& schema, const std::string& document) { return apply_schema(json(document), json(schema), "c.json", "/run"); }

std::string schema_error(const std::string& schema, const std::string& document) {
  return error_of<ophion::Error>([&] { applied(schema, document); });
}

TEST(Schema, ComparesNumbersWithTheirBounds) {
  EXPECT_EQ(schema_error(R"({"minimum": 1})", "-3"), "c.json: expected at least 1, found -3");
  EXPECT_EQ(schema_error(R"({"maximum": 0.5})", "1"), "c.json: expected at most 0.5, found 1");
  EXPECT_EQ(schema_error(R"({"exclusiveMinimum": 0})", "0"), "c.json: expected more than 0, found 0");
  EXPECT_EQ(schema_error(R"({"exclusiveMaximum": 1})", "1.0"), "c.json: expected less than 1, found 1.0");
}

TEST(Schema, NamesTypesInPlainWords) {
  EXPECT_EQ(schema_error(R"({"type": ["string", "array"]})", "3"), "c.json: expected text or a list, found 3");
  EXPECT_EQ(schema_error(R"({"type": "integer"})", "2.5"), "c.json: expected a whole number, found 2.5");
  EXPECT_EQ(schema_error(R"({"type": "integer"})", "1e300"), "c.json: expected a whole number, found 1e+300");
  EXPECT_EQ(schema_error(R"({"type": "object"})", "[1]"), "c.json: expected an object, found a list");
  EXPECT_EQ(schema_error(R"({"type": ["number", "boolean", "null"]})", "\"x\""),
            "c.json: expected a number, true or false or null, found 'x'");
}

TEST(Schema, MakesWholeNumbersIntegers) {
  EXPECT_EQ(applied(R"({"type": "integer"})", "5.0").type(), Value::Type::integer);
  EXPECT_EQ(applied(R"({"type": "number"})", "5.0").type(), Value::Type::real);
}

TEST(Schema, ListsWhatIsAllowed) {
  EXPECT_EQ(schema_error(R"({"enum": ["error", "keep"]})", "\"kep\""),
            "c.json: expected one of 'error', 'keep', found 'kep'; did you mean 'keep'?");
  EXPECT_EQ(schema_error(R"({"const": 1})", "2"), "c.json: expected 1, found 2");
}

TEST(Schema, NamesTheNearestKey) {
  const std::string schema = R"({"properties": {"t": {"properties": {"epochs": {}}, "additionalProperties": false}}})";
  EXPECT_EQ(schema_error(schema, R"({"t": {"epoch": 1}})"), "c.json /t/epoch: unknown key 'epoch'; did you mean 'epochs'?");
}

TEST(Schema, ListsTheKeysWhenNoneIsNear) {
  EXPECT_EQ(schema_error(R"({"properties": {"a": {}, "b": {}}, "additionalProperties": false})", R"({"folds": 1})"),
            "c.json /folds: unknown key 'folds'; known are a, b");
  EXPECT_EQ(schema_error(R"({"additionalProperties": false})", R"({"a": 1})"), "c.json /a: unknown key 'a'");
}

TEST(Schema, NamesTheMissingKey) {
  EXPECT_EQ(schema_error(R"({"required": ["script"]})", "{}"), "c.json: missing key 'script'");
  // A mistyped key says more than the one it leaves out.
  EXPECT_EQ(schema_error(R"({"required": ["script"], "properties": {"script": {}}, "additionalProperties": false})", R"({"scrpt": 1})"),
            "c.json /scrpt: unknown key 'scrpt'; did you mean 'script'?");
}

TEST(Schema, CountsItemsAndCharacters) {
  EXPECT_EQ(schema_error(R"({"minItems": 1})", "[]"), "c.json: expected at least 1 item, found 0");
  EXPECT_EQ(schema_error(R"({"maxItems": 2})", "[1, 2, 3]"), "c.json: expected at most 2 items, found 3");
  EXPECT_EQ(schema_error(R"({"minLength": 3})", "\"\u00e4\u00f6\""), "c.json: expected at least 3 characters, found 2");
  EXPECT_EQ(schema_error(R"({"maxLength": 1})", "\"ab\""), "c.json: expected at most 1 character, found 2");
  EXPECT_EQ(schema_error(R"({"uniqueItems": true})", R"(["a", {"b": 1, "c": 2}, {"c": 2.0, "b": 1}])"),
            "c.json /2: an object stands in the list twice");
}

TEST(Schema, FindsRepeatsInLongListsInAMoment) {
  Value list = Value::array();
  for (int i = 0; i < 200000; ++i) list.push_back(i);
  list.push_back(77);
  EXPECT_THROW(apply_schema(list, json(R"({"uniqueItems": true})"), "c.json"), ophion::ConfigError);
}

TEST(Schema, TellsTheFormInWords) {
  EXPECT_EQ(schema_error(R"({"pattern": "^[a-z]+$"})", "\"A\""), "c.json: expected text that matches ^[a-z]+$, found 'A'");
  EXPECT_EQ(schema_error(R"({"pattern": "^[a-z]+$", "x-form": "small letters"})", "\"A\""), "c.json: expected small letters, found 'A'");
  EXPECT_EQ(schema_error(R"({"pattern": "^a*$"})", "\"" + std::string(100000, 'a') + "\""),
            "c.json: expected at most 8192 bytes, found 100000");
}

TEST(Schema, CutsLongTextsBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xC3\xA9";
  EXPECT_EQ(schema_error(R"({"const": "a"})", "\"x" + text + "\""), "c.json: expected 'a', found 'x" + text.substr(0, 78) + "…'");
}

TEST(Schema, TellsTheErrorOfTheBranchThatWasMeant) {
  const std::string schema = R"({"anyOf": [
    {"type": "null"},
    {"enum": ["adam", "sgd"]},
    {"type": "object", "additionalProperties": false, "required": ["type"],
     "properties": {"type": {"const": "step"}, "gamma": {"type": "number", "maximum": 1}}},
    {"type": "object", "additionalProperties": false, "required": ["type"],
     "properties": {"type": {"const": "cosine"}, "floor": {"type": "number"}}}]})";
  EXPECT_EQ(schema_error(schema, "\"adm\""), "c.json: expected one of 'adam', 'sgd', found 'adm'; did you mean 'adam'?");
  EXPECT_EQ(schema_error(schema, R"({"type": "cosine", "floor": "x"})"), "c.json /floor: expected a number, found 'x'");
  EXPECT_EQ(schema_error(schema, R"({"type": "step", "gamma": 2})"), "c.json /gamma: expected at most 1, found 2");
  EXPECT_EQ(schema_error(schema, R"({"type": "stp"})"), "c.json /type: expected one of 'step', 'cosine', found 'stp'; did you mean 'step'?");
  EXPECT_EQ(schema_error(schema, R"({"floor": 1})"), "c.json: missing key 'type'");
  EXPECT_EQ(schema_error(schema, "3"), "c.json: expected null, text or an object, found 3");
}

TEST(Schema, RefusesWhatFitsTwoOfOneOf) {
  EXPECT_EQ(schema_error(R"({"oneOf": [{"minimum": 1}, {"maximum": 3}]})", "2"), "c.json: 2 fits more than one of the alternatives");
}

TEST(Schema, FillsDefaultsInAllTheWayDown) {
  const auto value = applied(R"({"properties": {
      "a": {"type": "integer", "default": 1},
      "t": {"properties": {"x": {"default": "y"}, "z": {}}, "default": {}},
      "l": {"items": {"$ref": "#/$defs/item"}}},
    "$defs": {"item": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"unit": {"default": ""}}}]}}})",
                           R"({"l": ["m", {"name": "n"}]})");
  EXPECT_EQ(value, json(R"({"l": ["m", {"name": "n", "unit": ""}], "a": 1, "t": {"x": "y"}})"));
}

TEST(Schema, MakesPathsAbsolute) {
  const auto path = [](const std::string& text) { return applied(R"({"x-path": true})", "\"" + text + "\"").as_text(); };
  EXPECT_EQ(path("mlp.py:Net"), "/run/mlp.py:Net");
  EXPECT_EQ(path("../a/./b*.root"), "/a/b*.root");
  EXPECT_EQ(path("/x//y"), "/x/y");
  EXPECT_EQ(path("root://host//store/a.root"), "root://host//store/a.root");
  EXPECT_EQ(schema_error(R"({"x-path": true})", R"("a\u0000b")"), "c.json: a path can't hold a zero byte");
}

TEST(Schema, RefusesSchemasItDoesNotUnderstand) {
  EXPECT_EQ(schema_error(R"({"properties": {"a": {"minimun": 1}}})", "{}"),
            "schema #/properties/a: unknown keyword 'minimun'; did you mean 'minimum'?");
  EXPECT_EQ(schema_error(R"({"anyOf": [{"minimum": "1"}]})", "1"), "schema #/anyOf/0/minimum: expected a number");
  EXPECT_EQ(schema_error(R"({"$ref": "#/$defs/x"})", "1"), "schema #/$ref: no schema '#/$defs/x' under #/$defs");
  EXPECT_EQ(schema_error(R"({"minLength": -1})", "1"), "schema #/minLength: expected a whole number from 0");
  EXPECT_THAT(schema_error(R"({"pattern": "("})", "1"), HasSubstr("schema #/pattern: '(' is no regular expression"));
  EXPECT_EQ(schema_error("3", "1"), "schema #: a schema is an object, true or false");
}

TEST(Schema, EndsWhenASchemaRefersToItself) {
  EXPECT_THAT(schema_error(R"({"$ref": "#"})", "1"), HasSubstr("refers to itself without end"));
  EXPECT_THAT(schema_error(R"({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"})", "1"),
              HasSubstr("refers to itself without end"));
}

// The official test suite, of the keywords supported here. Debian ships it up to draft 7, which writes "definitions" where
// 2020-12 writes "$defs"; but for the groups below both mean the same. Its file "default" has only defaults that are not
// valid themselves: here defaults are filled in, so they must be.
constexpr const char* suite_folder = "/usr/share/json-schema-test-suite/tests/draft7";

const std::set<std::string> suite_files = {
    "additionalProperties", "anyOf", "boolean_schema", "const", "enum", "exclusiveMaximum", "exclusiveMinimum",
    "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "oneOf", "pattern", "properties", "ref",
    "required", "type", "uniqueItems"};

/// With the reason.
const std::map<std::string, std::string> skipped_groups = {
    {"additionalProperties: additionalProperties being false does not allow other properties", "patternProperties"},
    {"additionalProperties: non-ASCII pattern with additionalProperties", "patternProperties"},
    {"properties: properties, patternProperties, additionalProperties interaction", "patternProperties"},
    {"items: an array of schemas for items", "not so in 2020-12 (prefixItems)"},
    {"items: items with boolean schemas", "not so in 2020-12 (prefixItems)"},
    {"ref: ref overrides any sibling keywords", "not so in 2020-12: they count"},
    {"ref: relative pointer ref to object", "references lead to $defs only"},
    {"ref: relative pointer ref to array", "references lead to $defs only"},
    {"ref: escaped pointer ref", "references lead to $defs only"},
    {"ref: remote ref, containing refs itself", "references lead to $defs only"},
    {"ref: Recursive references between schemas", "references lead to $defs only"},
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

class SchemaSuite : public testing::TestWithParam<std::string> {};

TEST_P(SchemaSuite, GivesTheSameVerdicts) {
  const auto file = std::filesystem::path(suite_folder) / (GetParam() + ".json");
  std::ifstream stream(file);
  if (!stream) GTEST_SKIP() << "no " << file << ": the package json-schema-test-suite is not installed";
  std::stringstream text;
  text << stream.rdbuf();
  const auto groups = json(replaced(text.str(), "\"definitions\"", "\"$defs\""));
  int compared = 0;
  for (const auto& group : groups.as_array()) {
    const auto name = GetParam() + ": " + group.at("description").as_text();
    if (skipped_groups.contains(name)) continue;
    ++compared;
    const auto schema = json(replaced(ophion::write_json(group.at("schema")), "#/definitions/", "#/$defs/"));
    for (const auto& test : group.at("tests").as_array()) {
      bool valid = true;
      try {
        apply_schema(test.at("data"), schema, "");
      } catch (const ophion::ConfigError&) {
        valid = false;
      } catch (const ophion::Error& error) {
        ADD_FAILURE() << name << ": " << error.what();
        break;
      }
      EXPECT_EQ(valid, test.at("valid").as_boolean()) << name << ": " << test.at("description").as_text();
    }
  }
  EXPECT_GT(compared, 0);
}

INSTANTIATE_TEST_SUITE_P(JsonSchema, SchemaSuite, testing::ValuesIn(suite_files), [](const auto& test) { return test.param; });

}  // namespace
