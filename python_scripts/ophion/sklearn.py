"""Estimators with scikit-learn's contract that train and score by Ophion: for pipelines, cross_val_score, GridSearchCV.

>>> from ophion.sklearn import OphionClassifier
>>> tree = {"type": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}
>>> classifier = OphionClassifier(tree).fit(x, x[:, 0] > 0)
>>> float(classifier.score(x, x[:, 0] > 0))
1.0
>>> classifier.model_.save(folder + "/tree.ophion")  # for any program in C++, C or Python
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ophion.api import Model, Sample, train

__all__ = ["OphionClassifier", "OphionRegressor"]

# Names that are something else than a column where they stand alone in an expression (docs/expressions.md).
_WORDS_OF_EXPRESSIONS = {"pi", "true", "false", "and", "or", "not"}


class _OphionEstimator(BaseEstimator):
    """What both have in common. Fitted, it holds the model alone: no file of it is left on disk, and a pickle holds the model file."""

    _task: ClassVar[str]
    _default_estimator: ClassVar[str]

    def __init__(
        self,
        method: Mapping[str, Any] | None = None,
        *,
        validation: float = 0.0,
        config: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.method = method
        self.validation = validation
        self.config = config
        self.random_state = random_state

    def _train(self, data: dict[str, Any], events: Mapping[str, Sample] | Sample) -> Model:
        method = {"type": "sklearn", "estimator": self._default_estimator} if self.method is None else dict(self.method)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with tempfile.TemporaryDirectory(prefix="ophion_") as folder:
            config = {
                "version": 1,
                "name": "fit",
                "task": self._task,
                "seed": seed,
                "data": {
                    "split": {"validation": self.validation, "test": 0},
                    "weights": {"normalise": "none", "negative": "keep"},
                    **data,
                },
                "methods": [{"name": "model", **method}],
                "evaluation": {"importance_events": 0},
                "report": {"enabled": False},
                **(self.config or {}),
                "output": folder,
            }
            return train(config, events=events).best

    def _features(self, X: npt.NDArray[Any]) -> tuple[list[str], dict[str, npt.NDArray[Any]]]:
        """Names of the features in the model file, the data's own where a config allows them, and the columns."""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        allowed = all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in names)
        if not names or not allowed or not _WORDS_OF_EXPRESSIONS.isdisjoint(names):
            names = [f"x{i}" for i in range(X.shape[1])]
        return names, {name: X[:, i] for i, name in enumerate(names)}

    def _scores(self, X: Any) -> npt.NDArray[np.float64]:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        model: Model = self.model_
        return model.predict(X).astype(np.float64)


class OphionClassifier(ClassifierMixin, _OphionEstimator):
    """A classifier that any method of Ophion trains.

    Parameters
    ----------
    method : dict, optional
        An entry of a config's "methods"; left out: scikit-learn's gradient-boosted trees on histograms.
    validation : float
        Part of the events by which a method chooses its best epoch; methods without epochs need none.
    config : dict, optional
        More keys of a config, such as {"threads": 4, "time_limit": 60}.
    random_state : int, RandomState or None
        What everything random follows from.

    Attributes
    ----------
    model_ : ophion.Model
    classes_ : ndarray
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where X had names of columns.
    """

    _task = "classification"
    _default_estimator = "sklearn.ensemble.HistGradientBoostingClassifier"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> OphionClassifier:
        """Train on X of shape (n, features), float32 or float64, and n labels."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least 2 classes, found 1 class: '{self.classes_[0]}'")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        names, columns = self._features(X)
        events = {}
        labels = self._labels()
        for code in np.roll(np.arange(len(labels)), 1) if len(labels) == 2 else range(len(labels)):  # of two, the first is the positive one
            rows = codes == code
            here = {name: column[rows] for name, column in columns.items()}
            events[labels[code]] = Sample(here, None if weights is None else weights[rows])
        self.model_ = self._train({"features": names}, events)
        scores = self.model_.predict(X)
        if ((scores < 0) | (scores > 1)).any():
            raise ValueError("the method's scores are no probabilities, which OphionClassifier needs: an estimator that has a decision function "
                             "alone gets them by sklearn.calibration.CalibratedClassifierCV")  # fmt: skip
        self._order = [self.model_.classes.index(label) for label in labels]
        return self

    def _labels(self) -> list[str]:
        """Names of the classes in the model file: the labels themselves where a config allows them."""
        labels = [str(label) for label in self.classes_]
        allowed = len(set(labels)) == len(labels) and all(re.fullmatch(r"\w+", label, re.ASCII) for label in labels)
        return labels if allowed else [f"class_{i}" for i in range(len(labels))]

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of shape (n, classes), in the order of `classes_`."""
        scores = self._scores(X)
        if scores.ndim == 1:
            scores = np.stack([1.0 - scores, scores], axis=1)
        else:
            scores /= scores.sum(axis=1, keepdims=True)
        return scores[:, self._order]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likeliest class of each row."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        labels: npt.NDArray[Any] = self.classes_[likeliest]
        return labels


class OphionRegressor(RegressorMixin, _OphionEstimator):
    """A regression that any method of Ophion trains; parameters and attributes as of `OphionClassifier`, without classes."""

    _task = "regression"
    _default_estimator = "sklearn.ensemble.HistGradientBoostingRegressor"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> OphionRegressor:
        """Train on X of shape (n, features), float32 or float64, and n numbers."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], y_numeric=True, ensure_min_samples=2)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        names, columns = self._features(X)
        target = "y"
        while target in names:  # a coordinate, say
            target += "_"
        self.model_ = self._train({"features": names, "targets": [target]}, Sample(columns, weights, {target: y}))
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """One number a row."""
        return self._scores(X)
