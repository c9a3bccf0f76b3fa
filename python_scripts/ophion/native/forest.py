"""The neutral form of tree ensembles, how it is built, and the proof that its leaves are the trainer's."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable

import numpy as np
import safetensors.numpy

from ophion.native import NotExportable

PROBES = 1024
WORD = 32  # bits of a set's words
MOST_CATEGORIES = 1 << 16  # of a feature: what is beyond is no category but a number


def round_down(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each float64: ``x <= t`` means the same for every float32 x.

    Rounding to nearest would move events that sit on the threshold to the other side.
    """
    threshold = np.asarray(threshold, np.float64)
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
    above = rounded.astype(np.float64) > threshold
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def bit_set(categories: np.ndarray) -> np.ndarray:
    """The words of a set of categories: bit c % 32 of word c // 32, up to the last category in it. uint32.

    Raises
    ------
    NotExportable
        "a split on the category 100000: there is room for 65536"
    """
    categories = np.asarray(categories, np.int64)
    if not len(categories):
        return np.zeros(1, np.uint32)
    if categories.min() < 0 or categories.max() >= MOST_CATEGORIES:
        wrong = categories.min() if categories.min() < 0 else categories.max()
        raise NotExportable(f"a split on the category {wrong}: there is room for 0 to {MOST_CATEGORIES - 1}")
    words = np.zeros(categories.max() // WORD + 1, np.uint32)
    np.bitwise_or.at(words, categories // WORD, np.uint32(1) << (categories % WORD).astype(np.uint32))
    return words


def live_nodes(left: np.ndarray, right: np.ndarray, name: str) -> np.ndarray:
    """Which nodes of a tree that was read from a file can be reached from its first one; bool, one a node.

    Parameters
    ----------
    left, right : arrays of int
        Children; negative: a leaf.

    Raises
    ------
    NotExportable
        A child that is no node, or to which two ways lead: "tree 3: node 5 leads to node 70 of 63".
    """
    if not len(left):
        raise NotExportable(f"{name} has no nodes")
    inner = np.flatnonzero(left >= 0)
    below = np.concatenate([left[inner], right[inner]])
    if len(below) == len(left) - 1 and np.array_equal(np.sort(below), np.arange(1, len(left))):
        if np.all(left[inner] > inner) and np.all(right[inner] > inner):
            return np.ones(len(left), bool)  # as trees are as a rule: each node but the first has one parent, before it
    seen = np.zeros(len(left), bool)
    seen[0] = True
    level = np.zeros(1, np.int64)
    while len(level := level[left[level] >= 0]):
        children = np.concatenate([left[level], right[level]])
        wrong = np.flatnonzero((children < 0) | (children >= len(left)))
        if len(wrong):
            by = level[wrong[0] % len(level)]
            raise NotExportable(f"{name}: node {by} leads to node {children[wrong[0]]} of {len(left)}")
        if len(np.unique(children)) < len(children) or np.any(seen[children]):
            raise NotExportable(f"{name}: two ways lead to one node")
        seen[children] = True
        level = children
    return seen


_INFINITY = 0x7F800000  # bits of float32's


def _numbered(order: np.ndarray) -> np.ndarray:
    """The float32 numbers in their order: 0 is zero, 1 the smallest above it, -1 the largest below."""
    bits = np.where(order < 0, np.int64(0x80000000) - order, order).astype(np.uint32)
    return bits.view(np.float32)


class Forest:
    """Trees as the C++ engine takes them (``native/forest.h``); nodes are numbered through all trees.

    Parameters
    ----------
    features, outputs : int
    link : {"identity", "logistic", "softmax", "exponential", "one_against_rest"}
    base : array of float64, shape (outputs,)
    scale : float
        ``base + scale * sum of the leaves`` goes into the link.
    takes_missing : bool
        Whether NaN is followed down the trees, or refused.
    median_weights : array of float64, shape (trees,), optional
        Where there are some, the weighted median of the leaves stands in the place of their sum.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        link: str,
        base=0.0,
        scale: float = 1.0,
        takes_missing: bool,
        median_weights=None,
    ):
        self.features = features
        self.outputs = outputs
        self.link = link
        self.base = np.broadcast_to(np.asarray(base, np.float64), (outputs,)).copy()
        self.scale = float(scale)
        self.takes_missing = takes_missing
        self.median_weights = median_weights
        self.tree_output: list[int] = []
        self._parts: dict[str, list[np.ndarray]] = {
            name: []
            for name in ("feature", "threshold", "left", "right", "missing_left", "category_set", "other_left", "numbers", "values")
        }
        self._sets: list[np.ndarray] = []

    def add_tree(
        self,
        feature,
        threshold,
        left,
        right,
        values,
        *,
        missing_left=None,
        output: int | None = None,
        category_set=None,
        sets=(),
        other_left=None,
        numbers=None,
    ) -> None:
        """Append a tree.

        Parameters
        ----------
        feature, left, right : arrays of int, one number a node
            A leaf has feature -1. Children count from the tree's first node.
        threshold : array of float64
            ``x <= threshold`` goes left; rounded down, which is the same for every float32 x.
        values : array of float64, shape (nodes,) or (nodes, outputs)
            Those of nodes that are no leaves are not looked at.
        missing_left : array of bool, optional
        output : int, optional
            The output the tree adds to; None when its leaves have a number for every output.
        category_set : array of int, optional
            Of a node that splits on categories: the number of its set in `sets`; -1 of the others.
        sets : sequence of arrays of uint32
            The categories that go left, as `bit_set` gives them.
        other_left : array of bool, optional
            Whether a category beyond the set's words, or a negative one, goes left.
        numbers : array of int, optional
            What the trainer calls each node, or each leaf, where it does not count them as they stand here.
        """
        if output is not None:
            self.tree_output.append(output)
        nodes = {
            "feature": feature,
            "threshold": threshold,
            "left": left,
            "right": right,
            "missing_left": np.zeros(len(feature), bool) if missing_left is None else missing_left,
            "category_set": np.full(len(feature), -1) if category_set is None else category_set + len(self._sets) * (category_set >= 0),
            "other_left": np.zeros(len(feature), bool) if other_left is None else other_left,
            "numbers": np.arange(len(feature)) if numbers is None else numbers,
            "values": values,
        }
        for name, numbers in nodes.items():
            self._parts[name].append(np.asarray(numbers))
        self._sets += [np.asarray(words, np.uint32) for words in sets]

    @functools.cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """By the names of ``native/forest.h``. Looked at when all trees are there."""
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        sizes = [len(part) for part in self._parts["feature"]]
        roots = np.cumsum([0, *sizes[:-1]])
        leaf = whole["feature"] < 0
        beyond = np.flatnonzero(whole["feature"] >= self.features)
        if len(beyond):
            tree = np.searchsorted(roots, beyond[0], side="right") - 1
            raise NotExportable(f"tree {tree} asks for feature {whole['feature'][beyond[0]]} of {self.features}")
        in_set = (whole["category_set"] >= 0) & ~leaf
        first = np.repeat(roots, sizes)
        found = {
            "roots": roots.astype(np.int32),
            "feature": np.where(leaf, -1, whole["feature"]).astype(np.int32),
            "threshold": np.where(leaf | in_set, np.float32(0), round_down(whole["threshold"])),
            "left": np.where(leaf, np.cumsum(leaf) - 1, whole["left"] + first).astype(np.int32),
            "right": np.where(leaf, 0, whole["right"] + first).astype(np.int32),
            "values": whole["values"][leaf].astype(np.float64).ravel(),
            "base": self.base,
        }
        if self.takes_missing:
            found["missing_left"] = ((whole["missing_left"] != 0) & ~leaf).astype(np.int32)
        if self.median_weights is not None:
            found["tree_weight"] = np.array(self.median_weights, np.float64)
        if self.tree_output:
            found["tree_output"] = np.asarray(self.tree_output, np.int32)
        if self._sets:
            found["category_set"] = np.where(in_set, whole["category_set"], -1).astype(np.int32)
            found["other_left"] = ((whole["other_left"] != 0) & in_set).astype(np.int32)
            found["set_first"] = np.cumsum([0, *map(len, self._sets)]).astype(np.int32)
            found["set_words"] = np.concatenate(self._sets).view(np.int32)
        return found

    def through(self, transform: Callable[[np.ndarray], np.ndarray]) -> None:
        """Ask of x what the splits ask of transform(x): each threshold t becomes the largest x with transform(x) <= t.

        Parameters
        ----------
        transform : callable
            Float32 events to float32 events, each column by itself and never falling.

        Raises
        ------
        NotExportable
            Splits on categories, or an event that does not take the same turns.
        """
        if self._sets:
            raise NotExportable("splits on categories of features that were transformed")
        arrays = self.arrays
        here = [np.flatnonzero(arrays["feature"] == column) for column in range(self.features)]
        known = [np.unique(arrays["threshold"][nodes]) for nodes in here]
        wanted = np.zeros((max(map(len, known)), self.features), np.float32)
        for column, thresholds in enumerate(known):
            wanted[: len(thresholds), column] = thresholds
        low = np.full(wanted.shape, -_INFINITY, np.int32)  # by bisection over all float32 numbers
        high = np.full(wanted.shape, _INFINITY, np.int32)
        while np.any(open_ := low + 1 < high):
            middle = (low.astype(np.int64) + high) // 2
            below = transform(_numbered(middle)) <= wanted
            low = np.where(open_ & below, middle, low).astype(np.int32)
            high = np.where(open_ & ~below, middle, high).astype(np.int32)
        found = _numbered(low)
        before = copy.copy(self)
        before.arrays = dict(arrays)
        arrays["threshold"] = arrays["threshold"].copy()
        for column, nodes in enumerate(here):
            arrays["threshold"][nodes] = found[np.searchsorted(known[column], before.arrays["threshold"][nodes]), column]
        self.demand_leaves(lambda x: before.leaf_nodes(transform(x)), "after a transform")

    def members(self) -> dict[str, bytes]:
        """What goes into the model file."""
        description = {"kind": "forest", "link": self.link, "scale": self.scale}
        if self.median_weights is not None:
            description["join"] = "weighted_median"
        return {
            "model.json": json.dumps(description, indent=1).encode(),
            "arrays.safetensors": safetensors.numpy.save(self.arrays),
        }

    def leaf_nodes(self, x: np.ndarray) -> np.ndarray:
        """The leaf each event ends in, by the trainer's number: int, shape (events, trees)."""
        arrays, columns, together = self.arrays, x.shape[1], 64
        feature, threshold, roots = arrays["feature"], arrays["threshold"], arrays["roots"]
        children = np.stack([arrays["right"], arrays["left"]], axis=1).ravel()
        values = np.ascontiguousarray(x).ravel()
        leaves = np.empty((len(x), len(roots)), np.int32)
        for first in range(0, len(x), together):  # all trees at once, of as many events as the processor's cache holds
            events = np.arange(first, min(first + together, len(x)))
            at, event = np.tile(roots, len(events)), np.repeat(events * columns, len(roots))
            ends, walking = at.copy(), np.arange(len(at))
            while len(walking):
                column = feature.take(at)
                going = np.flatnonzero(column >= 0)
                if len(going) < len(at):
                    ends[walking] = at
                    walking, at, event, column = (one.take(going) for one in (walking, at, event, column))
                value = values.take(event + column)
                left = value <= threshold.take(at)
                if self._sets:
                    chosen = np.flatnonzero(arrays["category_set"].take(at) >= 0)
                    left[chosen] = self._in_set(at[chosen], value[chosen])
                if self.takes_missing:
                    missing = np.flatnonzero(np.isnan(value))
                    left[missing] = arrays["missing_left"].take(at[missing]) != 0
                at = children.take(2 * at + left)
            leaves[events] = ends.reshape(len(events), -1)
        return np.concatenate(self._parts["numbers"])[leaves]

    def _in_set(self, node: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Whether a category goes left at a node that splits on categories; False for NaN."""
        arrays = self.arrays
        category = np.where(np.isfinite(value), np.clip(value, -1e9, 1e9), -1).astype(np.int64)  # toward zero, as in C
        first = arrays["set_first"][arrays["category_set"][node]]
        inside = (category >= 0) & (category < (arrays["set_first"][arrays["category_set"][node] + 1] - first) * WORD)
        word = arrays["set_words"].view(np.uint32)[np.where(inside, first + category // WORD, 0)]
        bit = (word >> (np.where(inside, category, 0) % WORD).astype(np.uint32)) & 1
        return np.where(inside, bit != 0, (arrays["other_left"][node] != 0) & ~np.isnan(value))

    def probes(self) -> np.ndarray:
        """Events that sit exactly on thresholds and right beside them, some with missing numbers: float32."""
        arrays = self.arrays
        random = np.random.default_rng(0)
        x = random.standard_normal((PROBES, self.features)).astype(np.float32)
        for column in range(self.features):
            splits = arrays["feature"] == column
            if self._sets and np.any(arrays["category_set"][splits] >= 0):
                x[:, column] = self._categories(arrays["category_set"][splits], random)
                continue
            known = arrays["threshold"][splits]
            known = known[np.abs(known) < np.finfo(np.float32).max]
            if not len(known):
                continue
            chosen = random.choice(known, PROBES)
            where = random.integers(0, 4, PROBES)  # on it, just below, just above, anywhere
            x[:, column] = np.select(
                [where == 0, where == 1, where == 2],
                [chosen, np.nextafter(chosen, np.float32(-np.inf)), np.nextafter(chosen, np.float32(np.inf))],
                chosen + x[:, column],
            )
        most = np.finfo(np.float32).max
        x = np.clip(x, -most, most)  # the trainers take no infinity
        if self.takes_missing:
            x[PROBES // 2 :][random.random((PROBES - PROBES // 2, self.features)) < 0.2] = np.nan
        return x

    def _categories(self, category_set: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Categories in these sets and beside them: negative, just beyond, far beyond."""
        first = self.arrays["set_first"]
        known = category_set[category_set >= 0]
        words = (first[known + 1] - first[known]).max()
        found = random.integers(-2, words * WORD + 3, PROBES)
        return np.where(random.random(PROBES) < 0.02, 100_000, found).astype(np.float32)

    def demand_leaves(self, trainers: Callable[[np.ndarray], np.ndarray], name: str) -> None:
        """Compare with the leaves that the trainer itself finds: a forest that only scores alike may hide swapped leaves.

        Parameters
        ----------
        trainers : callable
            x -> node of the leaf in each tree, int, shape (events, trees).

        Raises
        ------
        NotExportable
            "RandomForestClassifier: tree 3 sends an event to leaf 7, its native form to leaf 8"
        """
        x = self.probes()
        theirs, ours = np.asarray(trainers(x)), self.leaf_nodes(x)
        wrong = np.argwhere(theirs != ours)
        if len(wrong):
            event, tree = wrong[0]
            raise NotExportable(
                f"{name}: tree {tree} sends an event to leaf {theirs[event, tree]}, its native form to leaf {ours[event, tree]}"
            )
