"""Models out of files that somebody else wrote: XGBoost's JSON and UBJ, LightGBM's text, scikit-learn's skops, ONNX graphs.

The files are read here, not by the trainers' own libraries: nothing of them is run, and what they say is checked. Where the library
is installed, its scores are what the model has to give; XGBoost, LightGBM and ONNX Runtime are asked in a process of their own.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ophion.contract import Spec
from ophion.errors import DataError
from ophion.native import NotExportable, estimator_form, lightgbm_trees, ubjson, xgboost_trees
from ophion.native.forest import PROBES, Forest
from ophion.native.found import Found, in_its_own_process


@dataclass
class Imported:
    """A model with names, proved where it could be.

    Attributes
    ----------
    form : Forest, Network or onnx_graph.Graph
        Its `members()` go into the model file.
    missing : str
        The policy for missing values.
    x, scores : arrays of float32
        Events, and the trainer's own scores for them; None where its package is not installed.
    checked_against : str
        "xgboost 3.2.0"; empty where that is not installed.
    """

    found: Found
    spec: Spec
    form: Any
    x: np.ndarray
    scores: np.ndarray | None
    checked_against: str

    @property
    def missing(self) -> str:
        return "keep" if isinstance(self.form, Forest) and self.form.takes_missing else self.found.missing


def read(path: str, features: Sequence[str] = (), classes: Sequence[str] = (), targets: Sequence[str] = ()) -> Imported:
    """A model in the neutral form, or, of an ONNX graph, in the ONNX form.

    Parameters
    ----------
    features, classes, targets : sequences of str
        Names, in the order of the file; empty: those the file knows (class and target names are made up where it knows none).

    Raises
    ------
    DataError
        The file is damaged, of no known kind, or its model has no neutral form; the names are not as many as the model has.
    """
    try:
        found = _find(Path(path).read_bytes(), len(features))
        spec = _spec(found, list(features), list(classes), list(targets))
        form = found.form(spec)
        x = form.probes() if isinstance(form, Forest) else _events(spec)
        return Imported(found, spec, form, x, *_compare(found, spec, form, x))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except NotExportable as reason:
        raise DataError(f"{path}: {reason}") from reason
    except KeyError as error:
        raise DataError(f"{path}: lacks the key {error}, which every model of its kind has") from error
    except RecursionError as error:
        raise DataError(f"{path}: is nested too deeply") from error
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise DataError(f"{path}: {error}") from error


def _find(content: bytes, named: int) -> Found:
    """`named`: how many features the user named."""
    if content.startswith(b"PK"):
        return _skops(content)
    if content.startswith(b"tree\n"):
        return _lightgbm(content.decode())
    if content[:1] == b"{" and content[1:2] in b"iUIlL":
        return _xgboost(ubjson.loads(content), content)
    if content.lstrip()[:1] == b"{":
        try:
            return _xgboost(json.loads(content), content)
        except json.JSONDecodeError as error:
            raise ValueError(f"is cut off, or no JSON: {error}") from error
    if content[:1] == b"\x08":  # its first field: the version of the format
        return _onnx(content, named)
    if content[:1] == b"\x80":
        raise ValueError(
            "is a pickle, which runs code when it is read: save the model with skops.io.dump, or the save_model of XGBoost or LightGBM"
        )
    raise ValueError("is no model that is known: expected XGBoost's JSON or UBJ, LightGBM's text, a skops file or an ONNX graph")


def _spec(found: Found, features: list[str], classes: list[str], targets: list[str]) -> Spec:
    for given, what in ((features, "feature"), (classes, "class"), (targets, "target")):
        twice = [name for name in given if given.count(name) > 1]
        if twice:
            raise ValueError(f"the {what} '{twice[0]}' is named twice")
    if classes and targets:
        raise ValueError("classes and targets are named: a model has either")
    features = features or found.feature_names
    if not features:
        many = f"its {found.features} features have" if found.features else "its features have"
        raise ValueError(f"{many} no names: give them, in their order, with --features")
    if len(features) != found.features:
        raise ValueError(f"{found.origin} has {found.features} features, but {len(features)} names are given")
    if set(features) == set(found.feature_names) and features != found.feature_names:
        raise ValueError(f"its features are, in this order, {', '.join(found.feature_names)}")
    task = found.task or ("classification" if classes else "regression" if targets else "")
    if not task:
        raise ValueError("it does not say whether its scores are of classes or of a regression: give --classes or --targets")
    if task == "regression":
        made_up = ["target"] if found.outputs == 1 else [f"target_{i}" for i in range(found.outputs)]
        if classes:
            raise ValueError(f"{found.origin} is a regression, which has no classes")
        targets = targets or found.target_names or made_up
        if len(targets) != found.outputs:
            raise ValueError(f"{found.origin} has {found.outputs} targets, but {len(targets)} names are given")
        return Spec(task, tuple(features), targets=tuple(targets))
    if targets:
        raise ValueError(f"{found.origin} is a classification, which has no targets")
    count = max(2, found.outputs)
    classes = classes or found.class_names or [str(i) for i in range(count)]
    if len(classes) != count:
        raise ValueError(f"{found.origin} has {count} classes, but {len(classes)} names are given")
    return Spec(task, tuple(features), classes=tuple(classes))


def _events(spec: Spec) -> np.ndarray:
    """Half of them positive: a graph may begin with logarithms."""
    x = np.random.default_rng(0).standard_normal((PROBES, spec.n_features)).astype(np.float32)
    np.abs(x[PROBES // 2 :], out=x[PROBES // 2 :])
    return x


def _compare(found: Found, spec: Spec, form: Any, x: np.ndarray) -> tuple[np.ndarray | None, str]:
    """The trainer's scores, and its name and version; its leaves must be those of the neutral form."""
    if importlib.util.find_spec(found.package) is None:
        return None, ""
    theirs = found.trainer(x)
    if "leaves" in theirs:
        form.demand_leaves(lambda _: np.reshape(theirs["leaves"], (len(x), -1)), found.origin)
    scores = np.asarray(theirs["scores"], np.float32).reshape(len(x), found.outputs)
    if spec.n_outputs < found.outputs:
        scores = np.ascontiguousarray(scores[:, 1:])  # of two classes the second
    if found.backend == "onnx":
        form.demand_scores(scores)
    return scores, f"{found.package} {theirs['version']}"


# --- XGBoost ----------------------------------------------------------------------------------------


def _xgboost(document: dict, content: bytes) -> Found:
    learner = document["learner"]
    parameters, objective = learner["learner_model_param"], learner["objective"]["name"]
    classes = int(parameters["num_class"])
    classification = objective.startswith(("binary:", "multi:"))
    if classification and classes == 2:
        raise NotExportable(f"XGBoost with the objective '{objective}' of two classes: train it with binary:logistic")
    best = learner.get("attributes", {}).get("best_iteration")
    rounds = None if best is None else int(best) + 1
    if rounds is not None:
        _cut(learner["gradient_booster"], rounds)
    features, outputs = int(parameters["num_feature"]), max(classes, int(parameters.get("num_target", 1)), 1)
    return Found(
        f"XGBoost {objective}",
        "classification" if classification else "regression",
        features,
        outputs,
        lambda spec: xgboost_trees.from_document(document, features, outputs),
        "xgboost",
        in_its_own_process("xgboost", {"model": content}, str(rounds or 0)),
        feature_names=list(learner.get("feature_names", [])),
        versions={"xgboost": ".".join(str(part) for part in document["version"])},
    )


def _cut(booster: dict, rounds: int) -> None:
    """Leave out the trees after the best iteration, as XGBoost's classifiers and regressors do when they predict."""
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster.get("model", {})
    if "iteration_indptr" not in model:
        return
    trees = int(model["iteration_indptr"][rounds])
    for name in ("trees", "tree_info"):
        model[name] = model[name][:trees]
    if booster["name"] == "dart":
        booster["weight_drop"] = booster["weight_drop"][:trees]


# --- LightGBM ---------------------------------------------------------------------------------------


def _lightgbm(text: str) -> Found:
    head, _ = lightgbm_trees.sections(text)
    objective = head.get("objective", "of its own").split()[0]
    outputs, features = int(head["num_tree_per_iteration"]), int(head["max_feature_idx"]) + 1
    names = head.get("feature_names", "").split()
    known = names if names != [f"Column_{i}" for i in range(features)] else []
    return Found(
        f"LightGBM {objective}",
        "classification" if objective in ("binary", "multiclass", "multiclassova") else "regression",
        features,
        outputs,
        lambda spec: lightgbm_trees.from_text(text, features, outputs),
        "lightgbm",
        in_its_own_process("lightgbm", {"model": text.encode()}),
        feature_names=known,
    )


# --- scikit-learn -----------------------------------------------------------------------------------


def _skops(content: bytes) -> Found:
    import sklearn
    from sklearn.base import is_classifier

    from ophion.methods import _skops_file

    opaque = _skops_file.opaque_types(content)
    if opaque:
        raise NotExportable(f"a skops file that holds what can't be checked: {', '.join(opaque)}")
    estimator = _skops_file.load(content)
    name = type(estimator).__name__
    features = int(estimator.n_features_in_)
    names = [str(one) for one in getattr(estimator, "feature_names_in_", [])]
    score = estimator.predict
    classes = []
    if is_classifier(estimator):
        classes = [str(one) for one in estimator.classes_]
        score = estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.decision_function
    with np.errstate(all="ignore"):
        outputs = np.asarray(score(np.zeros((1, features), np.float32))).reshape(1, -1).shape[1]
    if len(classes) == 2:
        outputs = 1

    def trainer(x: np.ndarray) -> dict:  # in this process: all of the file was checked; leaves were compared at the export
        scores = np.asarray(score(x)).reshape(len(x), -1)
        return {"scores": scores[:, 1:] if len(classes) == 2 and scores.shape[1] == 2 else scores, "version": sklearn.__version__}

    return Found(
        f"scikit-learn {name}",
        "classification" if classes else "regression",
        features,
        outputs,
        lambda spec: estimator_form(estimator, spec),
        "sklearn",
        trainer,
        feature_names=names,
        class_names=classes,
    )


# --- ONNX -------------------------------------------------------------------------------------------


def _onnx(content: bytes, named: int) -> Found:
    if importlib.util.find_spec("onnx") is None:
        raise ValueError("is an ONNX graph: to read it, the Python package onnx is needed, which is not installed (ophion[onnx] has it)")
    from ophion.native import onnx_graph

    return onnx_graph.find(content, named)
