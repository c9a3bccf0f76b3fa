"""The schemas are standard JSON Schema: jsonschema gives the verdicts of the C++ checker (tests/core/config_check_test.cpp)."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
COMMON = ROOT / "config" / "schema.json"
ENDING = "_method.schema.json"
METHODS = {path.name.removesuffix(ENDING): path for path in sorted((ROOT / "plugins").glob("*" + ENDING))}
CONFIGS = ROOT / "tests" / "core" / "configs"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def method_schema(common, own):
    """The schema of a whole method: the keys all methods share and its own, closed."""
    shared = common["properties"]["methods"]["items"]
    assert not shared["properties"].keys() & own["properties"].keys()
    return {
        **shared,
        "properties": shared["properties"] | own["properties"],
        "required": shared["required"] + own.get("required", []),
        "additionalProperties": False,
        "$defs": common["$defs"] | own.get("$defs", {}),
    }


def is_valid(config):
    common = read(COMMON)
    if not Draft202012Validator(common).is_valid(config):
        return False
    schemas = [method_schema(common, read(METHODS[method["type"]])) for method in config["methods"]]
    return all(Draft202012Validator(schema).is_valid(method) for schema, method in zip(schemas, config["methods"]))


def files(folder):
    found = sorted((CONFIGS / folder).glob("*.json"))
    assert found
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.parametrize("path", [COMMON, *METHODS.values()], ids=lambda path: path.name)
def test_a_schema_is_valid_draft_2020_12(path):
    Draft202012Validator.check_schema(read(path))


@pytest.mark.parametrize("path", [COMMON, *METHODS.values()], ids=lambda path: path.name)
def test_defaults_and_examples_are_valid(path):
    schema = read(path)

    def look(part):
        if isinstance(part, list):
            for item in part:
                look(item)
        elif isinstance(part, dict):
            whole = {**part, "$defs": schema.get("$defs", {})}
            for value in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
                Draft202012Validator(whole).validate(value)
            for item in part.values():
                look(item)

    look(schema)


@pytest.mark.parametrize("path", files("good"))
def test_good_configs_are_valid(path):
    assert is_valid(read(path))


@pytest.mark.parametrize("path", files("bad"))
def test_bad_configs_are_not(path):
    assert not is_valid(read(path))


@pytest.mark.parametrize("path", files("refused"))
def test_no_schema_can_tell_what_only_the_rules_refuse(path):
    assert is_valid(read(path))
