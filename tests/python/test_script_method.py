"""The method "script": what it checks, hands out and keeps."""

import numpy as np
import pytest
from conftest import SCRIPTS, classification, context, gaussians

from ophion.contract import TrainingData
from ophion.errors import OptionError
from ophion.methods import script_method

WRITES = """\
import torch
def train(train, validation, ctx):
    torch.from_numpy(train.x).zero_()
    train.y[:] = 0
    return None
def predict(model, x):
    torch.from_numpy(x).add_(1)
    return x[:, 0]
def save(model): return {"a/b": b"1"}
def load(members, ctx): return members
"""


def test_what_a_script_writes_does_not_reach_the_host(script):
    ctx = context("script", classification(), script=script("own.py", WRITES))
    data = TrainingData(gaussians(50))
    before = data.train.x.copy(), data.train.y.copy()
    model = script_method.train(data, ctx)
    assert np.array_equal(script_method.predict(model, data.train.x), before[0][:, 0] + 1)
    assert np.array_equal(data.train.x, before[0]) and np.array_equal(data.train.y, before[1])


def test_members_come_back_by_their_own_names(script):
    ctx = context("script", classification(), script=script("own.py", WRITES))
    members = script_method.save(script_method.train(TrainingData(gaussians(50)), ctx))
    assert sorted(members) == ["model/a/b", "script.txt", "script/own.py"]
    assert script_method.load(members, ctx).model == {"a/b": b"1"}
    assert script_method.carries_code(members)


def test_params_are_arguments_of_train():
    ctx = context("script", classification(), script=str(SCRIPTS / "centres.py"), params={"sharpnes": 2})
    with pytest.raises(OptionError, match="/params/sharpnes: .*no argument 'sharpnes', did you mean 'sharpness'?"):
        script_method.check(ctx)
    reports = []
    ctx = context(
        "script", classification(), script=str(SCRIPTS / "centres.py"), params={"sharpness": 2}, reports=reports
    )
    model = script_method.train(TrainingData(gaussians(50)), ctx)
    assert model.model["sharpness"] == 2 and reports == [(1, 1, {"sharpness": 2.0})]


def test_a_missing_function_is_named(script):
    with pytest.raises(OptionError, match=r"own.py has no function save\(model\), did you mean 'sav'"):
        script_method.check(
            context("script", classification(), script=script("own.py", WRITES.replace("def save", "def sav")))
        )


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            ('return {"a/b": b"1"}', 'return b"1"'),
            TypeError,
            "own.py: save gave bytes, expected a dict of names and bytes",
        ),
        (
            ('return {"a/b": b"1"}', 'return {"a": "b"}'),
            TypeError,
            "own.py: save gave 'a': str, expected names and bytes",
        ),
        *(
            (('"a/b"', f'"{name}"'), ValueError, "own.py: save gave the name '.*', expected one such as")
            for name in ("", "/a", "a/../b", "a//b", "a\\\\b", "a\\n", "\\ud800")
        ),
    ],
)
def test_what_can_not_be_kept_names_the_script(script, change, error, text):
    ctx = context("script", classification(), script=script("own.py", WRITES.replace(*change)))
    data = TrainingData(gaussians(50))
    model = script_method.train(data, ctx)
    with pytest.raises(error, match=text):
        script_method.save(model)
