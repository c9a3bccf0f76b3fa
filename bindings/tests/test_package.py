"""What is promised of the package besides its code: types, docstrings that run, examples, dependencies."""

import doctest
import importlib
import re
import subprocess
import sys
import tomllib

import numpy as np
import ophion
import pytest
from conftest import PACKAGE, ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_mypy_finds_nothing_in_strict_mode():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (PACKAGE / "ophion" / "py.typed").is_file()


@pytest.fixture(scope="module")
def example_names(tmp_path_factory):
    """What the examples of docstrings use besides what they make: the model that the one of `train` has trained, and events."""
    folder = tmp_path_factory.mktemp("docstrings")
    names = {"ophion": ophion, "np": np, "folder": str(folder)}
    failed, tried = run_examples(ophion.train, names)
    assert failed == 0 and tried > 5
    return {**names, "model": names["run"].best, "x": np.random.default_rng(5).normal(size=(400, 2)).astype(np.float32)}


def run_examples(thing, names):
    """(failed, tried); names that the examples make stay in `names`."""
    failed = tried = 0
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(recurse=True, exclude_empty=True).find(thing, globs=names):
        test.globs = names
        result = runner.run(test, clear_globs=False)
        failed, tried = failed + result.failed, tried + result.attempted
    return failed, tried


@pytest.mark.parametrize(("module", "least"), [("ophion.api", 1), ("ophion._model", 8), ("ophion.sklearn", 5)])
def test_the_examples_of_docstrings_run(module, least, example_names):
    failed, tried = run_examples(importlib.import_module(module), dict(example_names))
    assert failed == 0 and tried >= least


def test_everything_public_has_a_docstring():
    for name in ophion.__all__:
        thing = getattr(ophion, name)
        if isinstance(thing, str):
            continue
        assert thing.__doc__, name
        for key, value in vars(thing).items() if isinstance(thing, type) else ():
            if not key.startswith("_") and (callable(value) or hasattr(value, "func") or isinstance(value, property)):
                assert getattr(value, "__doc__", None), f"{name}.{key}"


def pins(lock):
    return dict(line.split("==") for line in (ROOT / lock).read_text().splitlines() if "==" in line)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras):
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    return {normal(wanted.name): wanted.specifier for wanted in map(Requirement, lines)}


def test_declared_dependencies_are_what_is_pinned():
    run = {normal(name): version for name, version in pins("requirements.lock").items()}
    tests = {normal(name): version for name, version in pins("requirements-test.lock").items()}
    for extra, pinned in (("train", run), ("onnx", run | tests)):
        for name, specifier in declared(extra).items():
            assert name in pinned and specifier.contains(pinned[name]), f"{name}{specifier}"


def test_the_extras_have_every_package_that_the_scripts_import():
    names = {"sklearn": "scikit-learn", "boost_histogram": "hist", "google": "protobuf"}
    imported = set()
    for file in (ROOT / "python_scripts" / "ophion").rglob("*.py"):
        imported |= set(re.findall(r"^(?:import|from) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    foreign = {normal(names.get(name, name)) for name in imported - set(sys.stdlib_module_names) - {"ophion"}}
    assert "torch" in foreign and foreign <= set(declared("train", "onnx"))


@pytest.mark.parametrize(
    ("example", "says"),
    [("pi.py", r"pi = 3\.1[0-7]\d\d ± 0\.00\d\d, of 200000 points\n$"), ("python_api.py", r"9\d% of fresh signal above 0.5\n$")],
)
def test_the_examples_run(example, says, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))
    done = subprocess.run([sys.executable, ROOT / "examples" / example, *([] if example == "pi.py" else [tmp_path])],
                          cwd=tmp_path, capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(says, done.stdout), done.stdout
