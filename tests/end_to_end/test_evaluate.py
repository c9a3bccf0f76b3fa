"""ophion evaluate and report, and what a run says of its features."""

import json
import os
import pty
import shutil
import subprocess

import numpy as np
import pytest
from support import auc, by_label, config, two_gaussians, write_parquet, tree

DATA = {"spectators": ["event"], "split": {"validation": 0.2, "test": 0.3}}


@pytest.fixture(scope="module")
def events(module_place, events_file):
    """A file a class, as people have them."""
    columns = two_gaussians(1500, seed=9)
    for label, name in ((0, "background.parquet"), (1, "signal.parquet")):
        write_parquet(module_place / name, {key: values[columns["label"] == label] for key, values in columns.items()})
    return columns


@pytest.fixture(scope="module")
def run(module_place, events_file):
    """Two trees and a report."""
    methods = [tree("stump", max_depth=1), tree("deep", max_depth=3)]
    return module_place.train(config(by_label(events_file, weight="weight"), methods, **DATA) | {"report": {}})


@pytest.fixture(scope="module")
def evaluation(module_place, run, events):
    """Both models on other events, in a folder of its own: what was found, and what a terminal saw of it (None: there is none)."""
    command = [module_place.program.file, "evaluate", run.model("stump"), run.model("deep"), "signal=signal.parquet",
               "background=background.parquet", "--weight", "weight", "--output", "evaluated", "--json"]  # fmt: skip
    try:
        ours, terminal = pty.openpty()
    except OSError:
        ours, terminal = None, subprocess.DEVNULL
    with open(module_place / "found.json", "w") as found:
        process = subprocess.Popen(command, cwd=module_place.path, env=module_place.program.environment(), stdin=subprocess.DEVNULL,
                                   stdout=found, stderr=terminal)  # fmt: skip
    seen = None
    if ours is not None:
        os.close(terminal)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how a terminal ends that nobody writes to any more
                break
            if not part:
                break
            seen += part
        os.close(ours)
    assert process.wait(timeout=240) == 0, seen
    return json.loads((module_place / "found.json").read_text()), seen


@pytest.fixture(scope="module")
def evaluated(evaluation):
    return evaluation[0]


def test_a_run_weighs_its_features(run):
    for method in ("stump", "deep"):
        importance = run.metrics["methods"][method]["importance"]
        assert importance["part"] == "validation" and importance["metric"] == "auc"
        first, *others = importance["permutation"]
        assert first["feature"] == "x0" and first["value"] > 0.1 and 0 < first["error"] < 0.1
        assert all(abs(other["value"]) < 0.05 for other in others)
        assert importance["own"]["name"] == "mean decrease in impurity" and importance["own"]["values"][0]["feature"] == "x0"
    separation = run.metrics["data"]["separation"]
    assert [entry["feature"] for entry in separation][0] == "x0" and separation[0]["value"] > 5 * separation[1]["value"]
    assert "separation of the classes by each feature alone: x0 0." in run.log


def test_the_importance_of_a_feature_is_what_shuffling_it_costs(run):
    """A tree that asks for nothing but x0 is worth nothing once that is shuffled: what is lost is its AUC above one half."""
    found = run.metrics["methods"]["stump"]
    loss = found["importance"]["permutation"][0]["value"]
    assert loss == pytest.approx(found["metrics"]["validation"]["auc"] - 0.5, abs=0.05)
    assert [entry["value"] for entry in found["importance"]["permutation"][1:]] == [0, 0]


def test_a_run_ends_with_a_report(run):
    page = (run.folder / "report" / "index.html").read_text()
    assert "stump" in page and "deep" in page and "x0" in page
    assert (run.folder / "report" / "figures" / "roc.pdf").is_file()


def test_the_data_of_the_config_give_the_metrics_of_the_run(module_place, run):
    done = module_place.run("evaluate", run.model("deep"), "--data", "train.json", "--json")
    found = json.loads(done.stdout)["methods"]["deep"]["metrics"]
    assert found == run.metrics["methods"]["deep"]["metrics"]


def test_other_files_are_one_part(evaluated, module_place, run, events):
    assert list(evaluated["methods"]["deep"]["metrics"]) == ["test"]
    scores = np.concatenate([module_place.predict(run.model("deep"), f"{name}.parquet", output=f"{name}.scores.parquet")["score"]
                             for name in ("signal", "background")])
    order = np.concatenate([np.flatnonzero(events["label"] == 1), np.flatnonzero(events["label"] == 0)])
    expected = auc(scores, events["label"][order], events["weight"][order])
    assert evaluated["methods"]["deep"]["metrics"]["test"]["auc"] == pytest.approx(expected, abs=1e-12)
    assert evaluated["best"] == "deep"


def test_models_are_compared_on_the_same_events(evaluated):
    (pair,) = evaluated["comparison"]["pairs"]
    metrics = {name: entry["metrics"]["test"] for name, entry in evaluated["methods"].items()}
    assert pair["difference"] == pytest.approx(metrics[pair["a"]]["auc"] - metrics[pair["b"]]["auc"], abs=1e-12)
    # What both models share cancels: the difference is known better than either.
    assert 0 < pair["error"] < min(entry["auc_error"] for entry in metrics.values())
    assert pair["p_value"] < 0.05


def test_an_evaluation_leaves_a_folder_like_a_runs(evaluated, module_place):
    folder = module_place / "evaluated"
    assert sorted(entry.name for entry in folder.iterdir()) == ["metrics.json", "report", "scores.parquet"]
    assert json.loads((folder / "metrics.json").read_text()) == evaluated
    again = module_place.run("evaluate", "none.ophion", "signal=a", "--output", "evaluated", status=1)
    assert "none.ophion" in again.stderr


def test_long_steps_are_seen_on_a_terminal(evaluation):
    """Each a line that is written over, with a bar where their number is known."""
    seen = evaluation[1]
    if seen is None:
        pytest.skip("no terminal can be made here")
    lines = seen.decode().split("\r\x1b[K")
    for step in ("reading signal.parquet  0/", "deep: importance of the features  2/3 [=============       ]",
                 "comparing the models  100/", "drawing the report  3 figures"):  # fmt: skip
        assert any(line.startswith(step) for line in lines), (step, lines)


def test_a_report_is_drawn_again(run, module_place):
    shutil.rmtree(run.folder / "report" / "figures")
    done = module_place.run("report", run.folder)
    assert done.stdout.strip() == str(run.folder / "report" / "index.html")
    assert (run.folder / "report" / "figures" / "roc.png").stat().st_size > 1000


def test_a_folder_that_is_no_runs_has_no_report(module_place):
    assert "holds no metrics.json" in module_place.run("report", ".", status=1).stderr


def test_the_exit_status_tells_whether_a_model_is_good_enough(module_place, run, events):
    files = (run.model("deep"), "signal=signal.parquet", "background=background.parquet")
    done = module_place.run("evaluate", *files, "--fail-below", "test/auc=0.7", "--fail-below", "test/efficiency/0.1/value=0.2")
    assert "deep" in done.stdout
    done = module_place.run("evaluate", *files, "--fail-below", "test/auc=0.99", status=1)
    assert "is below test/auc=0.99" in done.stderr
    for wrong, why in (("test/auc", "expected PART/METRIC=NUMBER"), ("test/area=0.5", "has no number at test/area")):
        assert why in module_place.run("evaluate", *files, "--fail-below", wrong, status=2).stderr


@pytest.mark.parametrize(
    "given, status, says",
    [
        (["signal=signal.parquet", "noise=background.parquet"], 1, "class 'noise'; the models tell background, signal apart"),
        (["signal=signal.parquet"], 1, "no sample has the class 'background'"),
        (["signal=signal.parquet", "background=nothing.parquet"], 1, "nothing.parquet"),
        (["signal=signal.parquet", "background=background.parquet", "--weight", "wait"], 1, "'wait'"),
        ([], 2, "expected either --data CONFIG or files"),
        (["signal=signal.parquet", "--data", "train.json"], 2, "expected either --data CONFIG or files"),
    ],
)
def test_what_cannot_be_evaluated_is_said(module_place, run, events, given, status, says):
    assert says in module_place.run("evaluate", run.model("deep"), *given, status=status).stderr


def test_an_output_that_is_there_is_kept(module_place, run, events):
    (module_place / "taken").mkdir()
    (module_place / "taken" / "mine").write_text("mine")
    files = ("signal=signal.parquet", "background=background.parquet")
    done = module_place.run("evaluate", run.model("deep"), *files, "--output", "taken", status=1)
    assert "taken is there already, and not empty" in done.stderr
    assert [entry.name for entry in (module_place / "taken").iterdir()] == ["mine"]


def test_models_that_answer_different_questions_are_not_compared(module_place, run, events_file):
    regression = config([{"files": str(events_file)}], [tree("depth") | {"estimator": "sklearn.tree.DecisionTreeRegressor"}], task="regression",
                        features=("x1", "x2"), targets=["x0"])
    other = module_place.train(regression, name="regression.json")
    done = module_place.run("evaluate", run.model("deep"), other.model("depth"), "signal=signal.parquet", status=1)
    assert "'deep' and 'depth' can't be compared" in done.stderr
    found = json.loads(module_place.run("evaluate", other.model("depth"), str(events_file), "--json").stdout)
    assert found["methods"]["depth"]["metrics"]["test"]["rmse"] > 0 and found["data"]["separation"] is None
