"""Puts the policy for missing values and the transforms in front of an ONNX graph that a method exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ophion import contract
from ophion._onnx_form import FEATURES, PREFIX, SCORES, model_of, prefixed
from ophion.errors import DataError


class Job(contract.Job):
    """One graph.

    Sums and products are done in float64 and rounded once, as C++ does them (native/transform.h).
    """

    def __init__(self, features: Sequence[str], outputs: Sequence[str], missing: str, transforms: Sequence[Mapping[str, Any]]):
        self._features = list(features)
        self._outputs = list(outputs)
        self._missing = missing
        self._transforms = transforms

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
        """Make the whole graph.

        Parameters
        ----------
        data : dict
            graph : ndarray of uint8
                An ONNX file: "features" (rows, n_features) after the transforms, to "scores" (rows, n_outputs).
            <step>.<array> : ndarray of float64
                As native/transform.h names them.

        Returns
        -------
        dict of ndarray of uint8
            "graph": the same from the features as they are.
        """
        network = onnx.load_model_from_string(data["graph"].tobytes())
        opset = next(one.version for one in network.opset_import if one.domain in ("", "ai.onnx"))
        front = _Front(len(self._features))
        for number, transform in enumerate(self._transforms):
            own = f"{number}."
            arrays = {name.removeprefix(own): array for name, array in data.items() if name.startswith(own)}
            front.add(transform["type"], transform["settings"], arrays)
        inner = prefixed(network.graph)
        model = model_of(
            self._nodes(front, inner),
            [*front.constants, numpy_helper.from_array(np.array(np.nan, np.float32), "nan"), *inner.initializer],
            self._features,
            self._outputs,
            self._missing,
            {"": opset},
            network.ir_version,
        )
        onnx.checker.check_model(model, full_check=True)
        return {}, {"graph": np.frombuffer(model.SerializeToString(), np.uint8)}

    def _nodes(self, front: _Front, inner: onnx.GraphProto) -> list[onnx.NodeProto]:
        transformed = front.finish()
        incomplete = [FEATURES, transformed] if front.partial else [FEATURES]
        scores = PREFIX + SCORES
        nodes = [*front.nodes, helper.make_node("Identity", [transformed], [PREFIX + FEATURES]), *inner.node]
        if self._missing in ("error", "drop"):
            return nodes + self._nan_where_missing(incomplete, scores)
        return [*nodes, helper.make_node("Identity", [scores], [SCORES])]

    def _nan_where_missing(self, matrices: Sequence[str], scores: str) -> list[onnx.NodeProto]:
        """Ophion scores no event that lacks a number, in any of the matrices: others see NaN."""
        nodes = []
        for number, matrix in enumerate(matrices):
            own = f"missing{number}/"
            result = SCORES if number + 1 == len(matrices) else own + SCORES
            nodes += [
                helper.make_node("IsNaN", [matrix], [own + "is_nan"]),
                helper.make_node("IsInf", [matrix], [own + "is_infinite"]),
                helper.make_node("Or", [own + "is_nan", own + "is_infinite"], [own + "is_missing"]),
                helper.make_node("Cast", [own + "is_missing"], [own + "numbers"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMax", [own + "numbers"], [own + "rows"], axes=[1], keepdims=1),
                helper.make_node("Cast", [own + "rows"], [own + "lacks_a_number"], to=TensorProto.BOOL),
                helper.make_node("Where", [own + "lacks_a_number", "nan", scores], [result]),
            ]
            scores = result
        return nodes


class _Front:
    """Nodes from the features to what the network takes.

    Each transform is a method of its name, which works on all columns there are now. Those that make new columns give their number.
    """

    def __init__(self, n_features: int):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.partial = False  # whether a step may give NaN for a number
        self._width = n_features
        self._now = FEATURES
        self._wide = False  # whether `_now` is float64

    def add(self, kind: str, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        if kind not in STEPS:
            raise DataError(f"the transform '{kind}' has no ONNX form; those that have: {', '.join(STEPS)}")
        if not self._wide:
            self.node("Cast", to=TensorProto.DOUBLE)
            self._wide = True
        columns = [int(column) for column in arrays.get("columns", range(self._width))]
        others = [column for column in range(self._width) if column not in columns]
        whole = self._now
        if columns != list(range(self._width)):
            self._pick(columns)
        made = STEPS[kind](self, settings, arrays)
        if others:
            done, self._now = self._now, whole
            self._pick(others)
            self._now = self._add_node("Concat", [self._now, done], axis=1)
        if made:
            self._width = len(others) + made
        elif (order := others + columns) != sorted(order):
            self._pick([int(place) for place in np.argsort(order)])

    def finish(self) -> str:
        """The name of what the network takes."""
        if self._wide:
            self.node("Cast", to=TensorProto.FLOAT)
        return self._now

    def node(self, operator: str, *constants: np.ndarray, **attributes) -> str:
        """operator(what there is now, *constants), which is from then on what there is now."""
        self._now = self._add_node(operator, [self._now, *(self._constant(np.asarray(one, np.float64)) for one in constants)], **attributes)
        return self._now

    def _constant(self, array: np.ndarray) -> str:
        name = f"front/constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def _add_node(self, operator: str, inputs: Sequence[str], **attributes) -> str:
        name = f"front/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _pick(self, columns: Sequence[int]) -> None:
        """These columns of what there is now, in this order."""
        self._now = self._add_node("Gather", [self._now, self._constant(np.array(columns, np.int64))], axis=1)

    def standard(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self.node("Sub", arrays["mean"])
        self.node("Div", arrays["scale"])

    def minmax(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self.node("Mul", arrays["scale"])
        self.node("Add", arrays["min"])
        if settings.get("clip") == "true":
            low, high = arrays["range"]
            self.node("Clip", np.array(low), np.array(high))

    def robust(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self.node("Sub", arrays["center"])
        self.node("Div", arrays["scale"])

    def clip(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        """Column by column: Max and Min, for which NaN wins, as for Clip."""
        for operator, side in (("Max", "low"), ("Min", "high")):
            if side in arrays:
                self.node(operator, arrays[side])

    def log(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        if settings.get("form") == "symmetric":
            x = self._now
            self.node("Abs")
            self.node("Add", np.array(1.0))
            logarithm = self.node("Log")
            self._now = self._add_node("Mul", [logarithm, self._add_node("Sign", [x])])
            return
        self.partial = self.partial or "outside" not in arrays
        outside = self._constant(np.asarray(arrays.get("outside", np.nan), np.float64))
        x = self.node("Add", arrays["offset"])
        is_defined = self._add_node("Greater", [x, self._constant(np.array(0.0))])
        self._now = self._add_node("Where", [is_defined, self._add_node("Log", [x]), outside])

    def decorrelate(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self._linear(arrays["mean"], arrays["matrix"])

    def pca(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> int:
        return self._linear(arrays["mean"], arrays["components"])

    def _linear(self, mean: np.ndarray, matrix: np.ndarray) -> int:
        rows = matrix.reshape(-1, len(mean))
        self.node("Sub", mean)
        self.node("MatMul", np.ascontiguousarray(rows.T))
        return len(rows)

    def onehot(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> int:
        self._pick(np.repeat(np.arange(len(arrays["counts"])), arrays["counts"].astype(int)))
        self.node("Equal", arrays["categories"])
        self.node("Cast", to=TensorProto.DOUBLE)
        return len(arrays["categories"])

    def impute(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        """`value` in place of NaN and infinities. IsInf takes no float64 before opset 20; x - x is NaN for both."""
        features = self._now
        self._now = self._add_node("Sub", [features, features])
        self.node("IsNaN")
        self.node("Where", arrays["value"])
        self.nodes[-1].input.append(features)


STEPS = {
    name: getattr(_Front, name) for name in ("standard", "robust", "minmax", "clip", "log", "impute", "decorrelate", "pca", "onehot")
}


def start(arguments: Mapping[str, Any]) -> Job:
    """Begin a graph.

    Parameters
    ----------
    arguments : dict
        features, outputs : list of str
        missing : str
            The policy: "error", "drop", "impute" or "keep".
        transforms : list of {"type": str, "settings": {str: str}}
    """
    return Job(arguments["features"], arguments["outputs"], arguments["missing"], arguments["transforms"])
