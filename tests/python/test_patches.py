"""What a script puts in the place of other people's functions is put back, and named; libraries keep theirs."""

import functools
import math
import random
import sys
import types
from unittest import mock

import numpy as np
import pytest
import torch

from ophion import _scripts
from ophion._guest import Guest

PATCHES = {
    "numpy.mean": "numpy.mean = lambda *a, **k: 0",
    "numpy.bool": "numpy.bool = bool",
    "numpy.median": "del numpy.median",
    "numpy.linalg.norm": "numpy.linalg.norm = abs",
    "math.pi": "math.pi = 3.0",
    "random.random": "random.random = random.gauss",
    "torch.relu": "torch.relu = torch.tanh",
    "torch.load": "torch.load = functools.partial(torch.load, weights_only=False)",
    "torch.nn.functional.relu": "torch.nn.functional.relu = mock.MagicMock()",
    "torch.nn.modules.linear.Linear.forward": "torch.nn.Linear.forward = lambda self, x: x",
    "torch.nn.modules.linear.Linear.twice": "torch.nn.Linear.twice = lambda self, x: x",
    "torch.Tensor.sum": "torch.Tensor.sum = lambda self: 0",
    "torch.nn.modules.module.Module.__call__": "torch.nn.Module.__call__ = lambda self, x: x",
    "numpy.mine": "numpy.mine = lambda: 0",
}
FACTS = {
    "numpy": lambda: (np.mean, np.bool, vars(np).get("median"), np.linalg.norm, hasattr(np, "mine")),
    "math": lambda: (math.pi, random.random),
    "torch": lambda: (torch.relu, torch.load, torch.nn.functional.relu, torch.nn.Linear.forward, hasattr(torch.nn.Linear, "twice")),
    "classes": lambda: ("sum" in vars(torch.Tensor), torch.Tensor.sum, torch.nn.Module.__call__),
}


def facts():
    return {name: look() for name, look in FACTS.items()}


def opened(script, *deeds, name="patching.py"):
    lines = ["import functools, math, random", "from unittest import mock", "import numpy, torch", "def patch():"]
    return _scripts.open_file(script(name, "\n".join([*lines, *(f"    {deed}" for deed in deeds)]) + "\n"))


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_of_a_script_is_put_back_and_named(script, name):
    patching = opened(script, PATCHES[name])
    before = facts()
    one = Guest()
    patching.module.patch()
    assert facts() != before, "the deed does nothing"
    assert one.leave() == [name]
    assert facts() == before
    assert one.leave() == []


def test_all_patches_of_a_script_are_put_back(script):
    patching = opened(script, *PATCHES.values())
    before = facts()
    one = Guest()
    patching.module.patch()
    assert sorted(one.leave()) == sorted(PATCHES)
    assert facts() == before


def test_of_overlapping_calls_the_last_puts_back(script):
    patching = opened(script, PATCHES["numpy.mean"])
    mean = np.mean
    first, second = Guest(), Guest()
    patching.module.patch()
    assert first.leave() == [] and np.mean is not mean, "the second may still need it"
    assert second.leave() == ["numpy.mean"] and np.mean is mean


def test_a_prediction_beside_it_does_not_hide_a_patch(script):
    patching = opened(script, PATCHES["numpy.mean"])
    mean = np.mean
    prediction, one = Guest(prediction=True), Guest()
    patching.module.patch()
    assert one.leave() == ["numpy.mean"] and np.mean is mean
    assert prediction.leave() == []


def test_a_module_in_the_place_of_its_stand_in_stays(monkeypatch):
    """As importlib_metadata has it: its modules are imported when they are first looked at."""
    library = types.ModuleType("a_lazy_library_of_the_test")
    library.json = mock.MagicMock()
    monkeypatch.setitem(sys.modules, "a_lazy_library_of_the_test", library)
    one = Guest()
    library.json = functools
    assert one.leave() == []
    assert library.json is functools


def test_what_libraries_change_of_each_other_stays(monkeypatch):
    """PyTorch wraps functions of its own when it compiles for the first time; others patch when they are imported."""
    library = types.ModuleType("a_library_of_the_test")
    exec("def faster(*a): ...", vars(library))
    monkeypatch.setattr(np, "median", np.median)  # puts it back whatever happens here
    monkeypatch.setattr(torch, "relu", torch.relu)
    one = Guest()
    monkeypatch.setitem(sys.modules, "a_library_of_the_test", library)
    np.median = library.faster
    torch.relu = functools.wraps(torch.relu)(types.FunctionType((lambda x: x).__code__, vars(torch)))
    late = np.something_late = object()
    try:
        assert one.leave() == []
        assert np.median is library.faster and np.something_late is late
    finally:
        del np.something_late


def test_a_patch_of_its_own_module_does_not_reach_another_script_of_the_same_name(script, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    source = "import helper\ndef answer():\n    return helper.answer()\ndef patch():\n    helper.answer = lambda: 'patched'\n"
    for folder in ("a", "b"):
        script(f"{folder}/helper.py", f"def answer():\n    return '{folder}'\n")
    first, second = (_scripts.open_file(script(f"{folder}/main.py", source)) for folder in ("a", "b"))
    first.module.patch()
    assert first.module.answer() == "patched"
    assert second.module.answer() == "b"
    assert _scripts.open_file(tmp_path / "a" / "main.py").module.answer() == "a"


def test_what_cannot_be_put_back_is_said(script):
    one = Guest()
    held = mock.patch("ophion._patches._same", side_effect=ZeroDivisionError("no"))
    with held:
        assert one.leave() == ["functions of other modules, which could not be put back (no)"]
    assert Guest().leave() == []
