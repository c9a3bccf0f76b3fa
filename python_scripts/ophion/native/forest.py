"""The neutral form of tree ensembles, how it is built, and the proof that its leaves are the trainer's."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable

import numpy as np
import safetensors.numpy

from ophion.native import NotExportable

PROBES = 1024


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


class Forest:
    """Trees as the C++ engine takes them (``native/forest.h``); nodes are numbered through all trees.

    Parameters
    ----------
    features, outputs : int
    link : {"identity", "logistic", "softmax", "exponential"}
    base : array of float64, shape (outputs,)
    scale : float
        ``base + scale * sum of the leaves`` goes into the link.
    takes_missing : bool
        Whether NaN is followed down the trees, or refused.
    """

    def __init__(self, features: int, outputs: int, *, link: str, base=0.0, scale: float = 1.0, takes_missing: bool):
        self.features = features
        self.outputs = outputs
        self.link = link
        self.base = np.broadcast_to(np.asarray(base, np.float64), (outputs,)).copy()
        self.scale = float(scale)
        self.takes_missing = takes_missing
        self.roots: list[int] = []
        self.tree_output: list[int] = []
        self._parts: dict[str, list[np.ndarray]] = {
            name: [] for name in ("feature", "threshold", "left", "right", "missing_left", "values")
        }
        self._nodes = self._leaves = 0

    def add_tree(self, feature, threshold, left, right, values, *, missing_left=None, output: int | None = None) -> None:
        """Append a tree.

        Parameters
        ----------
        feature, left, right : arrays of int, one number a node
            A leaf has feature -1. Children count from the tree's first node.
        threshold : array of float32
            ``x <= threshold`` goes left.
        values : array of float64, shape (nodes,) or (nodes, outputs)
            Those of nodes that are no leaves are not looked at.
        missing_left : array of bool, optional
        output : int, optional
            The output the tree adds to; None when its leaves have a number for every output.
        """
        feature = np.asarray(feature, np.int64)
        leaf = feature < 0
        values = np.asarray(values, np.float64)[leaf]
        row = np.cumsum(leaf) - 1 + self._leaves
        self.roots.append(self._nodes)
        if output is not None:
            self.tree_output.append(output)
        nodes = {
            "feature": np.where(leaf, -1, feature),
            "threshold": np.where(leaf, np.float32(0), np.asarray(threshold, np.float32)),
            "left": np.where(leaf, row, np.asarray(left, np.int64) + self._nodes),
            "right": np.where(leaf, 0, np.asarray(right, np.int64) + self._nodes),
            "missing_left": np.zeros(len(feature), bool) if missing_left is None else np.asarray(missing_left, bool) & ~leaf,
        }
        for name, numbers in nodes.items():
            self._parts[name].append(numbers)
        self._parts["values"].append(values.ravel())
        self._nodes += len(feature)
        self._leaves += len(values)

    @functools.cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """By the names of ``native/forest.h``. Looked at when all trees are there."""
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        found = {name: whole[name].astype(np.int32) for name in ("feature", "left", "right")}
        found |= {"roots": np.asarray(self.roots, np.int32), "threshold": whole["threshold"].astype(np.float32)}
        found |= {"values": whole["values"], "base": self.base}
        if self.takes_missing:
            found["missing_left"] = whole["missing_left"].astype(np.int32)
        if self.tree_output:
            found["tree_output"] = np.asarray(self.tree_output, np.int32)
        return found

    def members(self) -> dict[str, bytes]:
        """What goes into the model file."""
        description = {"kind": "forest", "link": self.link, "scale": self.scale}
        return {
            "model.json": json.dumps(description, indent=1).encode(),
            "arrays.safetensors": safetensors.numpy.save(self.arrays),
        }

    def leaf_nodes(self, x: np.ndarray) -> np.ndarray:
        """The leaf each event ends in, counted from its tree's first node: int, shape (events, trees)."""
        arrays = self.arrays
        node = np.tile(arrays["roots"], len(x))  # event by event, all trees at once
        walking = np.flatnonzero(arrays["feature"][node] >= 0)
        while len(walking):
            at = node[walking]
            value = x[walking // len(self.roots), arrays["feature"][at]]
            left = value <= arrays["threshold"][at]
            if self.takes_missing:
                left |= np.isnan(value) & (arrays["missing_left"][at] != 0)
            at = np.where(left, arrays["left"][at], arrays["right"][at])
            node[walking] = at
            walking = walking[arrays["feature"][at] >= 0]
        return node.reshape(len(x), -1) - arrays["roots"]

    def probes(self) -> np.ndarray:
        """Events that sit exactly on thresholds and right beside them, some with missing numbers: float32."""
        arrays = self.arrays
        random = np.random.default_rng(0)
        x = random.standard_normal((PROBES, self.features)).astype(np.float32)
        for column in range(self.features):
            known = arrays["threshold"][arrays["feature"] == column]
            known = known[np.isfinite(known)]
            if not len(known):
                continue
            chosen = random.choice(known, PROBES)
            where = random.integers(0, 4, PROBES)  # on it, just below, just above, anywhere
            x[:, column] = np.select(
                [where == 0, where == 1, where == 2],
                [chosen, np.nextafter(chosen, np.float32(-np.inf)), np.nextafter(chosen, np.float32(np.inf))],
                chosen + x[:, column],
            )
        if self.takes_missing:
            x[PROBES // 2 :][random.random((PROBES - PROBES // 2, self.features)) < 0.2] = np.nan
        return x

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
