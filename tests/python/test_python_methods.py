"""Which methods Python packages bring, found without importing them."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

from ophion.tools import python_methods_tool as tool


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that comes first in sys.path, and what puts packages into it."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def add(site, name, entries, version="1.0"):
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[console_scripts]\nrun = a:b\n[ophion.methods]\n{entries}\n[other]\nc = d\n")


def write(site, file, text="raise SystemExit('imported')"):
    (site / file).parent.mkdir(parents=True, exist_ok=True)
    (site / file).write_text(text)


def found():
    return {one["name"]: one for one in tool.found()["methods"]}


@pytest.mark.parametrize(
    ("module", "file", "schema"),
    [
        ("quiet", "quiet.py", "quiet.schema.json"),
        ("quiet", "quiet/__init__.py", "quiet/quiet.schema.json"),
        ("quiet.inner.method", "quiet/inner/method.py", "quiet/inner/method.schema.json"),  # folders without __init__.py
    ],
)
def test_module_and_schema_are_located_and_nothing_is_imported(site, module, file, schema):
    add(site, "Quiet_Method", f"quiet = {module}", version="1.2")
    write(site, file)
    write(site, schema, "{}")
    expected = {"name": "quiet", "module": module, "package": "quiet-method", "version": "1.2", "schema": str(site / schema), "problem": ""}
    assert found()["quiet"] == expected
    assert "quiet" not in sys.modules


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("quiet:method", "names no module: expected a name such as package.module, found 'quiet:method'"),
        ("quiet [extra]", "names no module: expected a name such as package.module, found 'quiet [extra]'"),
        ("quiet.method", "names a module that is not there: quiet.method"),  # quiet is no package
        ("absent.method", "names a module that is not there: absent.method"),
        ("quiet", "has no schema: expected {site}/quiet.schema.json"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(site, module, problem):
    add(site, "quiet", f"quiet = {module}")
    write(site, "quiet.py")
    assert found()["quiet"]["problem"] == problem.format(site=site)


def test_of_two_installations_of_a_package_the_first_in_the_path_counts(site, tmp_path_factory, monkeypatch):
    first = tmp_path_factory.mktemp("first")
    monkeypatch.syspath_prepend(first)
    add(site, "quiet-method", "quiet = older", version="1.0")
    add(first, "Quiet.Method", "quiet = newer", version="2.0")
    assert [(one["module"], one["version"]) for one in tool.found()["methods"] if one["name"] == "quiet"] == [("newer", "2.0")]


def test_entry_points_that_cant_be_read_are_named(site):
    add(site, "quiet", "a line that is none")
    with pytest.raises(ValueError, match="the entry points of the Python package quiet can't be read"):
        tool.found()


def test_it_answers_as_a_program_of_the_standard_library_alone(site):
    add(site, "quiet", "quiet = quiet")
    program = ROOT / "python_scripts" / "ophion" / "tools" / "python_methods_tool.py"
    done = subprocess.run([sys.executable, "-S", "-P", program], env={"PYTHONPATH": str(site)}, capture_output=True, check=True)
    assert done.stdout.startswith(b"\1ophion\0") and done.stdout.endswith(b"\0\1")
    (method,) = json.loads(done.stdout[len(b"\1ophion\0") : -2])["methods"]
    assert method["problem"] == "names a module that is not there: quiet"


def test_what_goes_wrong_is_its_answer(site, capfdbinary):
    add(site, "quiet", "a line that is none")
    tool.main()
    assert b'{"problem": "ValueError: the entry points of the Python package quiet can\'t be read"}' in capfdbinary.readouterr().out
