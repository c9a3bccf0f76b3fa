"""XGBoost's trees, read from the booster's own JSON.

XGBoost compares float32 numbers, ``x < t`` to the left (``predict_fn.h``): the same as ``x <= t'`` with t' the float32 below t.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.forest import Forest

_LINKS = {
    "binary:logistic": "logistic",
    "reg:logistic": "logistic",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "count:poisson": "exponential",
    "reg:gamma": "exponential",
    "reg:tweedie": "exponential",
}


def converter(estimator):
    """The function that makes a `Forest` of this estimator; None when there is none."""
    xgboost = sys.modules.get("xgboost")  # whoever has fitted it has imported it
    kinds = (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier, xgboost.XGBRFRegressor) if xgboost else ()
    return _estimator if type(estimator) in kinds else None


def _estimator(estimator, spec: Spec) -> Forest:
    booster = estimator.get_booster()
    best = getattr(estimator, "best_iteration", None) if estimator.get_params().get("early_stopping_rounds") else None
    if best is not None:
        booster = booster[: best + 1]  # what predict uses after an early stop
    forest = from_json(json.loads(bytes(booster.save_raw("json"))), len(spec.features), spec.n_outputs)
    forest.demand_leaves(lambda x: estimator.apply(x).reshape(len(x), -1), type(estimator).__name__)
    return forest


def from_json(document: dict, features: int, outputs: int) -> Forest:
    """A forest from the JSON that ``Booster.save_model("x.json")`` writes.

    Raises
    ------
    NotExportable
        "XGBoost with the booster 'gblinear'"
    """
    learner = document["learner"]
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    if booster["name"] != "gbtree":
        raise NotExportable(f"XGBoost with the booster '{booster['name']}'")
    if objective not in _LINKS:
        raise NotExportable(f"XGBoost with the objective '{objective}'")
    link = _LINKS[objective]
    base = np.atleast_1d(np.asarray(json.loads(learner["learner_model_param"]["base_score"]), np.float64))
    # base_score is kept as a prediction, not as the sum that the link is given.
    if link == "logistic":
        base = np.log(base / (1 - base))
    elif link == "exponential":
        base = np.log(base)
    forest = Forest(features, outputs, link=link, base=base, takes_missing=True)
    model = booster["model"]
    for tree, output in zip(model["trees"], model["tree_info"]):
        if any(tree["split_type"]):
            raise NotExportable("XGBoost with categorical splits")
        if int(tree["tree_param"]["size_leaf_vector"]) > 1:
            raise NotExportable("XGBoost with several numbers a leaf")
        left = np.asarray(tree["left_children"])
        condition = np.asarray(tree["split_conditions"], np.float32)
        forest.add_tree(
            np.where(left < 0, -1, tree["split_indices"]),
            np.nextafter(condition, np.float32(-np.inf)),
            left,
            tree["right_children"],
            condition,  # of a leaf: its value
            missing_left=tree["default_left"],
            output=output,
        )
    return forest
