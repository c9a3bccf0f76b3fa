"""XGBoost's models, read from the booster's own JSON or UBJ: trees, dart's weighted trees, and gblinear's sums.

XGBoost compares float32 numbers, ``x < t`` to the left (``predict_fn.h``): the same as ``x <= t'`` with t' the float32 below t.
Of categories, those listed go right, all others left, and NaN where `default_left` says.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.forest import Forest, bit_set, live_nodes
from ophion.native.network import Network

LINKS = {
    "binary:logistic": "logistic",
    "binary:logitraw": "identity",
    "reg:logistic": "logistic",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "reg:squarederror": "identity",
    "reg:squaredlogerror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:quantileerror": "identity",
    "count:poisson": "exponential",
    "reg:gamma": "exponential",
    "reg:tweedie": "exponential",
}
# base_score is kept as a prediction, not as the sum that the link is given.
_FROM_PREDICTION = {"logistic": lambda p: np.log(p / (1 - p)), "exponential": np.log}


def converter(estimator):
    """The function that makes a `Forest` or `Network` of this estimator; None when there is none."""
    xgboost = sys.modules.get("xgboost")  # whoever has fitted it has imported it
    kinds = (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier, xgboost.XGBRFRegressor) if xgboost else ()
    return _estimator if type(estimator) in kinds else None


def _estimator(estimator, spec: Spec) -> Forest | Network:
    name = type(estimator).__name__
    if not np.isnan(estimator.missing):
        raise NotExportable(f"{name} with missing={estimator.missing:g}: only NaN can be missing")
    booster = estimator.get_booster()
    best = getattr(estimator, "best_iteration", None) if estimator.get_params().get("early_stopping_rounds") else None
    if best is not None:
        booster = booster[: best + 1]  # what predict uses after an early stop
    found = from_document(json.loads(bytes(booster.save_raw("json"))), len(spec.features), spec.n_outputs)
    if isinstance(found, Forest):
        found.demand_leaves(lambda x: estimator.apply(x).reshape(len(x), -1), name)
    return found


def from_document(document: dict, features: int, outputs: int) -> Forest | Network:
    """The neutral form of what ``Booster.save_model`` writes, as JSON or UBJ.

    Raises
    ------
    NotExportable
        "XGBoost with the objective 'rank:pairwise'"
    """
    learner = document["learner"]
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    if objective not in LINKS:
        raise NotExportable(f"XGBoost with the objective '{objective}'")
    link = LINKS[objective]
    base = np.atleast_1d(np.asarray(json.loads(learner["learner_model_param"]["base_score"]), np.float32)).astype(np.float64)
    base = _FROM_PREDICTION.get(link, lambda p: p)(base)
    if booster["name"] == "gblinear":
        return _linear(booster["model"], features, outputs, link, base)
    if booster["name"] not in ("gbtree", "dart"):
        raise NotExportable(f"XGBoost with the booster '{booster['name']}'")
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    if len(model.get("cats", {}).get("enc", ())):
        raise NotExportable("XGBoost with categories of a data frame, which have names of their own")
    trees = model["trees"]
    weights = booster["weight_drop"] if booster["name"] == "dart" else np.ones(len(trees))
    forest = Forest(features, outputs, link=link, base=base, takes_missing=True)
    if not len(trees):
        raise NotExportable("XGBoost without trees")
    for number, (tree, output, weight) in enumerate(zip(trees, model["tree_info"], weights, strict=True)):
        _add(forest, tree, output, weight, f"tree {number}")
    return forest


def _linear(model: dict, features: int, outputs: int, link: str, base: np.ndarray) -> Network:
    """gblinear: a row of weights a feature, and the last one of biases. Of base scores it uses the first for all outputs."""
    weights = np.asarray(model["weights"], np.float64).reshape(features + 1, outputs)
    network = Network(link=link)
    network.dense(weights[:-1].T, weights[-1] + base[0])
    return network


def _add(forest: Forest, tree: dict, output: int, weight: float, name: str) -> None:
    left, right = np.asarray(tree["left_children"], np.int64), np.asarray(tree["right_children"], np.int64)
    live = live_nodes(left, right, name)
    at = np.cumsum(live) - 1  # pruning leaves nodes behind that no way leads to
    condition = np.asarray(tree["split_conditions"], np.float32)[live]
    leaf = left[live] < 0
    width = int(tree["tree_param"]["size_leaf_vector"])
    if width > 1:  # a leaf's right child is the number of its row
        rows = np.asarray(tree["leaf_weights"], np.float64).reshape(-1, width)
        values = rows[np.where(leaf, right[live], 0)] * weight
    else:
        values = condition.astype(np.float64) * weight  # of a leaf: its value
    category_set, sets = _categories(tree, at, len(condition))
    forest.add_tree(
        np.where(leaf, -1, np.asarray(tree["split_indices"])[live]),
        np.nextafter(condition, np.float32(-np.inf)),
        np.where(leaf, -1, at[left[live]]),
        np.where(leaf, -1, at[np.where(leaf, 0, right[live])]),
        values,
        missing_left=np.asarray(tree["default_left"])[live],
        output=None if width > 1 else output,
        category_set=category_set,
        sets=sets,
        other_left=np.ones(len(condition), bool),
        numbers=np.flatnonzero(live),
    )


def _categories(tree: dict, at: np.ndarray, nodes: int) -> tuple[np.ndarray | None, list[np.ndarray]]:
    """The set of categories that go left at each node, and its number."""
    if not any(tree.get("split_type", ())):
        return None, []
    category_set, sets = np.full(nodes, -1), []
    for node, first, size in zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True):
        category_set[at[node]] = len(sets)
        sets.append(~bit_set(tree["categories"][first : first + size]))  # those listed go right
    return category_set, sets
