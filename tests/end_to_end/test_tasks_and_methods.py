"""Every task, and methods of every kind."""

import numpy as np
import pytest
from support import USER_SCRIPTS, auc, config, network, part, two_gaussians, write_parquet


def sklearn(name, estimator, **params):
    return {"name": name, "type": "sklearn", "estimator": estimator, "params": params}


def centres(name="centres"):
    return {"name": name, "type": "script", "script": str(USER_SCRIPTS / "centres.py")}


# --- Regression -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regression(module_place):
    """Two targets that are sums of the features: least squares finds them exactly."""
    random = np.random.default_rng(2)
    x = random.standard_normal((1000, 3)).astype(np.float32)
    events = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "event": np.arange(1000)}
    events |= {"sum": x[:, 0] + 2 * x[:, 1], "raw": x[:, 2] - x[:, 0]}
    file = write_parquet(module_place / "events.parquet", events)
    methods = [centres("squares"), network(epochs=30), sklearn("linear", "sklearn.linear_model.LinearRegression")]
    targets = ["sum", {"name": "difference", "expr": "-raw + 1"}]
    samples = [{"files": str(file)}]
    document = config(samples, methods, task="regression", features=["a", "b", "c"], targets=targets, spectators=["event"])
    return module_place.train(document), events, file


def test_regression_gives_one_column_a_target(regression, place):
    run, events, file = regression
    assert {"target_sum", "target_difference", "mlp_pred_sum", "mlp_pred_difference"} <= run.scores.keys()
    at = run.scores["entry"].astype(np.int64)
    truth = {"sum": events["sum"][at], "difference": 1 - events["raw"][at]}
    for target, values in truth.items():
        assert run.scores[f"target_{target}"] == pytest.approx(values, abs=1e-6)
        for method in ("squares", "linear"):
            assert run.scores[f"{method}_pred_{target}"] == pytest.approx(values, abs=1e-4)
        assert np.corrcoef(run.scores[f"mlp_pred_{target}"], values)[0, 1] > 0.95
    scores = place.predict(run.model("mlp"), file, output="scores.root")
    assert list(scores) == ["event", "pred_sum", "pred_difference"]
    assert scores["pred_difference"][at] == pytest.approx(run.scores["mlp_pred_difference"], abs=1e-5)


def test_regression_is_ranked_by_its_error_on_validation(regression):
    run, _, _ = regression
    methods = run.metrics["methods"]
    assert methods["mlp"]["metrics"]["test"]["rmse"] > methods["linear"]["metrics"]["test"]["rmse"]
    assert run.metrics["best"] in ("squares", "linear")
    rows = part(run.scores, "test")
    squares = [(rows[f"mlp_pred_{name}"].astype(float) - rows[f"target_{name}"]) ** 2 for name in ("sum", "difference")]
    found = methods["mlp"]["metrics"]["test"]
    assert [found["per_target"][name]["rmse"] for name in ("sum", "difference")] == pytest.approx(
        [np.sqrt(one.mean()) for one in squares], rel=1e-6
    )


# --- Four classes ---------------------------------------------------------------------------------


def test_four_classes_give_one_probability_each_in_the_order_of_the_config(place):
    random = np.random.default_rng(3)
    label = random.integers(0, 4, 1600)
    corners = np.array([[0, 0], [3, 0], [0, 3], [3, 3]])
    x = (random.standard_normal((1600, 2)) + corners[label]).astype(np.float32)
    file = write_parquet(place / "events.parquet", {"x0": x[:, 0], "x1": x[:, 1], "label": label})
    names = ["zz", "higgs", "tt", "fakes"]
    samples = [{"class": name, "files": str(file), "selection": f"label == {k}"} for k, name in enumerate(names)]
    methods = [network(epochs=10), sklearn("forest", "sklearn.ensemble.RandomForestClassifier", n_estimators=20), centres()]
    run = place.train(config(samples, methods, features=["x0", "x1"]))
    assert run.metrics["classes"] == names
    rows = part(run.scores, "test")
    for method in ("mlp", "forest", "centres"):
        scores = np.column_stack([rows[f"{method}_score_{name}"] for name in names])
        assert scores.sum(axis=1) == pytest.approx(np.ones(len(scores)), abs=1e-5)
        # Two Gaussians in each of two directions, 3 apart: at most Φ(1.5)² = 0.871 are right.
        accuracy = (scores.argmax(axis=1) == rows["label"]).mean()
        assert 0.78 < accuracy < 0.93
        found = run.metrics["methods"][method]["metrics"]["test"]
        assert found["accuracy"] == pytest.approx(np.average(scores.argmax(axis=1) == rows["label"], weights=rows["weight"]))
        each = np.mean([auc(scores[:, k], rows["label"] == k) for k in range(4)])
        assert found["auc"] == pytest.approx(each, abs=1e-9)
    at = run.scores["entry"].astype(np.int64)
    scores = place.predict(run.model("mlp"), file, output="scores.csv")
    assert list(scores) == [f"score_{name}" for name in names]
    assert scores["score_tt"][at] == pytest.approx(run.scores["mlp_score_tt"], rel=1e-4, abs=1e-7)


# --- Weights in the fit ---------------------------------------------------------------------------


def test_every_method_learns_from_the_weights(place):
    """Without weights both classes are one and the same unit Gaussian. Weights of exp(±x0) move them to ±1, 2 apart: then an AUC
    of Φ(√2) = 0.921 can be reached."""
    pytest.importorskip("xgboost")
    events = two_gaussians(3000, seed=12, distance=0)
    sign = 2 * events["label"] - 1
    events["weight"] = np.exp(np.clip(sign * events["x0"], -3, 3))
    file = write_parquet(place / "events.parquet", events)
    samples = [{"class": name, "files": str(file), "selection": f"label == {k}", "weight": "weight"}
               for name, k in (("background", 0), ("signal", 1))]  # fmt: skip
    methods = [
        network(epochs=10),
        sklearn("logistic", "sklearn.linear_model.LogisticRegression"),
        sklearn("forest", "sklearn.ensemble.RandomForestClassifier", n_estimators=20, min_samples_leaf=50),
        sklearn("xgboost", "xgboost.XGBClassifier", n_estimators=20, max_depth=2),
        centres(),
        sklearn("neighbours", "sklearn.neighbors.KNeighborsClassifier"),
    ]
    run = place.train(config(samples, methods))
    methods = run.metrics["methods"]
    neighbours = methods.pop("neighbours")
    assert neighbours["status"] == "failed" and "sample_weight" in neighbours["error"], "weights that can't be used are no silence"
    rows = part(run.scores, "test")
    for name in methods:
        assert auc(rows[f"{name}_score"], rows["label"]) == pytest.approx(0.5, abs=0.05)
        weighted = auc(rows[f"{name}_score"], rows["label"], rows["weight"])
        assert weighted > 0.85, name
        assert methods[name]["metrics"]["test"]["auc"] == pytest.approx(weighted, abs=1e-9)
    # XGBoost's model is opaque, and gives the same scores in another process.
    scores = place.predict(run.model("xgboost"), file, output="scores.parquet")
    assert np.array_equal(scores["score"][run.scores["entry"].astype(np.int64)], run.scores["xgboost_score"])
    assert "carries code" in place.run("inspect", run.model("xgboost")).stdout
