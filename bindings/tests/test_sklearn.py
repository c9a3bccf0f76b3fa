"""The estimators keep scikit-learn's contract, by scikit-learn's own checks, and train what their method would train alone."""

import os
import pickle

import numpy as np
import ophion
import pandas as pd
import pytest
from ophion.sklearn import OphionClassifier, OphionRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

TREE = {"type": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier"}
LOGISTIC = {"type": "sklearn", "estimator": "sklearn.linear_model.LogisticRegression"}
LINE = {"type": "sklearn", "estimator": "sklearn.linear_model.LinearRegression"}
ESTIMATORS = [OphionClassifier(TREE), OphionRegressor({"type": "sklearn", "estimator": "sklearn.tree.DecisionTreeRegressor"})]


@parametrize_with_checks(ESTIMATORS)  # no check is expected to fail
def test_scikit_learns_checks_pass(estimator, check):
    """Those that the regression shares with the classifier run for it where slow tests are asked for."""
    name = getattr(check, "func", check).__name__
    own = "regressor" in name or "sample_weight" in name
    if isinstance(estimator, OphionRegressor) and not own and os.environ.get("OPHION_SLOW_TESTS") != "1":
        pytest.skip(f"{name} of the regression: slow; set OPHION_SLOW_TESTS=1")
    check(estimator)


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(8)
    y = rng.integers(0, 3, 600)
    return rng.normal(size=(600, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[y], np.array(["b", "s", "t"])[y]


def test_probabilities_are_those_of_the_estimator_alone(events):
    x, y = (part.astype(np.float32) if part.dtype.kind == "f" else part for part in events)
    alone = LogisticRegression().fit(x.astype(np.float64), y)
    ours = OphionClassifier(LOGISTIC).fit(x, y)
    np.testing.assert_allclose(ours.predict_proba(x), alone.predict_proba(x.astype(np.float64)), rtol=1e-3, atol=1e-5)
    assert ours.classes_.tolist() == ["b", "s", "t"] and ours.model_.classes == ("b", "s", "t")
    assert (ours.predict(x) == alone.predict(x)).all()


@pytest.mark.parametrize("labels", [["signal", "background"], ["no", "yes"], [3, -1], [True, False], ["a b", "a+b"]])
def test_of_two_classes_the_second_is_the_positive_one(events, labels):
    x, y = events
    labels = np.array(labels)[(y == "s").astype(int)]
    ours = OphionClassifier(LOGISTIC, random_state=1).fit(x, labels)
    alone = LogisticRegression().fit(x, labels)
    assert (ours.classes_ == alone.classes_).all()
    np.testing.assert_allclose(ours.predict_proba(x), alone.predict_proba(x), rtol=1e-3, atol=1e-5)


def test_a_regression_is_that_of_the_estimator_alone(events):
    x, _ = events
    y, w = x @ [2.0, -1.0] + x[:, 0] ** 2, np.arange(1.0, 601.0)
    alone = LinearRegression().fit(x, y, w)
    np.testing.assert_allclose(OphionRegressor(LINE).fit(x, y, w).predict(x), alone.predict(x), rtol=1e-3, atol=1e-4)


def test_they_fit_into_pipelines_and_cross_validation(events):
    scores = cross_val_score(make_pipeline(StandardScaler(), OphionClassifier(LOGISTIC)), *events, cv=2)
    assert scores.shape == (2,) and (scores > 0.7).all()


def test_names_of_columns_are_the_models_features(events):
    x, y = events
    ours = OphionClassifier(TREE).fit(pd.DataFrame(x, columns=["pt", "eta"]), y)
    assert ours.feature_names_in_.tolist() == ["pt", "eta"] and ours.model_.features == ("pt", "eta")
    assert OphionClassifier(TREE).fit(pd.DataFrame(x, columns=["p t", "eta"]), y).model_.features == ("x0", "x1")


def test_names_that_mean_something_else_in_a_config_are_columns_all_the_same(events):
    x, y = events
    alone = LinearRegression().fit(x, x @ [2.0, -1.0])
    for names in (["x", "y"], ["pi", "true"], ["not", "min"]):
        ours = OphionRegressor(LINE).fit(pd.DataFrame(x, columns=names), x @ [2.0, -1.0])
        np.testing.assert_allclose(ours.predict(pd.DataFrame(x, columns=names)), alone.predict(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_that_are_no_probabilities_are_refused(events, classes):
    x, y = events
    method = {"type": "sklearn", "estimator": "sklearn.linear_model.RidgeClassifier"}
    with pytest.raises(ValueError, match="scores are no probabilities, .* sklearn.calibration.CalibratedClassifierCV"):
        OphionClassifier(method).fit(x, y if classes == 3 else y == "s")


def test_a_pickle_holds_the_model_file(events, tmp_path):
    x, y = events
    ours = OphionClassifier(TREE, random_state=0).fit(x, y)
    ours.model_.save(tmp_path / "tree.ophion")
    pickled = pickle.dumps(ours)
    assert (tmp_path / "tree.ophion").read_bytes() in pickled
    assert (pickle.loads(pickled).predict(x) == ours.predict(x)).all()


def test_what_is_wrong_with_a_method_is_said(events):
    with pytest.raises(ophion.errors.ConfigError, match="unknown key 'estimater'; did you mean 'estimator'"):
        OphionClassifier({"type": "sklearn", "estimater": "x"}).fit(*events)
    with pytest.raises(ValueError, match="at least 2 classes, found 1 class: 'b'"):
        OphionClassifier(TREE).fit(events[0], np.full(600, "b"))
