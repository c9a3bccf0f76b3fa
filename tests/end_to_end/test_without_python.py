"""Models score in programs that have no Python: an event loop, and a header of plain C++."""

import subprocess

import numpy as np
import pytest
from support import SCRIPTS, STANDARD, by_label, config, network, tree, two_gaussians, write_parquet


@pytest.fixture(scope="module")
def events():
    return two_gaussians(500, seed=3)


@pytest.fixture(scope="module")
def run(module_place, events):
    file = write_parquet(module_place / "events.parquet", events)
    return module_place.train(config(by_label(file), METHODS["error"]))


def event_loop(build_folder, model, text, status=0):
    """The example, in an environment in which no Python can be found."""
    done = subprocess.run(
        [build_folder / "bin" / "event_loop", model], input=text, env={"PATH": ""}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done


def csv(events, names):
    rows = np.column_stack([events[name] for name in names])
    return "\n".join([",".join(names), *(",".join(f"{number:.9g}" for number in row) for row in rows)]) + "\n"


@pytest.mark.parametrize("method", ["mlp", "tree"])
def test_an_event_loop_gives_the_scores_of_the_program(place, build_folder, run, events, method):
    written = event_loop(build_folder, run.model(method), csv(events, ["x2", "weight", "x0", "x1"])).stdout.splitlines()
    assert written[0] == "score"
    file = write_parquet(place / "events.parquet", events)
    expected = place.predict(run.model(method), file, output="scores.parquet")["score"]
    assert np.allclose(np.array(written[1:], np.float32), expected, rtol=1e-6)


def test_an_event_loop_names_what_is_wrong(place, build_folder, run, events):
    model = run.model("tree")
    assert "x1" in event_loop(build_folder, model, csv(events, ["x0", "x2"]), status=1).stderr
    assert "event 2: 'far' is no number" in event_loop(build_folder, model, "x0,x1,x2\n1,2,3\n1,far,3\n", status=1).stderr
    assert "event 1 has 2 numbers, expected 3" in event_loop(build_folder, model, "x0,x1,x2\n1,2\n", status=1).stderr
    missing = event_loop(build_folder, model, "x0,x1,x2\n1,nan,3\n", status=1).stderr
    assert "feature 'x1': not a number" in missing


PROGRAM = """
#include "model.h"

#include <cstdio>

int main() {
  float event[NAME::features], scores[NAME::outputs];
  for (;;) {
    for (float& number : event) {
      if (std::scanf("%f", &number) != 1) return 0;
    }
    NAME::score(event, scores);
    for (const float score : scores) std::printf("%.9g ", static_cast<double>(score));
    std::printf("\\n");
  }
}
"""


def scores_of_header(place, header, name, rows):
    """Compiles the header, as strictly as one likes, and runs it."""
    source = place.write("score.cpp", PROGRAM.replace("NAME", f"model_{name}").replace("model.h", str(header)))
    strict = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wno-sign-conversion", "-Wshadow", "-Werror", "-O1"]
    subprocess.run(["g++", *strict, source, "-o", place / "score"], check=True, timeout=240)
    text = "\n".join(" ".join(f"{number:.9g}" for number in row) for row in rows)
    done = subprocess.run([place / "score"], input=text, capture_output=True, text=True, check=True, timeout=60)
    return np.array(done.stdout.split(), np.float32).reshape(len(rows), -1)


def sklearn(name, of, **params):
    return {"name": name, "type": "sklearn", "estimator": of, "params": params}


BOOSTING = sklearn("boosting", "sklearn.ensemble.HistGradientBoostingClassifier", max_iter=10)
METHODS = {
    "error": [network(epochs=2) | STANDARD, tree()],  # trained once: `run`
    "drop": [network("default", script=SCRIPTS / "every_activation.py", epochs=1) | {"transform": ["minmax"], "params": {}}],
    "impute": [tree("quantile") | {"transform": ["quantile"]}, sklearn("logistic", "sklearn.linear_model.LogisticRegression")],
    "keep": [BOOSTING],
}


@pytest.mark.parametrize("missing", METHODS)
def test_a_header_of_plain_cpp_gives_the_scores_of_the_model(place, events, run, missing):
    if missing != "error":
        run = place.train(config(by_label(write_parquet(place / "events.parquet", events)), METHODS[missing], missing=missing))
    rows = np.column_stack([events[f"x{i}"] for i in range(3)]).astype(np.float32)
    if missing != "error":
        rows[::5, 1] = np.nan
        rows[1::50, 2] = np.inf if missing != "keep" else np.nan
    for method in METHODS[missing]:
        name = method["name"]
        header = place / f"{name}.h"
        place.run("export", run.model(name), "--cpp", header)
        expected = place.program.score(run.model(name), rows, place.path, "native")
        found = scores_of_header(place, header, name, rows)
        assert np.allclose(found.ravel(), expected, rtol=1e-5, atol=1e-6, equal_nan=True), name
        assert np.isnan(found[::5]).all() == (missing == "drop") and np.isfinite(found[2]).all()
    if missing == "error":
        rows[0, 0] = np.nan
        assert np.isnan(scores_of_header(place, header, name, rows)[0, 0]), "a header can't throw"


def test_a_header_of_three_classes_names_features_and_scores(place, events):
    kinds = events | {"kind": (events["x0"] > 1.2).astype(np.int64) + (events["x1"] > 0.3)}
    file = write_parquet(place / "events.parquet", kinds)
    samples = [{"class": f"kind{k}", "files": str(file), "selection": f"kind == {k}"} for k in range(3)]
    features = ["x0", {"name": "sum", "expr": "x1 + x2"}]
    forest = sklearn("3_trees", "sklearn.ensemble.RandomForestClassifier", n_estimators=3)
    run = place.train(config(samples, [forest], features=features))
    place.run("export", run.model("3_trees"), "--cpp", "trees.h")
    text = (place / "trees.h").read_text()
    assert "///   event[0]  x0\n///   event[1]  sum  (computed from x1 x2)\n" in text
    assert "It gives score_kind0 score_kind1 score_kind2" in text
    rows = np.column_stack([events["x0"], events["x1"]]).astype(np.float32)
    expected = place.program.score(run.model("3_trees"), rows, place.path, "native").reshape(-1, 3)
    assert np.allclose(scores_of_header(place, place / "trees.h", "3_trees", rows), expected, atol=1e-6)


def test_a_header_of_a_weighted_median(place, events):
    answers = events | {"y": (events["x0"] ** 2 - events["x1"]).astype(np.float64)}
    samples = [{"files": str(write_parquet(place / "events.parquet", answers))}]
    run = place.train(config(samples, [sklearn("ada", "sklearn.ensemble.AdaBoostRegressor", n_estimators=20)], task="regression", targets=["y"]))
    place.run("export", run.model("ada"), "--cpp", "ada.h")
    rows = np.column_stack([events[f"x{i}"] for i in range(3)]).astype(np.float32)
    expected = place.program.score(run.model("ada"), rows, place.path, "native")
    assert np.array_equal(place.program.score(run.model("ada"), rows, place.path, "python"), expected)
    assert np.array_equal(scores_of_header(place, place / "ada.h", "ada", rows).ravel(), expected)
    assert len(set(expected)) > 20
    rows[0, 1] = np.nan
    assert np.isnan(scores_of_header(place, place / "ada.h", "ada", rows)[0, 0]), "its trees take no missing values"


def test_an_export_that_can_not_be_leaves_nothing(place, events):
    file = write_parquet(place / "events.parquet", events)
    methods = [sklearn("bayes", "sklearn.naive_bayes.GaussianNB"), tree("normal") | {"transform": [{"type": "quantile", "output": "normal"}]}]
    run = place.train(config(by_label(file), methods))
    refused = place.run("export", run.model("bayes"), "--cpp", "model.h", status=1).stderr
    assert "bayes.ophion: has no native form, of which C++ source could be made: GaussianNB has no native form" in refused
    refused = place.run("export", run.model("normal"), "--cpp", "model.h", status=1).stderr
    assert "a quantile transform to a normal distribution can't be written as a C++ header" in refused
    assert not (place / "model.h").exists()
    (place / "there.h").write_text("mine")
    assert "there.h is there already" in place.run("export", run.model("bayes"), "--cpp", "there.h", status=1).stderr
    assert (place / "there.h").read_text() == "mine"
