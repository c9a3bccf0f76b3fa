"""The study behind a tuning: what is asked, told, stopped, kept and taken up again."""

import sqlite3

import pytest

from ophion.errors import DataError, OptionError
from ophion.tools import tune_tool

SPACE = {
    "params.depth": {"int": [1, 8], "log": False},
    "training.learning_rate": {"float": [1e-4, 1.0], "log": True},
    "params.kind": {"choice": ["a", "b", 3, True]},
}


@pytest.fixture
def arguments(tmp_path):
    return {"name": "m", "storage": str(tmp_path / "tuning" / "m.db"), "space": SPACE, "trials": 6, "task": "classification", "metric": None, "prune": True, "seed": 1}


def told(job, value, state="complete", error="", metric="auc"):
    metrics = {"validation": {metric: value}} if state == "complete" else {}
    return job.run({"do": "tell", "state": state, "metrics": metrics, "seconds": 0.5, "error": error}, {})


def test_settings_come_from_the_space_and_the_best_is_the_largest(arguments):
    job = tune_tool.start(arguments | {"trials": 25})
    values = {}
    while trial := job.run({"do": "ask"}, {}):
        params = trial["params"]
        assert params.keys() == SPACE.keys()
        assert 1 <= params["params.depth"] <= 8 and isinstance(params["params.depth"], int)
        assert 1e-4 <= params["training.learning_rate"] <= 1 and params["params.kind"] in ("a", "b", 3, True)
        values[trial["number"]] = params["params.depth"]
        told(job, params["params.depth"])
    found = job.finish()
    assert len(found["trials"]) == 25 and {one["state"] for one in found["trials"]} == {"complete"}
    assert values[found["best"]] == max(values.values()) == found["params"]["params.depth"]
    assert sum(found["importance"].values()) == pytest.approx(1) and max(found["importance"], key=found["importance"].get) == "params.depth"


def test_of_an_error_the_best_is_the_smallest(arguments):
    job = tune_tool.start(arguments | {"task": "regression"})
    values = [3.0, 1.0, 2.0]
    for value in values:
        job.run({"do": "ask"}, {})
        assert told(job, value, metric="rmse") == {"metric": "validation/rmse", "value": value}
    assert job.finish()["best"] == 1 and job.finish()["direction"] == "minimize"


@pytest.mark.parametrize("wanted", ["validation/area", "validation/efficiency", "validation", "train/auc"])
def test_a_metric_that_is_not_there_is_named(arguments, wanted):
    job = tune_tool.start(arguments | {"metric": wanted})
    job.run({"do": "ask"}, {})
    with pytest.raises(OptionError, match=f"/tune/metric: there is no number at '{wanted}'"):
        job.run({"do": "tell", "state": "complete", "metrics": {"validation": {"auc": 0.5, "efficiency": {}}}, "seconds": 1.0, "error": ""}, {})


def test_the_same_seed_asks_for_the_same_settings(arguments, tmp_path):
    asked = []
    for name in ("one", "two"):
        job = tune_tool.start(arguments | {"storage": str(tmp_path / name)})
        asked.append(job.run({"do": "ask"}, {})["params"])
    assert asked[0] == asked[1]


def test_a_trial_that_falls_behind_is_stopped(arguments):
    job = tune_tool.start(arguments | {"trials": 20})
    for _ in range(5):  # those before which nothing is stopped
        job.run({"do": "ask"}, {})
        assert not any(job.run({"do": "epoch", "epoch": epoch, "loss": 1.0}, {})["stop"] for epoch in (1, 2, 3))
        told(job, 0.9)
    job.run({"do": "ask"}, {})
    assert not job.run({"do": "epoch", "epoch": 1, "loss": float("nan")}, {})["stop"]
    assert job.run({"do": "epoch", "epoch": 2, "loss": 5.0}, {})["stop"]
    told(job, None, "pruned")
    job.run({"do": "ask"}, {})
    assert not job.run({"do": "epoch", "epoch": 2, "loss": 0.5}, {})["stop"]


def test_without_pruning_nothing_is_stopped(arguments):
    job = tune_tool.start(arguments | {"trials": 20, "prune": False})
    for loss in (1.0,) * 6 + (9.0,):
        job.run({"do": "ask"}, {})
        assert not job.run({"do": "epoch", "epoch": 2, "loss": loss}, {})["stop"]
        told(job, 0.9)


def test_an_interrupted_study_goes_on(arguments):
    job = tune_tool.start(arguments)
    for _ in range(2):
        job.run({"do": "ask"}, {})
        told(job, 0.5)
    lost = job.run({"do": "ask"}, {})["params"]
    job.abandon()
    again = tune_tool.start(arguments)
    assert again.run({"do": "ask"}, {})["params"] == lost  # once more
    told(again, 0.7)
    count = 0
    while again.run({"do": "ask"}, {}):
        told(again, 0.6)
        count += 1
    assert count == 3 and len(again.finish()["trials"]) == 6  # the lost one is no trial


def test_failures_are_kept_with_their_reason(arguments):
    job = tune_tool.start(arguments | {"trials": 1})
    job.run({"do": "ask"}, {})
    told(job, None, "failed", "ValueError: no")
    found = job.finish()
    assert found["best"] is None and found["trials"][0]["error"] == "ValueError: no" and found["trials"][0]["state"] == "failed"
    assert job.run({"do": "ask"}, {}) == {}


def test_a_file_that_is_no_study_is_named(arguments, tmp_path):
    file = tmp_path / "broken.db"
    file.write_bytes(b"no database" * 200)
    with pytest.raises(DataError, match="broken.db: the study cannot be used"):
        tune_tool.start(arguments | {"storage": str(file)})


def test_the_study_is_a_sqlite_file(arguments):
    job = tune_tool.start(arguments)
    job.run({"do": "ask"}, {})
    told(job, 0.5)
    with sqlite3.connect(arguments["storage"]) as database:
        assert database.execute("select count(*) from trials").fetchone() == (1,)
