"""The tool that tells MLflow and TensorBoard of a run, with stand-ins for the two packages."""

import json
import logging
import math
import os
import sys
import types
from collections import namedtuple

import pytest

from ophion.errors import OptionError
from ophion.tools import track_tool

CONFIG = {
    "name": "toy",
    "seed": 3,
    "data": {"features": ["a", "b"], "weights": {"negative": "error"}},
    "methods": [{"name": "mlp", "type": "pytorch", "training": {"epochs": 2}}, {"name": "trees", "type": "sklearn"}],
}
RESULTS = {
    "best": "mlp",
    "stopped": False,
    "methods": {
        "mlp": {
            "status": "done",
            "model": "models/mlp.ophion",
            "metrics": {
                "test": {
                    "primary": {"name": "auc", "higher_is_better": True},
                    "auc": 0.75,
                    "auc_error": None,
                    "efficiency": {"0.1": {"value": 0.5}},
                    "confusion": {"counts": [[1, 2], [3, 4]]},
                }
            },
        },
        "trees": {"status": "failed", "error": "too few events"},
        "last": {"status": "not started", "error": "the run was stopped before"},
    },
}
Number = namedtuple("Number", "key value timestamp step")
Param = namedtuple("Param", "key value")


class Record:
    """An MLflow run, as far as the tool knows one."""

    def __init__(self, name, tags):
        self.name, self.tags = name, dict(tags)
        self.params, self.metrics, self.artifacts, self.status = {}, [], [], "RUNNING"


class Client:
    """Stands for mlflow.MlflowClient, with its signatures; `records` outlive it."""

    records: dict = {}
    experiments: dict = {}
    uris: list = []
    broken = ""

    def __init__(self, tracking_uri=None):
        self.uris.append(tracking_uri)
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"

    def get_experiment_by_name(self, name):
        if self.broken == "experiment":
            raise RuntimeError("no such server")
        found = self.experiments.get(name)
        return found and types.SimpleNamespace(experiment_id=found[0])

    def create_experiment(self, name, artifact_location=None, tags=None):
        self.experiments[name] = (f"e{len(self.experiments)}", artifact_location)
        return self.experiments[name][0]

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        run = f"r{len(self.records)}"
        self.records[run] = Record(run_name, tags or {})
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run))

    def log_batch(self, run_id, metrics=(), params=(), tags=(), synchronous=None):
        if self.broken == "batch":
            raise ConnectionError("the server has gone")
        assert len(params) <= 100 and len(metrics) <= 1000
        self.records[run_id].params.update(dict(params))
        self.records[run_id].metrics += metrics

    def log_artifact(self, run_id, local_path, artifact_path=None):
        assert os.path.exists(local_path)
        self.records[run_id].artifacts.append(os.path.basename(local_path))

    def set_tag(self, run_id, key, value):
        self.records[run_id].tags[key] = value

    def set_terminated(self, run_id, status=None, end_time=None):
        self.records[run_id].status = status


class Writer:
    """Stands for tensorboard.summary.Writer."""

    files: dict = {}

    def __init__(self, output):
        self.events = self.files.setdefault(output, [])

    def add_scalar(self, tag, data, step, *, wall_time=None, description=None):
        self.events.append((tag, data, step))

    def flush(self):
        pass

    def close(self):
        self.events.append("closed")


@pytest.fixture
def packages(monkeypatch):
    """mlflow and tensorboard, as if they were installed."""
    client = type("Client", (Client,), {"records": {}, "experiments": {}, "uris": []})
    writer = type("Writer", (Writer,), {"files": {}})
    mlflow, entities = types.ModuleType("mlflow"), types.ModuleType("mlflow.entities")
    mlflow.MlflowClient, entities.Metric, entities.Param = client, Number, Param
    tensorboard, summary = types.ModuleType("tensorboard"), types.ModuleType("tensorboard.summary")
    summary.Writer = writer
    for module in (mlflow, entities, tensorboard, summary):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return types.SimpleNamespace(client=client, writer=writer)


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "runs" / "toy" / "20260102T030405Z"
    (run / "models").mkdir(parents=True)
    (run / "models" / "mlp.ophion").write_bytes(b"model")
    (run / "config.resolved.json").write_text(json.dumps(CONFIG))
    return run


def start(folder, **track):
    return track_tool.start({"folder": str(folder), "name": "toy", "track": track})


def whole_run(folder, results=RESULTS, **track):
    job = start(folder, **track)
    for epoch in (1, 2):
        metrics = {"loss": 1 / epoch, "validation/loss": 2 / epoch, "my µ!": math.nan}
        assert job.run({"method": "mlp", "epoch": epoch, "metrics": metrics}, {}) == {}
    (folder / "metrics.json").write_text(json.dumps(results))
    assert job.finish() == {}


def test_mlflow_gets_a_run_and_one_for_each_method_below_it(packages, folder):
    whole_run(folder, mlflow={"uri": "", "experiment": ""})
    whole, mlp, trees = packages.client.records.values()  # what was not started has none
    assert (whole.name, mlp.name, trees.name) == ("toy 20260102T030405Z", "mlp", "trees")
    assert mlp.tags == {"mlflow.parentRunId": "r0"}
    assert (whole.status, mlp.status, trees.status) == ("FINISHED", "FINISHED", "FAILED")
    assert whole.tags == {"ophion.folder": str(folder), "ophion.best": "mlp"}
    assert trees.tags["ophion.error"] == "too few events"
    assert whole.artifacts == ["config.resolved.json", "metrics.json"] and mlp.artifacts == ["mlp.ophion"]
    assert whole.params == {"name": "toy", "seed": "3", "data.features": '["a", "b"]', "data.weights.negative": "error"}
    assert mlp.params == {"name": "mlp", "type": "pytorch", "training.epochs": "2"}


def test_mlflow_gets_every_epoch_and_the_numbers_of_the_end(packages, folder):
    whole_run(folder, mlflow={})
    _, mlp, _ = packages.client.records.values()
    found = [(one.key, one.value, one.step) for one in mlp.metrics if not math.isnan(one.value)]
    assert found == [
        ("loss", 1.0, 1),
        ("validation/loss", 2.0, 1),
        ("loss", 0.5, 2),
        ("validation/loss", 1.0, 2),
        ("test/auc", 0.75, 0),
        ("test/efficiency/0.1/value", 0.5, 0),
    ]
    assert {one.key for one in mlp.metrics if math.isnan(one.value)} == {"my µ_"}


def test_mlflow_keeps_runs_beside_the_run_folders_unless_told_where(packages, folder):
    start(folder, mlflow={})
    output = folder.parent.parent
    assert packages.client.uris == [f"sqlite:///{output}/mlflow.db"]
    assert packages.client.experiments == {"toy": ("e0", (output / "mlflow_artifacts").as_uri())}
    start(folder, mlflow={"uri": "http://tracker:5000", "experiment": "higgs"})
    start(folder, mlflow={"uri": "http://tracker:5000", "experiment": "higgs"})
    assert packages.client.uris[1:] == ["http://tracker:5000"] * 2
    assert packages.client.experiments["higgs"] == ("e1", None)  # the server's own place; made once


def test_mlflow_sees_a_run_that_was_stopped_and_one_that_failed(packages, folder):
    whole_run(folder, {**RESULTS, "stopped": True}, mlflow={})
    assert packages.client.records["r0"].status == "KILLED"
    job = start(folder, mlflow={})
    job.run({"method": "mlp", "epoch": 1, "metrics": {"loss": 1.0}}, {})
    job.abandon()
    assert [record.status for record in list(packages.client.records.values())[3:]] == ["FAILED", "FAILED"]


def test_more_than_a_hundred_parameters_and_long_ones_are_within_mlflows_limits(packages, folder):
    config = {**CONFIG, "data": {f"k{k}": "x" * 7000 for k in range(250)}}
    (folder / "config.resolved.json").write_text(json.dumps(config))
    start(folder, mlflow={})
    params = packages.client.records["r0"].params
    assert len(params) == 252 and {len(value) for key, value in params.items() if key.startswith("data")} == {6000}


def test_tensorboard_gets_a_folder_for_each_method(packages, folder):
    whole_run(folder, tensorboard=True)
    ((output, events),) = packages.writer.files.items()
    assert output == str(folder / "tensorboard" / "mlp")
    assert ("loss", 0.5, 2) in events and ("test/auc", 0.75, 2) in events and events[-1] == "closed"


def test_each_fold_has_metrics_of_its_own(packages, folder):
    job = start(folder, tensorboard=True)
    for fold in (1, 2):
        job.run({"method": "mlp", "epoch": 1, "fold": fold, "metrics": {"loss": 1.0}}, {})
    (events,) = packages.writer.files.values()
    assert events == [("fold1/loss", 1.0, 1), ("fold2/loss", 1.0, 1)]


@pytest.mark.parametrize(
    ("package", "track", "pointer"),
    [("mlflow", {"mlflow": {}}, "/track/mlflow"), ("tensorboard.summary", {"tensorboard": True}, "/track/tensorboard")],
)
def test_a_package_that_is_not_there_is_an_error_before_the_training(package, track, pointer, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # what Python notes of a module that can't be imported
    monkeypatch.setitem(sys.modules, package.partition(".")[0], None)
    with pytest.raises(OptionError) as error:
        start(folder, **track)
    assert error.value.pointer == pointer
    name = package.partition(".")[0]
    assert error.value.problem.startswith(f"needs the Python package {name}, which the Python in {sys.prefix} can't import: ")


def test_a_place_that_mlflow_can_not_use_is_an_error_before_the_training(packages, folder, monkeypatch):
    monkeypatch.setattr(packages.client, "broken", "experiment")
    with pytest.raises(OptionError) as error:
        start(folder, mlflow={"uri": "http://nobody"})
    assert error.value.pointer == "/track/mlflow/uri"
    assert error.value.problem == "MLflow can't keep runs at 'http://nobody': no such server"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_server_that_goes_away_costs_a_warning_and_not_the_training(packages, folder, monkeypatch, caplog):
    job = start(folder, mlflow={}, tensorboard=True)
    monkeypatch.setattr(packages.client, "broken", "batch")
    with caplog.at_level(logging.WARNING, "ophion"):
        for epoch in (1, 2):
            job.run({"method": "mlp", "epoch": epoch, "metrics": {"loss": 1.0}}, {})
    assert [record.getMessage() for record in caplog.records] == [
        "MLflow is told no more of this run: ConnectionError: the server has gone"
    ]
    (events,) = packages.writer.files.values()
    assert events == [("loss", 1.0, 1), ("loss", 1.0, 2)]  # the other goes on


def test_nothing_asked_for_is_nothing_done(folder):
    job = start(folder, tensorboard=False)
    assert job.run({"method": "mlp", "epoch": 1, "metrics": {}}, {}) == {}
    assert job.finish() == {}
    assert sorted(path.name for path in folder.iterdir()) == ["config.resolved.json", "models"]
