"""LightGBM's trees, read from the text that it keeps its models in.

LightGBM compares in float64, ``x <= t`` to the left, after ``|x| <= 1e-35`` has become 0; NaN is 0 at nodes that saw none in the
training. Of categories (whole numbers, toward zero), those in a node's set go left; all others, negative ones and NaN go right
(``include/LightGBM/tree.h``, ``src/c_api.cpp``).
"""

from __future__ import annotations

import sys

import numpy as np

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.forest import Forest, live_nodes, round_down

LINKS = {
    "binary": "logistic",
    "cross_entropy": "logistic",
    "multiclass": "softmax",
    "multiclassova": "logistic",
    "regression": "identity",
    "regression_l1": "identity",
    "huber": "identity",
    "fair": "identity",
    "quantile": "identity",
    "mape": "identity",
    "poisson": "exponential",
    "gamma": "exponential",
    "tweedie": "exponential",
}
_ZERO = np.float64(np.float32(1e-35))  # kZeroThreshold
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; two more say what is missing
_MISSING = ("none", "zero", "nan")


def converter(estimator):
    """The function that makes a `Forest` of this estimator; None when there is none."""
    lightgbm = sys.modules.get("lightgbm")  # whoever has fitted it has imported it
    kinds = (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor) if lightgbm else ()
    return _estimator if type(estimator) in kinds else None


def _estimator(estimator, spec: Spec) -> Forest:
    text = estimator.booster_.model_to_string()  # up to its best iteration, as predict uses it
    forest = from_text(text, len(spec.features), spec.n_outputs)
    trainers = estimator.booster_.predict
    forest.demand_leaves(lambda x: np.reshape(trainers(x, pred_leaf=True), (len(x), -1)), type(estimator).__name__)
    return forest


def sections(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The header of a model's text, and its trees, as keys and values.

    Raises
    ------
    ValueError
        The text ends before the trees do: "it ends within tree 7 of 100".
    """
    whole, end, _ = text.partition("\nend of trees")
    header, *trees = whole.split("\nTree=")
    found = [_pairs(tree) for tree in trees]
    head = _pairs(header)
    expected = len(head.get("tree_sizes", "").split())
    if not end or len(found) != expected:
        raise ValueError(f"it ends within tree {max(len(found), 1) - 1} of {expected}" if found else "it ends before its trees")
    return head, found


def from_text(text: str, features: int, outputs: int) -> Forest:
    """A forest from the text that ``Booster.save_model("x.txt")`` writes.

    Raises
    ------
    NotExportable
        "LightGBM with the objective 'lambdarank'"
    """
    head, trees = sections(text)
    objective, *settings = head.get("objective", "custom").split()
    if objective not in LINKS or "sqrt" in settings:
        raise NotExportable(f"LightGBM with the objective '{' '.join([objective, *(one for one in settings if one == 'sqrt')])}'")
    if not trees:
        raise NotExportable("LightGBM without trees")
    outputs_of_text = int(head["num_tree_per_iteration"])
    if outputs_of_text != outputs:
        raise NotExportable(f"LightGBM with {outputs_of_text} trees an iteration for {outputs} outputs")
    scale = next((float(one.partition(":")[2]) for one in settings if one.startswith("sigmoid:")), 1.0)
    if "average_output" in head:
        scale *= outputs / len(trees)
    forest = Forest(features, outputs, link=LINKS[objective], scale=scale, takes_missing=True)
    for number, tree in enumerate(trees):
        _add(forest, tree, number % outputs, f"tree {number}")
    return forest


def _pairs(block: str) -> dict[str, str]:
    """Lines "key=value"; a line without "=" is a key by itself."""
    lines = (line.partition("=") for line in block.splitlines())
    return {key: value for key, _, value in lines}


def _numbers(text: str, dtype: type) -> np.ndarray:
    """The numbers of a list, up to the first thing that is none: much faster than by str.split."""
    return np.fromstring(text, dtype, sep=" ")


def _add(forest: Forest, tree: dict[str, str], output: int, name: str) -> None:
    if tree.get("is_linear", "0") != "0":
        raise NotExportable("LightGBM with linear trees")
    leaves = int(tree["num_leaves"])
    inner = leaves - 1

    def numbers(key: str, count: int, dtype: type) -> np.ndarray:
        found = _numbers(tree[key] if count else "", dtype)
        if len(found) != count:
            raise NotExportable(f"{name}: {key} has {len(found)} numbers, expected {count}")
        return found

    kind = numbers("decision_type", inner, np.int64)
    threshold = numbers("threshold", inner, np.float64)
    categorical = (kind & _CATEGORICAL) != 0
    missing = (kind >> 2) & 3
    if np.any((missing == _MISSING.index("zero")) & ~categorical):
        raise NotExportable("LightGBM with zero_as_missing")
    children = {}
    for side in ("left", "right"):
        child = numbers(f"{side}_child", inner, np.int64)
        children[side] = np.append(np.where(child < 0, inner + ~child, child), np.full(leaves, -1))  # leaves behind the others
    if not live_nodes(children["left"], children["right"], name).all():
        raise NotExportable(f"{name} has nodes to which no way leads")
    category_set, sets = _categories(tree, threshold, categorical, name)
    default_left = (kind & _DEFAULT_LEFT) != 0
    no_number = np.where(missing == _MISSING.index("nan"), default_left, threshold >= 0)
    at_leaves = np.zeros(leaves, np.int64)
    forest.add_tree(
        np.append(numbers("split_feature", inner, np.int64), at_leaves - 1),
        np.append(_thresholds(threshold), at_leaves.astype(np.float32)),
        children["left"],
        children["right"],
        np.append(np.zeros(inner), numbers("leaf_value", leaves, np.float64)),
        missing_left=np.append(no_number & ~categorical, at_leaves),
        output=output,
        category_set=None if category_set is None else np.append(category_set, at_leaves - 1),
        sets=sets,
        other_left=np.zeros(inner + leaves, bool),
        numbers=np.append(np.full(inner, -1), np.arange(leaves)),
    )


def _thresholds(threshold: np.ndarray) -> np.ndarray:
    """In float32, and as if they were asked of x that has not become 0."""
    tiny = np.abs(threshold) <= _ZERO
    threshold = np.where(tiny & (threshold >= 0), _ZERO, threshold)  # 0 <= t: so is all that has become 0
    threshold = np.where(tiny & (threshold < 0), np.nextafter(-_ZERO, -np.inf), threshold)
    return round_down(threshold)


def _categories(
    tree: dict[str, str], threshold: np.ndarray, categorical: np.ndarray, name: str
) -> tuple[np.ndarray | None, list[np.ndarray]]:
    """The set of categories that go left at each inner node, and its number."""
    if not categorical.any():
        return None, []
    bounds = _numbers(tree["cat_boundaries"], np.int64)
    words = _numbers(tree["cat_threshold"], np.int64).astype(np.uint32)
    chosen = np.where(categorical, threshold, -1).astype(np.int64)
    if np.any(np.diff(bounds) < 0) or bounds[0] != 0 or bounds[-1] != len(words) or chosen.max() >= len(bounds) - 1:
        raise NotExportable(f"{name}: its sets of categories are not whole")
    return chosen, [words[first:last] for first, last in zip(bounds[:-1], bounds[1:])]
