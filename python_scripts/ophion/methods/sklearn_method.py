"""The method "sklearn": any estimator or pipeline with scikit-learn's contract, by dotted name.

Event weights are passed as ``sample_weight``; where the estimator takes none and the weights are not all the same,
that is an error. ``random_state`` gets the seed and ``n_jobs`` the threads unless the config sets them. A validation
part is not trained on: it is handed to an estimator that stops early on it (XGBoost and LightGBM with
early_stopping_rounds, HistGradientBoosting with early_stopping true), else not used. The rehearsal before the real
training fits two trees or iterations, whatever the config says.

Scores are ``predict_proba`` (of the positive class when there are two), else ``decision_function`` as it is (no
probability: SVC, RidgeClassifier), and ``predict`` for regression. Forests score on one thread, since they add their
trees up in the order in which threads finish.

An estimator is kept by skops; which types and what is checked: `ophion.methods._skops_file`. Those of XGBoost and
LightGBM count as code.
"""

from __future__ import annotations

import copy
import functools
import gc
import importlib
import logging
import sys
import warnings
from types import ModuleType
from typing import Any, Mapping

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble._forest import BaseForest

from ophion import native
from ophion.contract import Context, Events, Spec, TrainingData
from ophion.errors import OptionError
from ophion.methods._estimators import build, fit_arguments, last_step, shorten, takes

PACKAGES = ["scikit-learn", "skops", "numpy"]
ESTIMATOR = "estimator.skops"

_log = logging.getLogger("ophion")


class TrainedEstimator:
    """A fitted estimator and how its scores are had."""

    def __init__(self, estimator: BaseEstimator, spec: Spec):
        self.estimator = estimator
        self.spec = spec
        self.name = type(last_step(estimator)).__name__
        if spec.task == "classification":
            classes = getattr(estimator, "classes_", None)
            if classes is not None and list(classes) != list(range(spec.n_classes)):
                raise ValueError(f"{self.name} knows the classes {list(classes)}, expected 0 to {spec.n_classes - 1}")
            self._score = (
                estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.decision_function
            )
        else:
            self._score = estimator.predict

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Scores: shape (n,), or (n, n_outputs) for several outputs."""
        scores = np.asarray(self._score(x))
        n, k = len(x), self.spec.n_outputs
        if self.spec.task == "classification" and k == 1 and scores.shape == (n, 2):
            scores = scores[:, 1]
        if k == 1 and scores.shape == (n, 1):
            scores = scores[:, 0]
        if scores.shape != ((n,) if k == 1 else (n, k)):
            raise ValueError(f"{self.name} gave scores of shape {scores.shape}, expected {(n,) if k == 1 else (n, k)}")
        return scores.astype(np.float32, copy=False)


def check(context: Context) -> None:
    """Find wrong names, parameters and values before any data is read; see `ophion.contract`."""
    build(context.options, context.spec, context.seed, context.threads)


def train(data: TrainingData, context: Context) -> TrainedEstimator:
    estimator = build(context.options, context.spec, context.seed, context.threads)
    if context.rehearsal:
        shorten(estimator)
    name, spec, events = type(last_step(estimator)).__name__, context.spec, data.train
    if spec.task == "classification":
        missing = set(range(spec.n_classes)) - set(np.unique(events.y).tolist())
        if missing:
            raise ValueError(f"there are no training events of class '{spec.classes[min(missing)]}'")
    weights = {"sample_weight": events.w} if takes(estimator, "sample_weight") else {}
    if not weights:
        _demand_equal(events.w, name)
    arguments = _validation_arguments(estimator, data.validation, spec, context)
    references = sys.getrefcount(events.x)
    with warnings.catch_warnings():
        if context.rehearsal:  # so short a fit has not converged, of course
            warnings.simplefilter("ignore")
        fit = functools.partial(_fit, estimator, events.x, _answers(events, spec), who=context.name)
        try:
            fit(fit_arguments(estimator, **weights, **arguments))
        except ValueError as error:
            if "enable_metadata_routing" not in str(error):
                raise
            _demand_equal(events.w, name)  # it takes any argument, only to refuse it
            fit(fit_arguments(estimator, **arguments))
    context.settle()
    del arguments, fit
    if sys.getrefcount(events.x) > references:
        # It keeps the events, as nearest neighbours do; they are lent, so it gets copies of its own.
        _log.info(
            "%s: %s keeps the training events, so they are copied (%d bytes)", context.name, name, events.x.nbytes
        )
        estimator = copy.deepcopy(estimator)
        gc.collect()
    for forest in _forests(estimator):
        forest.n_jobs = 1
    return TrainedEstimator(estimator, spec)


def predict(model: TrainedEstimator, x: np.ndarray) -> np.ndarray:
    return model.predict(x)


def save(model: TrainedEstimator) -> dict[str, bytes]:
    return {ESTIMATOR: _files().dump(model.estimator)}


def load(members: Mapping[str, bytes], context: Context) -> TrainedEstimator:
    _import_packages(context.options["estimator"])
    return TrainedEstimator(_files().load(bytes(members[ESTIMATOR])), context.spec)


def carries_code(members: Mapping[str, bytes]) -> bool:
    """False when everything in the file can be checked: plain scikit-learn."""
    return _files().is_opaque(bytes(members[ESTIMATOR]))


def packages(model: TrainedEstimator) -> list[str]:
    """Of the estimator and those in it, beside scikit-learn: "xgboost"."""
    homes = {type(one).__module__.partition(".")[0] for one in _parts(model.estimator)}
    return sorted(homes & (_files().TRUSTED.keys() - {"sklearn"}))


def importance(model: TrainedEstimator) -> tuple[str, np.ndarray] | None:
    """Of trees: impurity or gain. Of linear models: the sizes of the coefficients, which say something where features have one scale."""
    last = last_step(model.estimator)
    if last is not model.estimator:  # what a pipeline's last step sees need not be the features
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of XGBoost, where a tree never split
        values = getattr(last, "feature_importances_", None)
    if values is not None:
        name = getattr(last, "importance_type", "mean decrease in impurity") or "gain"  # XGBoost's default stands as None
        return name, np.asarray(values, np.float64)
    coefficients = getattr(last, "coef_", None)
    if isinstance(coefficients, np.ndarray) and coefficients.shape[-1] == len(model.spec.features):
        return "mean size of the coefficients", np.abs(coefficients.reshape(-1, coefficients.shape[-1])).mean(axis=0)
    return None


def export_native(model: TrainedEstimator) -> dict[str, bytes]:
    return native.export_estimator(model.estimator, model.spec)


def _demand_equal(weights: np.ndarray, name: str) -> None:
    """That nothing is lost where the estimator gets no weights."""
    if len(weights) and np.any(weights != weights[0]):
        raise OptionError(
            "/estimator",
            f"{name}.fit takes no sample_weight, but the training events have weights from {weights.min():g} "
            f"to {weights.max():g}; use another estimator, or no weights",
        )


def _fit(estimator: BaseEstimator, x: np.ndarray, y: np.ndarray, arguments: dict[str, Any], who: str) -> None:
    """Fit on the lent events; on a copy where compiled code wants memory it could write to, as forests do for missing values."""
    try:
        estimator.fit(x, y, **arguments)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        _log.info("%s: %s takes no read-only events, so they are copied (%d bytes)", who, type(estimator).__name__, x.nbytes)
        estimator.fit(x.copy(), y, **arguments)


def _answers(events: Events, spec: Spec) -> np.ndarray:
    return events.y[:, 0] if spec.task == "regression" and spec.n_outputs == 1 else events.y


def _validation_arguments(
    estimator: BaseEstimator, events: Events | None, spec: Spec, context: Context
) -> dict[str, Any]:
    """What hands the validation part to an estimator that stops early on it."""
    if events is None:
        return {}
    last = last_step(estimator)
    parameters = last.get_params(deep=False)
    x, y = events.x, _answers(events, spec)
    if estimator is last:  # a pipeline's steps before it would have to be applied first
        if parameters.get("early_stopping") is True and takes(last, "X_val"):
            return {"X_val": x, "y_val": y, "sample_weight_val": events.w}
        if parameters.get("early_stopping_rounds") and takes(last, "eval_set"):
            found = {"eval_X": x, "eval_y": y} if takes(last, "eval_X") else {"eval_set": [(x, y)]}  # LightGBM from 4.7 on
            weights = [name for name in ("sample_weight_eval_set", "eval_sample_weight") if takes(last, name)]
            found |= {name: [events.w] for name in weights}
            return found | ({"verbose": False} if takes(last, "verbose") else {})
    _log.info("%s: %s has no use for a validation part; it is not trained on", context.name, type(last).__name__)
    return {}


def _files() -> ModuleType:
    """How estimators are kept, imported when one is: skops takes a second, for which the check of a config need not wait."""
    from ophion.methods import _skops_file

    return _skops_file


def _parts(estimator: BaseEstimator) -> list[Any]:
    return [estimator, *estimator.get_params(deep=True).values()]


def _forests(estimator: BaseEstimator) -> list[BaseForest]:
    return [one for one in _parts(estimator) if isinstance(one, BaseForest)]


def _import_packages(named: str | list) -> None:
    """Import the estimators' packages before skops does, so that a missing one is named."""
    for one in [named] if isinstance(named, str) else [step["estimator"] for step in named]:
        package = one.partition(".")[0]
        if package not in _files().TRUSTED:  # a file's words alone import nothing else
            continue
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"the model needs the package '{package}', which this Python does not have: {error}"
            ) from error
