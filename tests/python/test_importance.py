"""Permutation importance, and importances of the trainers' own."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ophion import contract
from ophion.methods import sklearn_method
from ophion.tools import importance_tool

SPEC = contract.Spec(task="classification", features=("a", "b"), classes=("background", "signal"), targets=())


def events(n=400):
    random = np.random.default_rng(3)
    x = random.standard_normal((n, 2)).astype(np.float32)
    return x, (x[:, 0] + 0.3 * random.standard_normal(n) > 0).astype(np.int32)


def job(task="classification", classes=("b", "s"), targets=()):
    return importance_tool.start({"task": task, "classes": list(classes), "targets": list(targets)})


def test_a_shuffle_that_turns_the_order_round_costs_the_whole_area():
    scores, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1])
    one = job()
    one.run({}, {"scores": scores, "labels": labels, "weights": np.ones(4)})
    one.run({"feature": "idle"}, {"scores:0": scores, "scores:1": scores})
    one.run({"feature": "all"}, {"scores:0": 1 - scores, "scores:1": np.full(4, 0.5)})
    found = one.finish()
    assert found["metric"] == "auc"
    first, second = found["permutation"]
    assert first == {"feature": "all", "value": pytest.approx(0.75), "error": pytest.approx(0.25)}  # losses 1 and 1/2
    assert second == {"feature": "idle", "value": 0, "error": 0}


def test_weights_count():
    labels, weights = np.array([0, 1, 1]), np.array([1.0, 3.0, 1.0])
    one = job()
    one.run({}, {"scores": np.array([0.5, 0.9, 0.9]), "labels": labels, "weights": weights})
    one.run({"feature": "a"}, {"scores:0": np.array([0.5, 0.1, 0.9])})  # the heavy one falls below
    assert one.finish()["permutation"] == [{"feature": "a", "value": pytest.approx(0.75), "error": None}]


def test_an_error_that_grows_is_a_loss():
    one = job("regression", (), ("y",))
    truth = np.array([[1.0], [2.0]])
    one.run({}, {"scores": truth, "targets": truth, "weights": np.ones(2)})
    one.run({"feature": "a"}, {"scores:0": truth + 2})
    assert one.finish()["permutation"][0]["value"] == pytest.approx(2)


def test_what_is_not_defined_stands_last():
    one = job()
    one.run({}, {"scores": np.array([0.1, 0.9]), "labels": np.array([1, 1]), "weights": np.ones(2)})
    one.run({"feature": "a"}, {"scores:0": np.array([0.9, 0.1])})
    assert one.finish()["permutation"] == [{"feature": "a", "value": None, "error": None}]


@pytest.mark.parametrize(
    "estimator, name", [(RandomForestClassifier(10, random_state=0), "mean decrease in impurity"), (LogisticRegression(), "mean size of the coefficients")]
)
def test_trainers_own_importance_names_the_features(estimator, name):
    x, y = events()
    found = contract.importance(sklearn_method, sklearn_method.TrainedEstimator(estimator.fit(x, y), SPEC))
    assert found["name"] == name
    assert [one["feature"] for one in found["values"]] == ["a", "b"] and found["values"][0]["value"] > 3 * found["values"][1]["value"]


@pytest.mark.parametrize("estimator", [HistGradientBoostingClassifier(max_iter=3), make_pipeline(StandardScaler(), LogisticRegression())])
def test_trainers_without_one_have_none(estimator):
    x, y = events()
    assert contract.importance(sklearn_method, sklearn_method.TrainedEstimator(estimator.fit(x, y), SPEC)) is None


def test_a_model_is_not_lost_for_an_importance_that_fails(caplog):
    class Module:
        @staticmethod
        def importance(model):
            raise RuntimeError("no tree")

    assert contract.importance(Module, None) is None
    assert "no importance of its own: RuntimeError: no tree" in caplog.text
