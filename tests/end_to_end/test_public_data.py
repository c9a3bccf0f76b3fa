"""config/data_samples on the data they are written for, where OPHION_DATA names the folder that holds it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import Run, auc, part

ROOT = Path(__file__).resolve().parents[2]
DATA = os.environ.get("OPHION_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="OPHION_DATA does not name the folder of atlas_higgs/ and tmva_examples/")
MARGIN = 0.01


def trained(place, name):
    """The config where its paths hold: beside a folder `data`, two levels below examples/."""
    folder = place / "config" / "data_samples"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "config" / "data_samples" / f"{name}.json", folder)
    (folder / "data").symlink_to(Path(DATA).resolve())
    (place / "examples").symlink_to(ROOT / "examples")
    done = place.run("train", folder / f"{name}.json", "--json", "--set", "threads=1", "--output", "runs", timeout=900)
    return Run(Path(json.loads(done.stdout)["folder"]))


def scored_again(place, run, method, file, column, **selected):
    """A model scores its own file in another process, as it did in the run; the events of one sample, by entry."""
    scores = place.predict(run.model(method), Path(DATA) / file, output="again.parquet", **selected)
    return scores[column]


def report(capsys, run, metric="auc"):
    with capsys.disabled():
        for name, method in run.metrics["methods"].items():
            print(f"\n{run.metrics['name']} {name}: test {metric} {method['metrics']['test'][metric]:.4f}", end="")


def test_atlas_higgs(place, capsys):
    """Noted with the data: plain Python on one thread, class-balanced weights, unweighted AUC where EventId % 4 == 3."""
    run = trained(place, "atlas_higgs")
    report(capsys, run)
    noted = {"forest": 0.885, "hist_boosting": 0.892, "boosting": 0.884, "mlp": 0.875}
    rows = part(run.scores, "test")
    assert set(rows["EventId"] % 4) == {3}
    for method, expected in noted.items():
        assert auc(rows[f"{method}_score"], rows["label"]) > expected - MARGIN, method
    scores = scored_again(place, run, "hist_boosting", "atlas_higgs/atlas_higgs_22k.parquet", "score")
    assert np.array_equal(scores[rows["entry"].astype(np.int64)], rows["hist_boosting_score"])


def test_tmva_two_classes(place, capsys):
    """ROOT's own: BDT 0.92, MLP 0.93, Fisher 0.89, on another test part, whose statistical error is 0.004 to 0.005."""
    run = trained(place, "tmva_two_classes")
    report(capsys, run)
    noted = {"boosting": 0.92, "mlp": 0.93, "fisher": 0.89}
    for method, expected in noted.items():
        test = run.metrics["methods"][method]["metrics"]["test"]
        assert test["auc_error"] < 0.006
        assert test["auc"] > expected - MARGIN, method
    place.run("predict", run.model("mlp"), Path(DATA) / "tmva_examples/tmva_class_example.root", "--tree", "TreeS",
              "--output", "again.root")  # fmt: skip


def test_tmva_four_classes(place, capsys):
    """One class a probability. (No ROC integrals are noted for it; two methods of different kinds agree.)"""
    run = trained(place, "tmva_four_classes")
    report(capsys, run)
    aucs = [method["metrics"]["test"]["auc"] for method in run.metrics["methods"].values()]
    assert min(aucs) > 0.94 and max(aucs) - min(aucs) < 0.02
    assert run.metrics["classes"] == ["signal", "bg0", "bg1", "bg2"]


def test_tmva_regression(place, capsys):
    run = trained(place, "tmva_regression")
    report(capsys, run, "rmse")
    for name, method in run.metrics["methods"].items():
        assert method["metrics"]["test"]["r2"] > 0.998, name
    rows = part(run.scores, "test")
    scores = scored_again(place, run, "boosting", "tmva_examples/tmva_reg_example.root", "pred_fvalue")
    assert np.array_equal(scores[rows["entry"].astype(np.int64)], rows["boosting_pred_fvalue"])
