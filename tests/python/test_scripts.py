"""Users' scripts as modules: siblings, two of one name, worker processes, model files, errors."""

import gc
import inspect
import os
import pickle
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from conftest import ROOT

from ophion import _scripts
from ophion._scripts.signatures import check_call
from ophion.errors import OptionError, pointer_to, suggestion


def refusal(function, *arguments, **named):
    with pytest.raises(OptionError) as caught:
        function(*arguments, **named)
    return caught.value


def test_siblings_are_imported_in_every_way_python_knows(script):
    script("helpers.py", "VALUE = 3\n")
    script("tools/__init__.py", "import helpers\nfrom . import deep\n")
    script("tools/deep.py", "import helpers\nVALUE = helpers.VALUE + 1\n")
    path = script(
        "main.py",
        """\
import helpers
import helpers as other
import tools.deep
import tools.deep as deep
from helpers import VALUE
from . import helpers as relative
from .tools import deep as relative_deep
def late():
    from late import WORD
    return WORD
""",
    )
    script("late.py", "WORD = 'late'\n")
    opened = _scripts.open_file(path)
    module = opened.module
    assert module.helpers is module.other is module.relative
    assert module.tools.deep is module.deep is module.relative_deep
    assert (module.VALUE, module.deep.VALUE, module.late()) == (3, 4, "late")
    assert "helpers" not in sys.modules and "tools" not in sys.modules
    assert not any(Path(one) == Path(path).parent for one in sys.path)
    assert not list(Path(path).parent.rglob("__pycache__"))


def test_a_sibling_hides_an_installed_module_from_its_script_only(script):
    script("statistics.py", "MINE = True\n")
    module = _scripts.open_file(script("main.py", "import statistics, json\n")).module
    import json
    import statistics

    assert module.statistics.MINE and module.json is json
    assert not hasattr(statistics, "MINE")


def test_two_scripts_of_one_name_live_together(script):
    for folder in "ab":
        script(f"{folder}/helpers.py", f"NAME = '{folder}'\n")
        script(f"{folder}/mlp.py", "import helpers\nclass Net:\n    name = helpers.NAME\n")
    a, b = (
        _scripts.open_file(script(f"{one}/mlp.py", "import helpers\nclass Net:\n    name = helpers.NAME\n"))
        for one in "ab"
    )
    assert (a.module.Net.name, b.module.Net.name) == ("a", "b")
    assert pickle.loads(pickle.dumps(a.module.Net())).name == "a"


def test_a_changed_script_or_sibling_is_read_again(script):
    path = script("mlp.py", "import helpers\nVALUE = helpers.VALUE\n")
    script("helpers.py", "VALUE = 1\n")
    assert _scripts.open_file(path).module.VALUE == 1
    script("helpers.py", "VALUE = 2\n")
    assert _scripts.open_file(path).module.VALUE == 2


def test_each_opening_imports_the_script_and_its_siblings_anew(script):
    script("settings.py", "HIDDEN = 8\ndef width(): return HIDDEN\n")
    path = script("mlp.py", "import settings\ncalls = []\n")
    first, second = _scripts.open_file(path), _scripts.open_file(path)
    first.module.calls.append(1)
    first.module.settings.HIDDEN = 99
    assert second.module.calls == [] and second.module.settings.width() == 8
    assert first.module.settings.width() == 99


def test_a_script_that_is_dropped_leaves_nothing_behind(script):
    script("helpers.py", "VALUE = 1\n")
    members = _scripts.open_file(script("mlp.py", "import helpers\nclass Net: pass\n")).sources()

    def tables():
        gc.collect()
        return len(sys.modules), len(vars(_scripts)), len(sys.path_importer_cache), len(_scripts._packages)

    kept = _scripts.from_members(members, "mlp.py")
    before, folder = tables(), Path(kept.module.__file__).parent
    for _ in range(20):
        assert _scripts.from_members(members, "mlp.py").module.Net is not kept.module.Net
    assert tables() == before and folder.is_dir(), "the folder is shared with the one that lives"
    del kept
    gc.collect()
    assert not folder.exists()


def test_a_script_that_fails_leaves_nothing_behind(script):
    path = script("mlp.py", "import helpers\nraise RuntimeError('no')\n")
    script("helpers.py", "")
    _scripts.open_file(script("other.py", ""))
    before = len(sys.modules), len(vars(_scripts))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no"):
            _scripts.open_file(path)
    assert (len(sys.modules), len(vars(_scripts))) == before


def test_the_environment_is_left_alone(script):
    before = dict(os.environ)
    opened = _scripts.open_file(script("mlp.py", ""))
    assert opened.module.__name__.endswith(".mlp") and dict(os.environ) == before


def test_only_files_that_were_imported_are_kept(script):
    script("helpers.py", "VALUE = 1\n")
    script("other.py", "raise RuntimeError('never imported')\n")
    script("pack/__init__.py", "")
    script("pack/inner.py", "VALUE = 2\n")
    text = (
        "# ä\nimport helpers\nfrom pack import inner\nfrom pathlib import Path\ntotal = helpers.VALUE + inner.VALUE\n"
    )
    opened = _scripts.open_file(script("mlp.py", text))
    sources = opened.sources()
    assert sorted(sources) == ["script/helpers.py", "script/mlp.py", "script/pack/__init__.py", "script/pack/inner.py"]
    assert sources["script/mlp.py"] == text.encode()


def test_a_script_comes_back_from_a_model_file_without_its_original(script):
    script("helpers.py", "VALUE = 5\n")
    path = script("mlp.py", "import helpers\n\ndef fail():\n    raise KeyError(helpers.VALUE)  # the user's line\n")
    members = _scripts.open_file(path).sources()
    for one in Path(path).parent.glob("*.py"):
        one.unlink()
    loaded = _scripts.from_members(members, "mlp.py")
    assert loaded.sources() == members
    with pytest.raises(KeyError) as caught:
        loaded.module.fail()
    assert "raise KeyError(helpers.VALUE)  # the user's line" in "".join(traceback.format_exception(caught.value))
    assert oct(os.stat(Path(loaded.module.__file__).parent.parent).st_mode)[-3:] == "700"


@pytest.mark.parametrize("name", ["../mlp.py", "/mlp.py", "a\\mlp.py", "a/../../mlp.py", "mlp.so"])
def test_a_member_that_leaves_its_folder_is_refused(name):
    with pytest.raises(ValueError, match="is no name of a script"):
        _scripts.from_members({"script/" + name: b""}, "mlp.py")


def test_the_private_folder_is_gone_after_exit():
    code = (
        "from ophion import _scripts as s\n"
        "script = s.from_members({'script/a.py': b'X = 1'}, 'a.py')\n"
        "import os; assert os.path.exists(script.module.__file__)\n"
        "print(script.module.__file__, script.module.X)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "python_scripts")},
        capture_output=True,
        text=True,
    )
    file, value = run.stdout.split()
    assert value == "1" and not Path(file).parent.parent.exists()


def describe(item):
    return type(item).__module__, item.value, os.getpid()


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("where", ["file", "members"])
def test_worker_processes_know_a_scripts_classes(script, how, where):
    script("helpers.py", "VALUE = 11\n")
    opened = _scripts.open_file(
        script("mlp.py", "import helpers\nclass Item:\n    def __init__(self): self.value = helpers.VALUE\n")
    )
    if where == "members":
        opened = _scripts.from_members(opened.sources(), "mlp.py")
    with ProcessPoolExecutor(1, get_context(how)) as pool:
        module, value, process = pool.submit(describe, opened.module.Item()).result()
    assert (module, value) == (opened.module.__name__, 11) and process != os.getpid()


def test_a_traceback_shows_the_users_file_line_and_text(script):
    path = script("mlp.py", "def get_model(spec):\n    return spec.nothing  # here\n")
    module = _scripts.open_file(path).module
    with pytest.raises(AttributeError) as caught:
        module.get_model(object())
    text = "".join(traceback.format_exception(caught.value))
    assert f'File "{path}", line 2, in get_model' in text and "return spec.nothing  # here" in text
    assert inspect.getsource(module.get_model) == "def get_model(spec):\n    return spec.nothing  # here\n"


def test_a_missing_file_names_its_neighbours(script):
    path = Path(script("network.py", ""))
    error = refusal(_scripts.open_file, path.with_name("netwrk.py"))
    assert error.pointer == "/script"
    assert error.problem == f"there is no file {path.with_name('netwrk.py')}, did you mean 'network.py'?"


def test_a_syntax_error_names_file_and_line(script):
    path = script("mlp.py", "x = 1\ndef get_model(spec:\n    pass\n")
    error = refusal(_scripts.open_file, path)
    assert error.pointer == "/script" and error.problem.startswith(
        f"{path} line 2: '(' was never closed: def get_model(spec:"
    )


def test_a_syntax_error_in_a_sibling_names_the_sibling(script):
    path = script("mlp.py", "import helpers\n")
    sibling = script("helpers.py", "1 +\n")
    assert refusal(_scripts.open_file, path).problem.startswith(f"{sibling} line 1: invalid syntax")


def test_what_a_script_raises_comes_out_as_it_is(script):
    path = script("mlp.py", "import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library") as caught:
        _scripts.open_file(path)
    assert any(
        frame.filename == path and frame.lineno == 1 for frame in traceback.extract_tb(caught.value.__traceback__)
    )


def test_a_missing_function_names_the_nearest(script):
    opened = _scripts.open_file(script("mlp.py", "def get_modle(spec): pass\ndef train(): pass\nfit = 3\n"))
    error = refusal(opened.function, "get_model", shape="function get_model(spec, …)")
    assert error.problem.endswith("mlp.py has no function get_model(spec, …), did you mean 'get_modle'?")
    assert refusal(opened.optional_function, "fit").problem.endswith("mlp.py: fit must be a function, found int")


def test_a_name_that_is_no_identifier_is_refused(script):
    assert "my-net.py can't be imported" in refusal(_scripts.open_file, script("my-net.py", "")).problem


def test_a_call_is_checked_against_the_signature():
    def get_model(spec, hidden=64, *, depth): ...

    assert check_call(get_model, "mlp.py", ("spec",), {"depth": 2}) is None
    error = refusal(check_call, get_model, "mlp.py", ("spec",), {"depth": 2, "hiden": 3})
    assert error.pointer == "/params/hiden"
    assert (
        error.problem == "mlp.py: get_model(spec, hidden=64, *, depth) has no argument 'hiden', did you mean 'hidden'?"
    )
    assert (
        "needs 'depth', which params does not give" in refusal(check_call, get_model, "mlp.py", ("spec",), {}).problem
    )
    error = refusal(check_call, get_model, "mlp.py", ("spec",), {"depth": 1, "spec": 2})
    assert error.pointer == "/params/spec"


def test_a_function_that_takes_too_little_or_too_much_is_refused():
    def predict(model, x): ...

    problem = refusal(check_call, predict, "mlp.py", ("model", "x", "spec")).problem
    assert problem == "mlp.py: predict(model, x) must take (model, x, spec)"
    assert "is called with (model) only" in refusal(check_call, predict, "mlp.py", ("model",)).problem
    assert check_call(lambda *anything, **more: None, "mlp.py", ("a", "b"), {"c": 1}) is None


def test_a_pointer_is_escaped_and_names_are_suggested():
    assert pointer_to("params", "a/b~c", 0) == "/params/a~1b~0c/0"
    assert suggestion("epoch", ["epochs", "batch_size"]) == ", did you mean 'epochs'?"
    assert suggestion("q", ["b", "a"]) == "; known: a, b"
