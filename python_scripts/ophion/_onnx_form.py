"""What an ONNX form of Ophion's looks like (docs/onnx.md): its ports, its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import onnx
from onnx import TensorProto, compose, helper

FEATURES, SCORES = "features", "scores"
# Names of another graph's get this in front, so that none of them is one of ours.
PREFIX = "network/"


def prefixed(graph: onnx.GraphProto) -> onnx.GraphProto:
    """The same graph with PREFIX before every name in it; graphs inside know the constants of those around them."""
    constants = [*(one.name for one in graph.initializer), *(one.values.name for one in graph.sparse_initializer)]
    return compose.add_prefix_graph(graph, PREFIX, name_map={name: PREFIX + name for name in constants})


def model_of(
    nodes: Iterable[onnx.NodeProto],
    constants: Iterable[onnx.TensorProto],
    features: Sequence[str],
    outputs: Sequence[str],
    missing: str,
    opsets: Mapping[str, int],
    ir_version: int,
    sparse_constants: Iterable[onnx.SparseTensorProto] = (),
) -> onnx.ModelProto:
    """Nodes from FEATURES to SCORES as a file that says what it is.

    Parameters
    ----------
    features, outputs : sequences of str
        Names, in the order of the columns.
    missing : str
        The policy for missing values.
    opsets : dict
        Domain -> version.
    """
    graph = helper.make_graph(
        list(nodes),
        "ophion",
        [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["rows", len(features)])],
        [helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["rows", len(outputs)])],
        initializer=list(constants),
        sparse_initializer=list(sparse_constants),
    )
    domains = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, producer_name="ophion", opset_imports=domains, ir_version=ir_version)
    helper.set_model_props(model, {"features": json.dumps(list(features)), "outputs": json.dumps(list(outputs)), "missing": missing})
    return model
