"""Models score without Python, as they do with it."""

import json

import numpy as np
import pytest
from support import STANDARD, by_label, config, network, two_gaussians, write_parquet

TREE = {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 2}}


def sklearn(name, of, **params):
    return {"name": name, "type": "sklearn", "estimator": of, "params": params}


def behind_scalers(name, of, **params):
    steps = [{"estimator": "sklearn.preprocessing.StandardScaler"}, {"estimator": of, "params": params}]
    return {"name": name, "type": "sklearn", "estimator": steps}


def classifiers():
    return [
        network() | STANDARD,
        sklearn("transformed", "sklearn.tree.DecisionTreeClassifier", max_depth=5) | {"transform": ["quantile"]},
        behind_scalers("scaled_forest", "sklearn.ensemble.RandomForestClassifier", n_estimators=10),
        behind_scalers("scaled_line", "sklearn.linear_model.LogisticRegression"),
        sklearn("tree", "sklearn.tree.DecisionTreeClassifier", max_depth=5),
        sklearn("forest", "sklearn.ensemble.RandomForestClassifier", n_estimators=10),
        sklearn("extra", "sklearn.ensemble.ExtraTreesClassifier", n_estimators=10),
        sklearn("gradient", "sklearn.ensemble.GradientBoostingClassifier", n_estimators=10),
        sklearn("histogram", "sklearn.ensemble.HistGradientBoostingClassifier", max_iter=10),
        sklearn("ada", "sklearn.ensemble.AdaBoostClassifier", n_estimators=10, estimator=TREE),
        sklearn("xgb", "xgboost.XGBClassifier", n_estimators=10, max_depth=4),
        sklearn("lgbm", "lightgbm.LGBMClassifier", n_estimators=10, verbose=-1),
        sklearn("logistic", "sklearn.linear_model.LogisticRegression"),
        sklearn("mlp_sklearn", "sklearn.neural_network.MLPClassifier", hidden_layer_sizes=[8], max_iter=20),
    ]


def regressors():
    return [
        network() | STANDARD,
        sklearn("tree", "sklearn.tree.DecisionTreeRegressor", max_depth=5),
        sklearn("forest", "sklearn.ensemble.RandomForestRegressor", n_estimators=10),
        sklearn("gradient", "sklearn.ensemble.GradientBoostingRegressor", n_estimators=10),
        sklearn("ada", "sklearn.ensemble.AdaBoostRegressor", n_estimators=10),
        sklearn("bag", "sklearn.ensemble.BaggingRegressor", n_estimators=5, max_features=2),
        sklearn("histogram", "sklearn.ensemble.HistGradientBoostingRegressor", max_iter=10),
        sklearn("xgb", "xgboost.XGBRegressor", n_estimators=10, max_depth=4),
        sklearn("lgbm", "lightgbm.LGBMRegressor", n_estimators=10, verbose=-1),
        sklearn("ridge", "sklearn.linear_model.Ridge"),
    ]


def columns(n=1200):
    events = two_gaussians(n, seed=8)
    events["kind"] = (events["x0"] > 1.2).astype(np.int64) + (events["x1"] > 0.3)  # three classes
    events["y"] = (events["x0"] ** 2 - events["x1"]).astype(np.float64)
    return events


def task(name, file):
    if name == "two classes":
        return config(by_label(file), classifiers())
    if name == "three classes":
        samples = [{"class": f"kind{k}", "files": str(file), "selection": f"kind == {k}"} for k in range(3)]
        return config(samples, classifiers())
    return config([{"files": str(file)}], regressors(), task="regression", targets=["y"])


@pytest.mark.parametrize("name", ["two classes", *(pytest.param(name, marks=pytest.mark.slow) for name in ("three classes", "regression"))])
def test_every_method_scores_without_python_as_with_it(place, name):
    events = columns()
    rows = np.stack([events[f"x{i}"] for i in range(3)], axis=1)
    run = place.train(task(name, write_parquet(place / "events.parquet", events)))
    for method in run.metrics["methods"]:
        manifest = json.loads(place.run("inspect", run.model(method), "--json").stdout)
        payloads = {payload["backend"]: payload for payload in manifest["payloads"]}
        assert set(payloads) == {"python", "native"}, payloads["python"].get("not_native")
        assert not payloads["native"]["carries_code"]
        with_python = place.program.score(run.model(method), rows, place.path)
        without = place.program.score(run.model(method), rows, place.path, "native")  # it insists that there is no Python
        assert len(without) == len(with_python) == len(rows) * len(manifest["outputs"])
        assert np.allclose(without, with_python, rtol=1e-5, atol=1e-6), f"{method}: {abs(without - with_python).max()}"
        assert np.ptp(without) > 0.05, method


def test_predict_takes_the_backend_asked_for_and_says_what_there_is(place, events_file):
    methods = [sklearn("bayes", "sklearn.naive_bayes.GaussianNB"), sklearn("tree", "sklearn.tree.DecisionTreeClassifier", max_depth=5)]
    run = place.train(config(by_label(events_file), methods))
    assert "bayes: has no native form: GaussianNB has no native form" in run.log
    assert "GaussianNB has no native form" in place.run("inspect", run.model("bayes")).stdout
    refused = place.run("predict", run.model("bayes"), events_file, "--output", "o.parquet", "--backend", "native", status=1)
    assert "has no backend 'native'; it has python" in refused.stderr
    native = place.predict(run.model("tree"), events_file, "--backend", "native", output="native.parquet")
    own = place.predict(run.model("tree"), events_file, output="own.parquet")
    assert np.allclose(native["score"], own["score"], rtol=1e-5, atol=1e-6)


def test_missing_values_take_the_turns_of_the_training(place):
    events = columns()
    events["x1"][::5] = np.nan
    methods = [
        sklearn("histogram", "sklearn.ensemble.HistGradientBoostingClassifier", max_iter=10),
        sklearn("forest", "sklearn.ensemble.RandomForestClassifier", n_estimators=10),
        sklearn("xgb", "xgboost.XGBClassifier", n_estimators=10),
        sklearn("lgbm", "lightgbm.LGBMClassifier", n_estimators=10, verbose=-1),
    ]
    run = place.train(config(by_label(write_parquet(place / "events.parquet", events)), methods, missing="keep"))
    rows = np.stack([events[f"x{i}"] for i in range(3)], axis=1)
    rows[::7, 0] = np.nan
    for method in run.metrics["methods"]:
        native = place.program.score(run.model(method), rows, place.path, "native")
        assert np.allclose(native, place.program.score(run.model(method), rows, place.path), rtol=1e-5, atol=1e-6), method


def test_categories_go_their_ways_without_python(place):
    events = columns()
    random = np.random.default_rng(9)
    events["kind"] = random.choice([0, 1, 5, 33, 40, 70], len(events["x0"])).astype(np.float32)
    events["label"] = ((events["x0"] > 0.7) ^ np.isin(events["kind"], [1, 33])).astype(np.int64)
    methods = [
        sklearn("histogram", "sklearn.ensemble.HistGradientBoostingClassifier", max_iter=10, categorical_features=[2]),
        sklearn(
            "xgb", "xgboost.XGBClassifier", n_estimators=10, enable_categorical=True, feature_types=["q", "q", "c"], max_cat_to_onehot=1
        ),
        sklearn("lgbm", "lightgbm.LGBMClassifier", n_estimators=10, verbose=-1, categorical_feature=[2], max_cat_to_onehot=1),
    ]
    names = ("x0", "x1", "kind")
    document = config(by_label(write_parquet(place / "events.parquet", events)), methods, features=names, missing="keep")
    run = place.train(document)
    rows = np.stack([events[name] for name in names], axis=1)
    rows[::3, 2] = random.integers(-2, 120, len(rows[::3]))
    rows[::7, 2] = np.nan
    for method in run.metrics["methods"]:
        native = place.program.score(run.model(method), rows, place.path, "native")
        with_python = place.program.score(run.model(method), rows, place.path, "python")
        assert np.allclose(native, with_python, rtol=1e-5, atol=1e-6), method
        assert np.ptp(native) > 0.2, method
