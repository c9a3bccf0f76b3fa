"""The documentation is true where a machine can tell: links, configs, code blocks, headers, the config reference."""

import json
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from test_schema_parity import is_valid

PAGES = [ROOT / "README.md", ROOT / "plugins" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)


def blocks(language):
    """Code blocks of one language in all pages, as test parameters (page, text) with readable names."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match.group(1) == language:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(match.group(2), id=f"{page.relative_to(ROOT)}:{line}"))
    assert found
    return found


def anchors(page):
    """Names of the headings of a page, as GitHub makes them."""
    names = set()
    for heading in re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        names.add(kept.replace(" ", "-"))
    return names


def parsed(text):
    """A block of JSON: a whole value, or members of an object."""
    plain = COMMENT.sub("", text)
    try:
        return json.loads(plain)
    except json.JSONDecodeError:
        return json.loads("{" + plain.strip().rstrip(",") + "}")


def test_the_config_reference_is_what_the_schemas_say():
    script = ROOT / "scripts" / "make_config_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_config_reference_has_every_key_of_a_training():
    schema = json.loads((ROOT / "plugins" / "pytorch_method.schema.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    for key in schema["properties"]["training"]["properties"]:
        assert f"| `training.{key}` |" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert not {name for name in pages if f"]({name})" not in index}


@pytest.mark.parametrize("text", blocks("json"))
def test_json_is_json_and_whole_configs_are_valid(text):
    value = parsed(text)
    if "version" in value:
        assert is_valid(value)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_compiles(text):
    compile(text, "docs", "exec")


@pytest.mark.parametrize("text", blocks("cpp"))
def test_headers_of_cpp_examples_are_there(text):
    for header in re.findall(r"#include <(ophion/[^>]+)>", text):
        rooms = ("core", "pymethods")
        assert any((ROOT / room / "include" / header).is_file() for room in rooms), header


@pytest.mark.parametrize("text", blocks("cpp"))
def test_configs_inside_cpp_examples_are_valid(text):
    for config in re.findall(r'R"json\((.*?)\)json"', text, re.DOTALL):
        assert is_valid(json.loads(config))


def test_the_pages_name_no_machine():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(work|var/tmp|root|home)/", text), page.name


def test_every_promise_names_tests_that_exist():
    sources = [*(ROOT / "tests").rglob("*_test.cpp"), *(ROOT / "tests").rglob("test_*.py")]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    named = re.findall(r"`((?:[A-Za-z]+/)?[A-Z][A-Za-z]+\.[A-Za-z]+|test_\w+)`", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))
    assert len(named) > 50
    for name in named:
        if name.startswith("test_"):
            assert f"def {name}(" in text, name
        elif name.startswith("Fuzz."):
            assert (ROOT / "tests" / "fuzz" / f"{name.partition('.')[2]}_fuzzer.cpp").is_file(), name
        else:
            suite, _, test = name.rpartition("/")[2].partition(".")
            assert re.search(rf"TEST(_F|_P)?\({suite}, {test}\)", text), name
