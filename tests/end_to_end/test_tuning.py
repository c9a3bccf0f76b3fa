"""Tuning from the config: trials, the best settings in the model, what the run says of them, what is refused."""

import json
import signal
import sqlite3
import time

import pytest
from support import SCRIPTS, by_label, config, network, tree

SPLIT = {"split": {"validation": 0.3, "test": 0.2}}
DEPTHS = {"trials": 4, "space": {"params.max_depth": {"int": [1, 6]}, "params.criterion": {"choice": ["gini", "entropy"]}}}


def patient(trials, **space):
    """A method of NumPy alone, whose settings are tried."""
    return {"name": "patient", "type": "script", "script": str(SCRIPTS / "patient.py"),
            "tune": {"trials": trials, "space": {f"params.{name}": values for name, values in space.items()}}}  # fmt: skip


@pytest.fixture(scope="module")
def run(module_place, events_file):
    """A tree and a network, both tuned."""
    methods = [
        tree() | {"tune": DEPTHS},
        network(epochs=2) | {"tune": {"trials": 2, "space": {"training.learning_rate": {"float": [1e-4, 0.1], "log": True}}, "metric": "validation/log_loss"}},
    ]
    return module_place.train(config(by_label(events_file, weight="weight"), methods, **SPLIT))


def test_every_trial_is_told(run):
    tuning = run.metrics["methods"]["tree"]["tuning"]
    assert tuning["metric"] == "validation/auc" and tuning["direction"] == "maximize"
    assert [trial["number"] for trial in tuning["trials"]] == [0, 1, 2, 3]
    for trial in tuning["trials"]:
        assert trial["state"] == "complete" and 1 <= trial["params"]["params.max_depth"] <= 6 and 0.5 < trial["value"] < 1
    assert tuning["trials"][tuning["best"]]["value"] == max(trial["value"] for trial in tuning["trials"])
    assert "tree, trial 4 of 4: validation/auc 0." in run.log
    losses = run.metrics["methods"]["mlp"]["tuning"]
    assert losses["direction"] == "minimize"
    assert losses["trials"][losses["best"]]["value"] == min(trial["value"] for trial in losses["trials"])


def test_the_model_is_that_of_the_best_settings(run, module_place):
    """It scores validation events as the best trial did, and says which settings it has."""
    tuning = run.metrics["methods"]["tree"]["tuning"]
    assert run.metrics["methods"]["tree"]["metrics"]["validation"]["auc"] == tuning["trials"][tuning["best"]]["value"]
    manifest = json.loads(module_place.run("inspect", run.model("tree"), "--json").stdout)
    assert {f"params.{key}": manifest["method"]["options"]["params"][key] for key in ("max_depth", "criterion")} == tuning["params"]


def test_the_study_lies_in_the_run_folder(run):
    with sqlite3.connect(run.folder / "tuning" / "tree.db") as study:
        assert study.execute("select count(*) from trials").fetchone() == (4,)


def test_history_is_that_of_the_last_training(run):
    assert [line["epoch"] for line in run.history("mlp")] == [1, 2]


@pytest.mark.parametrize(
    "space, says",
    [
        ({"params.powr": {"int": [1, 3]}}, "did you mean 'power'"),
        ({"scrip": {"choice": ["a"]}}, "/methods/0/tune/space/scrip: with \"a\": unknown key 'scrip'; did you mean 'script'"),
        ({"params.power": {"int": [5, 1]}}, "/methods/0/tune/space/params.power: expected the least first, found [5,1]"),
        ({"params.pause": {"float": [0, 1], "log": True}}, "expected more than 0 where factors count"),
        ({}, "/methods/0/tune/space: expected one setting or more, found none"),
    ],
)
def test_spaces_that_cannot_be_are_refused_before_anything_is_read(place, space, says):
    wrong = config(by_label("nothing.parquet"), [patient(2) | {"tune": {"trials": 2, "space": space}}], **SPLIT)
    assert says in place.refused(wrong, status=2)


def test_a_tuning_needs_validation_events(place):
    wrong = config(by_label("nothing.parquet"), [tree() | {"tune": DEPTHS}], split={"validation": 0})
    assert "/methods/0/tune: needs a validation part" in place.refused(wrong, status=2)
    wrong["data"]["split"] = {"folds": 3}
    assert "/methods/0/tune: is not done in a cross-validation" in place.refused(wrong, status=2)


def test_trials_that_fail_are_recorded_and_the_rest_goes_on(place, events_file):
    """They fail only when the model scores."""
    run = place.train(config(by_label(events_file), [patient(5, fail={"choice": [False, True]})], **SPLIT))
    states = {trial["params"]["params.fail"]: trial["state"] for trial in run.metrics["methods"]["patient"]["tuning"]["trials"]}
    assert states == {False: "complete", True: "failed"}
    place.write("train.json", config(by_label(events_file), [patient(2, fail={"choice": [True]})], **SPLIT))
    said = place.run("train", "train.json", status=1).stderr
    assert "\nophion: patient.py: predict(): ValueError: it was to fail" in said
    assert 'trial 2 of 2: {"params.fail":true}' in said


def test_an_unknown_metric_is_named(place, events_file):
    wrong = patient(2, power={"int": [1, 2]})
    wrong["tune"]["metric"] = "validation/area"
    assert "there is no number at 'validation/area'" in place.refused(config(by_label(events_file), [wrong], **SPLIT), status=2)


def test_an_interrupted_tuning_goes_on(place, events_file):
    place.write("train.json", config(by_label(events_file), [patient(3, pause={"float": [0.5, 1]})], **SPLIT))
    process = place.program.start("train", "train.json", cwd=place.path)
    study = None
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        study = next(place.path.glob("runs/toy/2*/tuning/patient.db"), None)
        if study is not None and "trial 2 of 3" in next(place.path.glob("runs/toy/2*/run.log")).read_text():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    folder = study.parents[1]
    run = json.loads(place.run("train", "train.json", "--resume", folder, "--json").stdout)
    trials = run["methods"]["patient"]["tuning"]["trials"]
    assert len(trials) == 3 and all(trial["state"] == "complete" for trial in trials)
