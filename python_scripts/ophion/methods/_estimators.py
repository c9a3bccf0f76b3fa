"""From the config's words to an estimator with scikit-learn's contract."""

from __future__ import annotations

import inspect
from typing import Any, Mapping

from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import has_fit_parameter

from ophion._named import find
from ophion.contract import Spec
from ophion.errors import OptionError, pointer_to, suggestion


def build(options: Mapping[str, Any], spec: Spec, seed: int, threads: int) -> BaseEstimator:
    """The untrained estimator or pipeline.

    Parameters
    ----------
    options : mapping
        "estimator": a dotted name, or a list of steps {"estimator", "params"}; "params". A value in params that is an
        object with "estimator" is an estimator too (``{"estimator": {"estimator":
        "sklearn.tree.DecisionTreeClassifier"}}`` for AdaBoost).
    seed, threads : int
        Given as random_state and n_jobs where the estimator has them and the config does not set them.

    Raises
    ------
    OptionError
        A wrong name (with the nearest ones), a wrong value, or an estimator for another task.
    """
    named = options["estimator"]
    if isinstance(named, str):
        estimator = _make(named, options["params"], (), seed, threads)
    else:
        if options["params"]:
            key = next(iter(options["params"]))
            raise OptionError(
                pointer_to("params", key), "estimator is a list of steps, each of which has its own params"
            )
        steps = [
            _make(step["estimator"], step.get("params", {}), ("estimator", number), seed, threads)
            for number, step in enumerate(named)
        ]
        for number, step in enumerate(steps[:-1]):
            if not hasattr(step, "transform"):
                raise OptionError(
                    pointer_to("estimator", number),
                    f"{type(step).__name__} has no transform(), which all but the last step need",
                )
        estimator = make_pipeline(*steps)
    _check_task(estimator, spec)
    return estimator


def shorten(estimator: BaseEstimator) -> None:
    """Two trees or iterations at most, in every step and every estimator inside: enough to see whether a model can be kept."""
    few = 2
    for name, value in estimator.get_params(deep=True).items():
        own_name = name.rpartition("__")[2]
        # XGBoost's None stands for a hundred trees; other iterations that are None or -1 have no limit or no meaning.
        many = isinstance(value, int) and value > few
        if own_name in ("n_estimators", "max_iter") and (many or (own_name == "n_estimators" and value is None)):
            estimator.set_params(**{name: few})


def last_step(estimator: BaseEstimator) -> BaseEstimator:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def takes(estimator: BaseEstimator, argument: str) -> bool:
    """Whether the fit of the (last) estimator takes this argument, or hands on any (as a grid search does)."""
    last = last_step(estimator)
    if has_fit_parameter(last, argument):
        return True
    arguments = inspect.signature(last.fit).parameters.values()
    return argument == "sample_weight" and any(one.kind is inspect.Parameter.VAR_KEYWORD for one in arguments)


def fit_arguments(estimator: BaseEstimator, **arguments: Any) -> dict[str, Any]:
    """Named as a pipeline wants them for its last step."""
    if not isinstance(estimator, Pipeline):
        return arguments
    return {f"{estimator.steps[-1][0]}__{name}": value for name, value in arguments.items()}


def _make(name: str, params: Mapping[str, Any], at: tuple, seed: int, threads: int) -> BaseEstimator:
    cls = _find(name, at)
    plain = {key: value for key, value in params.items() if "__" not in key}
    deep = {key: value for key, value in params.items() if "__" in key}
    known, open_ended = _arguments(cls)
    for key in plain:
        if key in known:
            continue
        # XGBoost and LightGBM hand unknown names on: only what looks like a slip is refused.
        hint = suggestion(key, known)
        if not open_ended or "did you mean" in hint:
            raise OptionError(pointer_to(*at, "params", key), f"{cls.__name__} has no parameter '{key}'{hint}")
    given = {key: _nested(value, (*at, "params", key), seed, threads) for key, value in plain.items()}
    if "random_state" in known:
        given.setdefault("random_state", seed % 2**32)
    # scikit-learn's None is one thread already (and LogisticRegression warns of any other value); XGBoost's is all of
    # them.
    if threads > 1 or (threads == 1 and not cls.__module__.startswith("sklearn.")):
        if "n_jobs" in known:
            given.setdefault("n_jobs", threads)
    try:
        estimator = cls(**given)
    except (TypeError, ValueError) as error:
        raise OptionError(pointer_to(*at, "params"), f"{cls.__name__}: {error}") from error
    for key, value in deep.items():
        _set_deep(estimator, key, value, at)
    _check_values(estimator, at)
    return estimator


def _find(name: str, at: tuple) -> type:
    where = pointer_to(*at, "estimator")
    found = find(name, where)
    if not isinstance(found, type) or not callable(getattr(found, "fit", None)) or not hasattr(found, "get_params"):
        raise OptionError(where, f"'{name}' is no class with fit() and get_params(), as scikit-learn's estimators are")
    return found


def _arguments(cls: type) -> tuple[list[str], bool]:
    """Names the constructor takes, and whether it takes any."""
    arguments = inspect.signature(cls).parameters.values()
    names = [one.name for one in arguments if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    open_ended = any(one.kind is one.VAR_KEYWORD for one in arguments)
    if open_ended:
        names += [name for name in cls().get_params(deep=False) if name not in names]
    return names, open_ended


def _nested(value: Any, at: tuple, seed: int, threads: int) -> Any:
    """Lists and objects of the config with the estimators in them made."""
    if (
        isinstance(value, Mapping)
        and isinstance(value.get("estimator"), str)
        and value.keys() <= {"estimator", "params"}
    ):
        return _make(value["estimator"], value.get("params", {}), at, seed, threads)
    if isinstance(value, Mapping):
        return {key: _nested(one, (*at, key), seed, threads) for key, one in value.items()}
    if isinstance(value, list):
        return [_nested(one, (*at, number), seed, threads) for number, one in enumerate(value)]
    return value


def _set_deep(estimator: BaseEstimator, key: str, value: Any, at: tuple) -> None:
    known = estimator.get_params(deep=True)
    if key not in known:
        problem = f"{type(estimator).__name__} has no parameter '{key}'{suggestion(key, known)}"
        raise OptionError(pointer_to(*at, "params", key), problem)
    estimator.set_params(**{key: value})


def _check_values(estimator: BaseEstimator, at: tuple) -> None:
    """scikit-learn checks values when it fits; here that happens before any data is read."""
    validate = getattr(estimator, "_validate_params", None)
    if validate is None or not hasattr(type(estimator), "_parameter_constraints"):
        return
    try:
        validate()
    except ValueError as error:
        name = str(error).split("'")[1] if "'" in str(error) else ""
        keys = ("params", name) if name in estimator.get_params(deep=False) else ("params",)
        raise OptionError(pointer_to(*at, *keys), str(error)) from error


def _check_task(estimator: BaseEstimator, spec: Spec) -> None:
    last = last_step(estimator)
    name = type(last).__name__
    known = getattr(last, "final_estimator", last) is not None  # what a stacking's own default can do shows only when it is fitted
    if known and not hasattr(last, "predict"):
        raise OptionError("/estimator", f"{name} has no predict()")
    if spec.task == "classification":
        if is_regressor(last):
            raise OptionError("/estimator", f"{name} is a regressor, but the task is classification")
        if known and not hasattr(last, "predict_proba") and not hasattr(last, "decision_function"):
            raise OptionError(
                "/estimator", f"{name} has neither predict_proba() nor decision_function(): it gives no score"
            )
        pairs = getattr(last, "decision_function_shape", "ovr") == "ovo" and not hasattr(last, "predict_proba")
        if pairs and spec.n_classes > 2:  # of three classes there are three pairs, too
            raise OptionError("/params/decision_function_shape", "'ovo' scores pairs of classes, expected one score a class: 'ovr'")
    elif is_classifier(last):
        raise OptionError("/estimator", f"{name} is a classifier, but the task is regression")
