"""Names of functions and classes, as configs and C++ programs give them."""

import sys

import pytest

from ophion import _named
from ophion.errors import CppError, OptionError


def refused(*arguments):
    with pytest.raises(OptionError) as caught:
        _named.function(*arguments)
    return caught.value.pointer, caught.value.problem


def test_modules_are_imported_as_far_as_the_name_needs():
    sys.modules.pop("xml.sax.saxutils", None)
    assert _named.find("xml.sax.saxutils.escape")("<") == "&lt;"
    assert _named.find("collections.OrderedDict.fromkeys")("ab") == {"a": None, "b": None}


def test_what_a_module_lacks_itself_is_its_own_error(tmp_path, monkeypatch):
    package = tmp_path / "needy_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        _named.find("needy_package.inner.f")
    with pytest.raises(OptionError, match="needy_package has no 'outer'"):
        _named.find("needy_package.outer")


def test_params_are_given_by_keyword(tmp_path):
    (tmp_path / "lines.py").write_text("def line(x, slope, offset=0):\n    return slope * x + offset\n")
    entry = {"file": "lines.py", "name": "line", "params": {"slope": 2, "offset": 1}}
    call, script, name = _named.function(entry, str(tmp_path), 1)
    assert (call(3), script.name, name) == (7, "lines.py", "lines.py: line")


def test_entries_are_checked_key_by_key(tmp_path):
    (tmp_path / "lines.py").write_text("def line(x, slope):\n    return slope * x\n")
    entry = {"file": "lines.py", "name": "line"}
    assert refused(entry, str(tmp_path), 1) == (
        "/name",
        "lines.py: line(x, slope) can't be called with 1 argument: missing a required argument: 'slope'",
    )
    assert refused({**entry, "params": {"slop": 1}}, str(tmp_path), 1) == (
        "/params/slop",
        "lines.py: line(x, slope) has no argument 'slop', did you mean 'slope'?",
    )
    assert refused({**entry, "function": "math.exp"}, "", 1)[1].startswith('expected "function", or "file" and "name", found')
    assert refused({}, "", 1)[1].endswith("found none of them")
    assert refused({**entry, "file": "line.py"}, str(tmp_path), 1)[0] == "/file"


def test_a_cpp_error_made_in_python_is_a_runtime_error():
    error = CppError("out of range")
    assert isinstance(error, RuntimeError) and str(error) == "out of range" and error.held is None
