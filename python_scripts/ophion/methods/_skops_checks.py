"""What is looked at in a skops file before and after objects are made of it.

skops makes only objects of trusted types, but does not look into them. Two types hold node arrays that scikit-learn
walks without a look at the indices (`Tree` and HistGradientBoosting's `TreePredictor`): a child that points before
its parent loops for ever, one beyond the array crashes the process. So every such array is checked on skops' own node
graph, which is what the objects are then made of.
"""

from __future__ import annotations

import io
import json
from typing import Any, Iterator, Mapping

import numpy as np
from skops.io._audit import CachedNode, Node
from skops.io._general import ObjectNode, TypeNode
from skops.io._sklearn import TreeNode

TREE = "sklearn.tree._tree.Tree"
PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting."
CHECK_ARRAY = "sklearn.utils.validation.check_array"
WORDS = 8  # of 32 bits: a set of the categories 0 to 255

# Gradient boosting begins with what another estimator gives: these give as many columns as can be looked up.
_FIRST_SCORES = ("sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor")

# Estimators that hand their own x on to the trees below them unchecked.
_HAND_ON = (
    "sklearn.ensemble._forest.",
    "sklearn.ensemble._gb.",
    "sklearn.tree._classes.",
    "sklearn.ensemble._hist_gradient_boosting.",
)


def check_graph(graph: Node) -> None:
    """Look into what is not made yet.

    Raises
    ------
    ValueError
        A tree that would lead scikit-learn astray: names it.
    """
    for node, limit in walk(graph):
        name = name_of(node)
        if isinstance(node, TypeNode):  # a type by itself, no object
            continue
        if isinstance(node, TreeNode):
            _check_tree(node, limit)
        elif name == PREDICTOR and isinstance(node, ObjectNode):
            _check_predictor(node, limit)
        elif name in (TREE, PREDICTOR):
            raise ValueError(f"{name}: not written as scikit-learn's objects are")
        elif name == "functools.partial":
            _check_partial(node)
        elif name.startswith(BOOSTING):
            _check_categories(node)
        elif name.startswith("sklearn.ensemble._gb."):
            _check_stages(node)


def check_made(graph: Node) -> None:
    """Try what only the objects themselves can tell; ValueError as in `check_graph`."""
    for node, _ in walk(graph):
        if not isinstance(node, ObjectNode):
            continue
        if name_of(node).startswith("sklearn.ensemble._gb.") and begins_plainly(node):
            _check_first_scores(node.construct())
        if name_of(node).startswith(BOOSTING):
            _check_preprocessor(node.construct())


def walk(root: Node) -> Iterator[tuple[Node, int | None]]:
    """Every node, with the number of features of the estimators above it that hand their x on to trees."""
    stack: list[tuple[Node, int | None]] = [(root, None)]
    seen = set()
    while stack:
        node, limit = stack.pop()
        if isinstance(node, CachedNode):
            node = node.cached
        if (id(node), limit) in seen:
            continue
        seen.add((id(node), limit))
        yield node, limit
        name = name_of(node)
        if (
            name.startswith("sklearn.")
            and isinstance(node, ObjectNode)
            and node.attrs is not None
            and name != PREDICTOR
        ):
            own = _features(node) if name.startswith(_HAND_ON) else None
            if own is not None:
                limit = own if limit is None else min(limit, own)
            elif not name.startswith(_HAND_ON):
                limit = None  # an estimator that makes other features for those below
        for child in node.children.values():
            below = child if isinstance(child, list) else child.values() if isinstance(child, dict) else [child]
            stack.extend((one, limit) for one in below if isinstance(one, Node))


def begins_plainly(node: Node) -> bool:
    """Whether gradient boosting begins with scores whose number of columns can be looked up."""
    first = _attributes(node, name_of(node)).get("init_")
    return first is None or name_of(first) in (*_FIRST_SCORES, "builtins.str")


def _check_tree(node: Node, limit: int | None) -> None:
    attributes = _attributes(node, TREE)
    arguments = getattr(node.args, "content", None)
    if not isinstance(arguments, list) or len(arguments) != 3:
        raise ValueError(f"{TREE}: not made as scikit-learn makes it")
    n_features, n_outputs = _number(arguments[0]), _number(arguments[2])
    n_classes = _array({"n_classes": arguments[1]}, "n_classes", TREE)
    nodes = _array(attributes, "nodes", TREE)
    values = _array(attributes, "values", TREE)
    count = _number(attributes.get("node_count"))
    if (
        nodes.ndim != 1
        or nodes.dtype.names is None
        or not {"left_child", "right_child", "feature"} <= set(nodes.dtype.names)
    ):
        raise ValueError(f"{TREE}: the nodes have dtype {nodes.dtype} and shape {nodes.shape}")
    if (
        n_classes.shape != (n_outputs,)
        or n_classes.dtype != np.intp
        or not np.all((n_classes > 0) & (n_classes < 2**20))
    ):
        raise ValueError(f"{TREE}: {n_outputs} outputs, but classes of shape {n_classes.shape}")
    if (
        values.dtype != np.float64
        or values.shape != (len(nodes), n_outputs, int(n_classes.max()))
        or count != len(nodes)
    ):
        raise ValueError(
            f"{TREE}: {len(nodes)} nodes, node_count {count}, values of shape {values.shape} and {values.dtype}"
        )
    if any(nodes.dtype[name].kind != "i" for name in ("left_child", "right_child", "feature")):
        raise ValueError(f"{TREE}: the nodes have dtype {nodes.dtype}")
    inner = nodes["left_child"] != -1
    _check_children(TREE, nodes["left_child"], nodes["right_child"], inner)
    _check_features(TREE, nodes["feature"], inner, n_features if limit is None else min(n_features, limit))


def _check_predictor(node: Node, limit: int | None) -> None:
    nodes = _array(_attributes(node, PREDICTOR), "nodes", PREDICTOR)
    wanted = {"left", "right", "feature_idx", "is_leaf", "is_categorical"}
    if nodes.ndim != 1 or nodes.dtype.names is None or not wanted <= set(nodes.dtype.names):
        raise ValueError(f"{PREDICTOR}: the nodes have dtype {nodes.dtype} and shape {nodes.shape}")
    if limit is None:
        raise ValueError(f"{PREDICTOR}: not part of an estimator that says how many features it has")
    inner = nodes["is_leaf"] == 0
    _sets_of_categories(node)
    _check_children(PREDICTOR, nodes["left"], nodes["right"], inner)
    _check_features(PREDICTOR, nodes["feature_idx"], inner, limit)


def _sets_of_categories(node: Node) -> int:
    """How many splits on categories a predictor has; each one's set of categories must be there."""
    attributes = _attributes(node, PREDICTOR)
    nodes = _array(attributes, "nodes", PREDICTOR)
    splits = nodes["bitset_idx"][nodes["is_categorical"] != 0] if "bitset_idx" in nodes.dtype.names else None
    if splits is None or splits.dtype != np.uint32:
        raise ValueError(f"{PREDICTOR}: the nodes have dtype {nodes.dtype}")
    if len(splits):
        sets = _array(attributes, "raw_left_cat_bitsets", PREDICTOR)
        if sets.dtype != np.uint32 or sets.ndim != 2 or sets.shape[1] != WORDS or splits.max() >= len(sets):
            raise ValueError(
                f"{PREDICTOR}: splits on categories up to set {splits.max()}, but sets of shape {sets.shape} and {sets.dtype}"
            )
    return len(splits)


def _check_categories(node: Node) -> None:
    """The table of known categories has a row for each feature that is one: splits on categories look into it."""
    name = name_of(node)
    mapper = _attributes(node, name).get("_bin_mapper")
    flags = _array(_attributes(mapper, f"{name}._bin_mapper"), "is_categorical_", f"{name}._bin_mapper")
    kept = flags.ndim == 1 and flags.dtype.kind in "bu" and flags.itemsize == 1 and len(flags) == _features(node)
    splits = sum(_sets_of_categories(one) for one, _ in walk(node) if name_of(one) == PREDICTOR and isinstance(one, ObjectNode))
    if not kept or (splits and not flags.any()):
        raise ValueError(f"{name}: {splits} splits on categories, but is_categorical_ says {flags.tolist()}")


def _check_preprocessor(boosted: Any) -> None:
    """It hands on as many features as it is given, which the trees walk unchecked: it renames categories, no more."""
    first = boosted._preprocessor
    if first is None:
        return
    features = boosted.n_features_in_
    steps = [one for _, one, _ in getattr(first, "transformers_", ())]
    kinds = [type(one).__name__ for one in steps if not isinstance(one, str)]  # "drop" what nobody took
    if type(first).__name__ != "ColumnTransformer" or not set(kinds) <= {"OrdinalEncoder", "FunctionTransformer"}:
        raise ValueError(f"{type(boosted).__name__}: its features come from {type(first).__name__} of {', '.join(kinds)}")
    found = first.transform(np.zeros((1, features))).shape
    if found != (1, features):
        raise ValueError(f"{type(boosted).__name__}: makes features of shape {found}, expected (1, {features})")


def _check_partial(node: Node) -> None:
    if name_of(getattr(node, "func", node)) != CHECK_ARRAY:
        raise ValueError(f"functools.partial of {name_of(getattr(node, 'func', node))}, expected {CHECK_ARRAY}")


def _check_stages(node: Node) -> None:
    """Gradient boosting adds column k of its trees to column k of the scores, unchecked."""
    name = name_of(node)
    attributes = _attributes(node, name)
    stages = getattr(attributes.get("estimators_"), "items", None)
    expected = _number(attributes.get("n_trees_per_iteration_"))
    if not isinstance(stages, list) or any(len(getattr(one, "content", ())) != expected for one in stages):
        raise ValueError(f"{name}: its stages don't all have {expected} trees")


def _check_first_scores(boosted: Any) -> None:
    """Its trees add to the scores that it begins with, of which there must be a column for each."""
    found = boosted._raw_predict_init(np.zeros((1, boosted.n_features_in_), np.float32)).shape
    if found != (1, boosted.n_trees_per_iteration_):
        raise ValueError(
            f"{type(boosted).__name__}: begins with scores of shape {found} for {boosted.n_trees_per_iteration_} trees"
        )


def _check_children(kind: str, left: np.ndarray, right: np.ndarray, inner: np.ndarray) -> None:
    if len(inner) == 0:
        raise ValueError(f"{kind}: a tree without nodes")
    for side, child in (("left", left.astype(np.int64)), ("right", right.astype(np.int64))):
        wrong = np.flatnonzero(inner & ((child <= np.arange(len(child))) | (child >= len(child))))
        if len(wrong):
            at = wrong[0]
            raise ValueError(
                f"{kind}: the {side} child of node {at} is {child[at]}, expected {at + 1} to {len(child) - 1}"
            )


def _check_features(kind: str, feature: np.ndarray, inner: np.ndarray, n_features: int) -> None:
    wrong = np.flatnonzero(inner & ((feature < 0) | (feature >= n_features)))
    if len(wrong):
        raise ValueError(
            f"{kind}: node {wrong[0]} asks for feature {feature[wrong[0]]}, expected 0 to {n_features - 1}"
        )


def name_of(node: Node) -> str:
    """Of its type: "sklearn.tree._tree.Tree"."""
    return f"{node.module_name}.{node.class_name}"


def _attributes(node: Node, kind: str) -> Mapping[str, Node]:
    """What the object's __dict__ will be."""
    content = getattr(getattr(node, "attrs", None), "content", None)
    if not isinstance(content, dict):
        raise ValueError(f"{kind}: not written as scikit-learn's objects are")
    return content


def _array(attributes: Mapping[str, Node], name: str, kind: str) -> np.ndarray:
    node = attributes.get(name)
    if getattr(node, "type", None) != "numpy" or not hasattr(node, "buffer"):
        raise ValueError(f"{kind}: '{name}' is no array")
    return np.load(io.BytesIO(node.buffer.getvalue()), allow_pickle=False)


def _number(node: Any) -> int:
    """A whole number: plain, or a NumPy scalar."""
    if getattr(node, "type", None) == "numpy":
        value = _array({"": node}, "", "a number")
        return int(value) if value.shape == () else -1
    try:
        value = json.loads(node.content)
    except (AttributeError, TypeError, ValueError):
        return -1
    return value if type(value) is int else -1


def _features(node: Node) -> int | None:
    found = _attributes(node, name_of(node)).get("n_features_in_")
    return None if found is None else _number(found)
