"""The example's plug-in of features, from the config to scores by every way there is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from support import assert_plain, columns_of, part

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "features"


@pytest.fixture(scope="module")
def plugins(build_folder):
    return {"OPHION_PLUGIN_PATH": build_folder / "examples" / "plugins"}


@pytest.fixture(scope="module")
def trained(module_place, plugins):
    """The example as its README runs it."""
    for file in EXAMPLE.iterdir():
        shutil.copy(file, module_place.path)
    subprocess.run([sys.executable, "make_events.py"], cwd=module_place.path, check=True, timeout=60)
    done = module_place.run("train", "train.json", "--json", "--set", "output=runs", env=plugins)
    folder = Path(json.loads(done.stdout)["folder"])
    return SimpleNamespace(place=module_place, folder=folder, model=folder / "models" / "trees.ophion")


def numbers_of(folder):
    table = pyarrow.csv.read_csv(folder / "events.csv")
    return {name: table[name].to_numpy().astype(np.float64) for name in table.column_names}


def features_of(events):
    """The features of the config by NumPy: R² = Δη² + Δφ², m² = 2 pt1 pt2 (cosh Δη - cos Δφ)."""
    phi = np.abs(events["phi1"] - events["phi2"])
    phi = np.minimum(phi, 2 * np.pi - phi)
    eta = events["eta1"] - events["eta2"]
    mass = np.sqrt(2 * events["pt1"] * events["pt2"] * (np.cosh(eta) - np.cos(phi)))
    centrality = np.exp(-phi - np.abs(events["eta1"] + events["eta2"]))
    return {"pt1": events["pt1"], "pt2": events["pt2"], "delta_r": np.hypot(eta, phi), "mass": mass, "centrality": centrality}


def manifest_of(trained):
    return json.loads(trained.place.run("inspect", trained.model, "--json").stdout)


def test_a_run_computes_them_as_numpy_does(trained, plugins):
    features = features_of(numbers_of(trained.place.path))
    kept = features["delta_r"] > 0.4  # the selection calls the plug-in too
    scores = columns_of(trained.folder / "scores.parquet")
    assert len(scores["trees_score"]) == np.count_nonzero(kept)
    pq.write_table(pa.table({name: numbers[kept].astype(np.float32) for name, numbers in features.items()}), trained.place / "features.parquet")
    # The file has features under their own names and no raw column but pt: nothing is computed by the plug-in.
    by_numpy = trained.place.predict(trained.model, "features.parquet", output="by_numpy.parquet", env=plugins)
    again = trained.place.predict(trained.model, "events.csv", output="again.parquet", env=plugins)
    assert np.mean(again["score"][kept] == by_numpy["score"]) > 0.999  # a rounding of float32 may fall on a tree's threshold
    test = part(scores, "test")
    assert np.isin(test["trees_score"], again["score"]).all()


def test_a_run_learns_from_them(trained):
    trees = json.loads((trained.folder / "metrics.json").read_text())["methods"]["trees"]
    assert trees["importance"]["permutation"][0]["feature"] == "mass"
    assert trees["metrics"]["test"]["auc"] > 0.9


def test_the_model_file_names_them_with_their_version(trained):
    assert [plugin["name"] for plugin in manifest_of(trained)["plugins"]] == ["kinematics"]
    assert manifest_of(trained)["plugins"][0]["version"] == "1.0"
    assert manifest_of(trained)["inputs"] == ["pt1", "pt2", "eta1", "phi1", "eta2", "phi2"]
    assert manifest_of(trained)["provenance"]["plugins"] == {"kinematics": "1.0"}
    shown = trained.place.run("inspect", trained.model).stdout
    assert "kinematics 1.0: delta_phi (phi1, phi2); delta_r (eta1, phi1, eta2, phi2); mass (pt1" in shown


def test_a_program_in_cpp_gives_the_scores_of_predict(trained, plugins, build_folder):
    with open(trained.place / "events.csv") as events:
        done = subprocess.run([build_folder / "bin" / "event_loop", trained.model], stdin=events, capture_output=True, text=True, timeout=60,
                              env=trained.place.program.environment(**plugins), check=True)
    by_program = np.array(done.stdout.split()[1:], dtype=np.float32)
    by_predict = trained.place.predict(trained.model, "events.csv", output="predicted.parquet", env=plugins)["score"]
    np.testing.assert_allclose(by_program, by_predict, rtol=1e-5)  # as many digits as it prints


def test_a_missing_plugin_is_named(trained, build_folder):
    done = trained.place.run("predict", trained.model, "events.csv", "--output", "x.parquet", status=1)
    assert_plain(done)
    assert "trees.ophion needs the plug-in of features 'kinematics', version 1.0: no plug-in of features 'kinematics'" in done.stderr
    done = trained.place.run("validate", "train.json", status=2)
    assert "train.json /plugins: no plug-in of features 'kinematics'" in done.stderr
    assert f"looked in {build_folder}/lib/ophion/plugins" in done.stderr


def test_a_plugin_that_the_config_does_not_name_is_advised(trained, plugins):
    done = trained.place.run("validate", "train.json", "--set", "plugins=[]", status=2, env=plugins)
    assert "/data/features/4/expr: " in done.stderr
    assert "there is no function 'delta_phi' (the plug-in 'kinematics' has one: name it in \"plugins\")" in done.stderr


def test_methods_lists_them(trained, plugins):
    shown = trained.place.run("methods", env=plugins).stdout
    assert "features  kinematics" in shown
    assert "1.0: delta_phi (phi1, phi2); delta_r (eta1, phi1, eta2, phi2); mass (pt1, eta1, phi1, pt2, eta2, phi2)" in shown
    listed = json.loads(trained.place.run("methods", "--json", env=plugins).stdout)
    (ours,) = [plugin for plugin in listed if plugin["kind"] == "features"]
    assert ours["own_version"] == "1.0"
    assert ours["functions"]["delta_r"] == ["eta1", "phi1", "eta2", "phi2"]


def test_other_events_are_evaluated_by_them(trained, plugins):
    done = trained.place.run("evaluate", trained.model, "signal=events.csv", "background=events.csv", "--selection", "delta_phi > 1", "--json", env=plugins)
    assert json.loads(done.stdout)["methods"]["trees"]["metrics"]["test"]["events"] > 0


def test_the_cpp_header_needs_none_of_them_and_says_so(trained):
    trained.place.run("export", trained.model, "--cpp", "trees.h")
    header = (trained.place / "trees.h").read_text()
    assert "delta_r  (computed from eta1 phi1 eta2 phi2, by delta_r)" in header
    assert "Of the plug-in of features kinematics 1.0 are delta_phi delta_r mass; they are not part of this header." in header


@pytest.mark.slow
def test_isolated_methods_and_readers_are_given_them(trained, plugins):
    done = trained.place.run("train", "train.json", "--json", "--set", "output=isolated", "--set", "isolation=process", env=plugins)
    isolated = columns_of(Path(json.loads(done.stdout)["folder"]) / "scores.parquet")
    np.testing.assert_array_equal(isolated["trees_score"], columns_of(trained.folder / "scores.parquet")["trees_score"])
