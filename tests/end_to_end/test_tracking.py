"""A run tells trackers of itself, seen by stand-ins for their packages; what isn't there stops it before the training."""

import json

import pytest
from support import by_label, config

METHOD = '''
import json
import numpy as np


def train(train, validation, ctx):
    """Nothing to learn, in three epochs."""
    for epoch in range(1, 4):
        ctx.report(epoch, 3, loss=1.0 / epoch)
    return 0


def predict(model, x):
    return 1 / (1 + np.exp(-x[:, 0]))


def save(model):
    return {"model.json": json.dumps(model).encode()}


def load(members, ctx):
    return json.loads(members["model.json"])
'''
WRITER = '''
import json
import pathlib


class Writer:
    """Writes what tensorboard would be told."""

    def __init__(self, output):
        self.file = pathlib.Path(output) / "told.jsonl"
        self.file.parent.mkdir(parents=True)

    def add_scalar(self, tag, data, step):
        with self.file.open("a") as stream:
            stream.write(json.dumps([tag, data, step]) + "\\n")

    def flush(self):
        pass

    def close(self):
        self.add_scalar("closed", 0, 0)
'''


@pytest.fixture(scope="module")
def packages(module_place):
    """A folder with a package "tensorboard", and with one "mlflow" that can't be imported."""
    folder = module_place / "packages"
    (folder / "tensorboard").mkdir(parents=True)
    (folder / "tensorboard" / "__init__.py").write_text("")
    (folder / "tensorboard" / "summary.py").write_text(WRITER)
    (folder / "mlflow.py").write_text("raise ImportError('no mlflow today')\n")
    return {"PYTHONPATH": folder}


def tracked(place, file, **track):
    (place / "epochs.py").write_text(METHOD)
    method = {"name": "waiting", "type": "script", "script": str(place / "epochs.py")}
    return {**config(by_label(file), [method]), "track": track, "report": {"enabled": False}}


def test_a_tracker_is_told_of_every_epoch_and_of_the_end(module_place, events_file, packages):
    run = module_place.train(tracked(module_place, events_file, tensorboard=True), env=packages)
    told = [json.loads(line) for line in (run.folder / "tensorboard" / "waiting" / "told.jsonl").read_text().splitlines()]
    assert told[:3] == [["loss", 1.0, 1], ["loss", 0.5, 2], ["loss", pytest.approx(1 / 3), 3]]
    assert ["test/auc", run.metrics["methods"]["waiting"]["metrics"]["test"]["auc"], 3] in told
    assert told[-1] == ["closed", 0, 0]


def test_a_tracker_that_is_not_installed_is_an_error_before_the_training(module_place, events_file, packages):
    module_place.write("track.json", tracked(module_place, events_file, mlflow={}))
    said = module_place.run("train", "track.json", status=2, env=packages).stderr
    assert "track.json /track/mlflow: needs the Python package mlflow, which the Python in " in said
    assert "can't import: no mlflow today" in said
    assert "training waiting" not in said
