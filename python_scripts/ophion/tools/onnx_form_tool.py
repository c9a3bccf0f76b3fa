"""Puts the policy for missing values and the transforms in front of an ONNX graph that a method exported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from ophion.errors import DataError

FEATURES, SCORES = "features", "scores"
# Names of the graph's own get this in front, so that none of them is one of ours.
PREFIX = "network/"


class Job:
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
        graph = self._joined(front, network.graph)
        model = helper.make_model(
            graph,
            producer_name="ophion",
            opset_imports=[helper.make_opsetid("", opset)],
            ir_version=network.ir_version,
        )
        helper.set_model_props(
            model,
            {"features": json.dumps(self._features), "outputs": json.dumps(self._outputs), "missing": self._missing},
        )
        onnx.checker.check_model(model, full_check=True)
        return {}, {"graph": np.frombuffer(model.SerializeToString(), np.uint8)}

    def finish(self) -> dict[str, Any]:
        return {}

    def abandon(self) -> None:
        pass

    def _joined(self, front: _Front, network: onnx.GraphProto) -> onnx.GraphProto:
        transformed = front.finish()
        scores = PREFIX + SCORES
        network = compose.add_prefix_graph(network, PREFIX)
        nodes = [*front.nodes, helper.make_node("Identity", [transformed], [PREFIX + FEATURES]), *network.node]
        if self._missing in ("error", "drop"):
            nodes += self._nan_where_missing(scores)
        else:
            nodes.append(helper.make_node("Identity", [scores], [SCORES]))
        return helper.make_graph(
            nodes,
            "ophion",
            [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["rows", len(self._features)])],
            [helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["rows", len(self._outputs)])],
            initializer=[*front.constants, numpy_helper.from_array(np.array(np.nan, np.float32), "nan"), *network.initializer],
        )

    def _nan_where_missing(self, scores: str) -> list[onnx.NodeProto]:
        """Ophion scores no event that lacks a number: others see NaN."""
        return [
            helper.make_node("IsNaN", [FEATURES], ["is_nan"]),
            helper.make_node("IsInf", [FEATURES], ["is_infinite"]),
            helper.make_node("Or", ["is_nan", "is_infinite"], ["is_missing"]),
            helper.make_node("Cast", ["is_missing"], ["missing_numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMax", ["missing_numbers"], ["missing_rows"], axes=[1], keepdims=1),
            helper.make_node("Cast", ["missing_rows"], ["lacks_a_number"], to=TensorProto.BOOL),
            helper.make_node("Where", ["lacks_a_number", "nan", scores], [SCORES]),
        ]


class _Front:
    """Nodes from the features to what the network takes."""

    def __init__(self, n_features: int):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._n_features = n_features
        self._now = FEATURES
        self._wide = False  # whether `_now` is float64

    def add(self, kind: str, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        if kind not in STEPS:
            raise DataError(f"the transform '{kind}' has no ONNX form; those that have: {', '.join(STEPS)}")
        if not self._wide:
            self.node("Cast", to=TensorProto.DOUBLE)
            self._wide = True
        STEPS[kind](self, settings, arrays)

    def finish(self) -> str:
        """The name of what the network takes."""
        if self._wide:
            self.node("Cast", to=TensorProto.FLOAT)
        return self._now

    def node(self, operator: str, *constants: np.ndarray, **attributes) -> str:
        """operator(what there is now, *constants), which is from then on what there is now."""
        inputs = [self._now]
        for constant in constants:
            inputs.append(f"front/constant{len(self.constants)}")
            self.constants.append(numpy_helper.from_array(np.asarray(constant, np.float64), inputs[-1]))
        self._now = f"front/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [self._now], **attributes))
        return self._now

    def standard(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self.node("Sub", arrays["mean"])
        self.node("Div", arrays["scale"])

    def minmax(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        self.node("Mul", arrays["scale"])
        self.node("Add", arrays["min"])
        if settings.get("clip") == "true":
            low, high = arrays["range"]
            self.node("Clip", np.array(low), np.array(high))

    def impute(self, settings: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
        """`value` in place of NaN and infinities. IsInf takes no float64 before opset 20; x - x is NaN for both."""
        features = self._now
        self.nodes.append(helper.make_node("Sub", [features, features], ["front/zero"]))
        self._now = "front/zero"
        self.node("IsNaN")
        self.node("Where", arrays["value"])
        self.nodes[-1].input.append(features)


STEPS = {"standard": _Front.standard, "minmax": _Front.minmax, "impute": _Front.impute}


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
