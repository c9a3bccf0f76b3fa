"""What a script changes in its process is put back, whatever it is."""

import builtins
import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from conftest import ROOT

from ophion import _scripts
from ophion._guest import Guest, guest

DEEDS = {
    "chdir": lambda: os.chdir("/"),
    "variable": lambda: os.environ.__setitem__("OPHION_TEST_NEW", "1"),
    "variable of PyTorch's": lambda: os.environ.__setitem__("TORCHINDUCTOR_CACHE_DIR", "/tmp/elsewhere"),
    "removed variable": lambda: os.environ.pop("PATH"),
    "other environ": lambda: setattr(os, "environ", {}),
    "path": lambda: sys.path.append("/nowhere"),
    "other path": lambda: setattr(sys, "path", []),
    "argv": lambda: sys.argv.append("x"),
    "stdout": lambda: setattr(sys, "stdout", open(os.devnull, "w")),
    "stderr": lambda: setattr(sys, "stderr", None),
    "executable": lambda: multiprocessing.set_executable("/bin/false"),
    "start method": lambda: multiprocessing.set_start_method("spawn", force=True),
    "handler": lambda: signal.signal(signal.SIGUSR1, lambda *_: None),
    "recursion": lambda: sys.setrecursionlimit(12345),
    "switch": lambda: sys.setswitchinterval(1.0),
    "gc": gc.disable,
    "gc threshold": lambda: gc.set_threshold(1, 1, 1),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C"),
    "excepthook": lambda: setattr(sys, "excepthook", print),
    "print": lambda: setattr(builtins, "print", None),
    "trace": lambda: sys.settrace(lambda *_: None),
    "filters": lambda: warnings.simplefilter("error"),
    "other filters": lambda: setattr(warnings, "filters", []),
    "showwarning": lambda: logging.captureWarnings(True),
    "logging": lambda: logging.basicConfig(level=logging.DEBUG, force=True),
    "no logging": lambda: logging.disable(logging.CRITICAL),
    "our logger": lambda: setattr(logging.getLogger("ophion"), "disabled", True),
    "random": random.random,
    "numpy random": np.random.random,
    "torch random": lambda: torch.rand(1),
    "errors": lambda: np.seterr(all="raise"),
    "error call": lambda: np.seterrcall(print),
    "print options": lambda: np.set_printoptions(precision=2),
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "gradients": lambda: torch.set_grad_enabled(False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "cudnn": lambda: setattr(torch.backends.cudnn, "benchmark", not torch.backends.cudnn.benchmark),
}

@pytest.fixture(autouse=True)
def _where_it_was(monkeypatch):
    """Whatever a test does to it, the folder is put back at its end."""
    monkeypatch.chdir(os.getcwd())


UNSAID = ("variable of PyTorch's", "random", "numpy random", "torch random", "filters", "other filters")


def state():
    """All of the above, as a test can compare it."""
    return {
        "folder": os.getcwd(),
        "environ": (id(os.environ), dict(os.environ)),
        "path": (id(sys.path), list(sys.path)),
        "argv": list(sys.argv),
        "streams": (id(sys.stdout), id(sys.stderr)),
        "workers": (multiprocessing.spawn.get_executable(), multiprocessing.get_start_method(allow_none=True)),
        "handler": signal.getsignal(signal.SIGUSR1),
        "sys": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.excepthook, sys.gettrace(), builtins.print),
        "gc": (gc.isenabled(), gc.get_threshold()),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": (id(warnings.filters), list(warnings.filters), warnings.showwarning),
        "logging": (list(logging.root.handlers), logging.root.level, logging.root.manager.disable, logging.getLogger("ophion").disabled),
        "random": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()),
        "numpy": (np.geterr(), np.geterrcall(), np.get_printoptions()),
        "torch": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
            torch.is_anomaly_enabled(),
            torch.backends.cudnn.benchmark,
        ),
    }


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_script_changes_is_put_back_and_named(deed):
    before = state()
    one = Guest()
    DEEDS[deed]()
    during = state()
    changed = one.leave()
    assert during != before, "the deed does nothing"
    assert state() == before
    assert bool(changed) == (deed not in UNSAID), changed
    assert one.leave() == [], "a second time there is nothing to do"


def test_everything_at_once_is_put_back_after_an_exception():
    before = state()
    with pytest.raises(ZeroDivisionError), guest():
        for deed in DEEDS.values():
            deed()
        1 / 0
    assert state() == before


def test_what_is_changed_is_named():
    one = Guest()
    os.chdir("/")
    os.environ["OPHION_TEST_NEW"] = "1"
    assert one.leave() == ["the current folder", "os.environ['OPHION_TEST_NEW']"]


def test_generators_go_on_where_they_shall():
    random.seed(1)
    one = Guest(prediction=True)
    first = random.random()
    one.leave()
    assert random.random() != first


def test_a_folder_that_was_renamed_is_found_again(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with guest():
        os.chdir("/")
        (tmp_path / "a").rename(tmp_path / "b")
    assert os.getcwd() == str(tmp_path / "b")


def test_what_cannot_be_put_back_keeps_nothing_else_from_it(monkeypatch):
    limit = sys.getrecursionlimit()
    one = Guest()
    os.chdir("/")
    sys.setrecursionlimit(limit + 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fchdir", lambda file: 1 / 0)
        changed = one.leave()
    assert changed == ["_Folder, which could not be put back (division by zero)", "the recursion limit", "os.fchdir"]
    assert sys.getrecursionlimit() == limit


def test_of_overlapping_calls_the_last_puts_back_what_belongs_to_the_process():
    before = state()
    first = Guest()
    os.chdir("/")
    second = Guest()
    np.seterr(all="raise")
    first.leave()
    assert os.getcwd() == "/", "the second may still need it"
    second.leave()
    assert state() == before


def test_text_printed_to_a_stream_of_the_scripts_own_is_not_lost(tmp_path):
    with guest():
        stream = sys.stdout = open(tmp_path / "log.txt", "w")
        print("line")
    with stream:
        assert (tmp_path / "log.txt").read_text() == "line\n"


def test_threads_and_processes_that_a_script_left_behind_are_named(script):
    opened = _scripts.open_file(
        script(
            "busy.py",
            """\
import threading
import multiprocessing
import time
done = threading.Event()
def watch():
    done.wait(30)
def brief():
    pass
def sleep():
    time.sleep(30)
def start():
    threading.Thread(target=watch, name="watcher", daemon=True).start()
    threading.Thread(target=brief, name="brief").start()
    process = multiprocessing.get_context("fork").Process(target=sleep, name="sleeper")
    process.start()
    return process
""",
        )
    )
    one = Guest()
    process = opened.module.start()
    threading.Thread(target=time.sleep, args=(0.5,), name="a library's", daemon=True).start()
    one.leave()
    try:
        assert one.left_behind() == ["the thread 'watcher'", "the process 'sleeper'"]
    finally:
        opened.module.done.set()
        process.kill()
        process.join()


def test_pytorch_that_came_in_with_the_script_has_the_settings_of_a_fresh_one():
    code = """\
from ophion._guest import guest
import sys
assert "torch" not in sys.modules
with guest():
    import torch
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
"""
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "python_scripts")}, check=True)
