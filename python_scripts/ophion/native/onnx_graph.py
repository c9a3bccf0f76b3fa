"""ONNX graphs that other programs wrote, as Ophion's ONNX form (docs/onnx.md): from features to scores, any number of rows."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import google.protobuf.message
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import uses_external_data

from ophion._onnx_form import FEATURES, PREFIX, SCORES, model_of, prefixed
from ophion.contract import Spec
from ophion.native.found import Found, in_its_own_process

RUNTIME = "onnxruntime"
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}  # of ONNX's own operators
NUMBERS = (TensorProto.FLOAT, TensorProto.DOUBLE)
LABELS = (TensorProto.INT64, TensorProto.INT32, TensorProto.STRING)
POLICIES = ("error", "drop", "impute", "keep")
LEAST_OPSET, LEAST_IR = 7, 4  # what ONNX Runtime still promises to know; from there on constants need not be inputs
ROUNDING = 1e-5
SUM_ROUNDING = 1e-3
MOST_SCORES = 1 << 16


def find(content: bytes, named: int) -> Found:
    """What an ONNX file holds.

    Parameters
    ----------
    named : int
        How many features the user has named, for a graph that does not say how many it takes.

    Raises
    ------
    ValueError
        It is damaged, has other inputs and outputs than a model, or needs more than the file and ONNX's own operators.
    """
    model = _parsed(content)
    output, class_names, is_classifier = _output(model.graph)
    part = _part(model.graph, output)
    _demand_plain(model, part)
    told = {entry.key: entry.value for entry in model.metadata_props}
    feature_names = _names(told.get("features", ""))
    source = _Source(model, part, len(feature_names) or named)
    if source.width == 0 and source.columns == (named or len(feature_names)) > 0:
        source.learn_width()
    task, told_classes, told_targets = _told_outputs(_names(told.get("outputs", "")), source.width)
    labels = class_names or told_classes or _labels(part.node, source.width)
    version = model.producer_version
    return Found(
        " ".join(["ONNX graph", *(["of", model.producer_name, version] if model.producer_name else [])]).strip(),
        "classification" if is_classifier else task,
        source.columns,
        source.width,
        lambda spec: Graph(source.form(spec, _missing(told)), spec),
        RUNTIME,
        source.scores,
        feature_names=feature_names,
        class_names=labels,
        target_names=told_targets,
        versions={model.producer_name: version} if version and model.producer_name not in ("", "ophion") else {},
        backend="onnx",
        missing=_missing(told),
    )


@dataclass(frozen=True)
class Graph:
    """The ONNX form of a model with names."""

    content: bytes
    spec: Spec

    def members(self) -> dict[str, bytes]:
        """What goes into the model file."""
        return {"model.onnx": self.content}

    def demand_scores(self, scores: np.ndarray) -> None:
        """Whether they can be what the names say: events without a score (the logarithm of a made-up number, say) don't count."""
        known = scores[np.isfinite(scores).all(axis=1)]
        if len(known) == 0:
            raise ValueError(f"gives no number for any of {len(scores)} made-up events")
        if self.spec.task == "regression":
            return
        remedy = (
            "export it with the Sigmoid or Softmax that makes probabilities of its numbers (logits), "
            "or import it as a regression, with --targets"
        )
        outside = known[(known < -ROUNDING) | (known > 1 + ROUNDING)]
        if len(outside) > 0:
            raise ValueError(f"gives no probabilities: {outside[0]:.6g} for a made-up event; {remedy}")
        sums = known.sum(axis=1)
        if known.shape[1] > 1 and np.abs(sums - 1).max() > SUM_ROUNDING:
            worst = sums[np.abs(sums - 1).argmax()]
            raise ValueError(f"gives no probabilities of classes: their sum is {worst:.6g} for a made-up event; {remedy}")


class _Source:
    """A graph from the one input it needs to its scores, as it was written.

    Attributes
    ----------
    columns, width : int
        Features, and numbers that it gives for an event; 0: it does not say.
    """

    def __init__(self, model: onnx.ModelProto, part: onnx.GraphProto, columns: int):
        self._part = part
        self._opsets = {"": LEAST_OPSET} | {
            DOMAINS[one.domain]: one.version for one in model.opset_import if one.domain in DOMAINS
        }
        self._ir_version = max(model.ir_version, LEAST_IR)
        if len(part.input) != 1:
            found = ", ".join(f"'{one.name}'" for one in part.input) or "none"
            raise ValueError(f"needs the inputs {found}: expected one, of rows × features")
        self._input, self._output = part.input[0], part.output[0]
        rows, features = _shape(self._input, "input", [2]) or (0, 0)
        self._batch = rows  # 0: any
        self.columns = features or columns
        if rows and importlib.util.find_spec(RUNTIME) is None:
            raise ValueError(
                f"takes {_counted(rows)} at a time, and the Python package {RUNTIME}, which shows if it can take more, is not installed"
            )
        shape = _shape(self._output, "output", [1, 2])
        self._is_flat = shape is not None and len(shape) == 1
        self.width = 0 if shape is None else 1 if self._is_flat else shape[1]
        if self.width > MOST_SCORES:
            raise ValueError(f"says that it gives {self.width} numbers for an event: at most {MOST_SCORES} are taken")

    def learn_width(self) -> None:
        """Count what it gives."""
        if importlib.util.find_spec(RUNTIME) is None:
            raise ValueError(
                f"does not say how many numbers it gives for an event, and the Python package {RUNTIME}, which shows it, is not installed"
            )
        found = self.scores(np.zeros((8, self.columns), np.float32))["scores"]
        self._is_flat = found.ndim == 1
        self.width = found.shape[-1] if found.ndim == 2 else 1

    def scores(self, x: np.ndarray) -> dict:
        """What ONNX Runtime makes of events by the graph as it was written: event by event, or as many at a time as it takes.

        Raises
        ------
        ValueError
            It gives others, or none, for all events at once.
        """
        files = {"model": self._file(self._batch), "wide": self._file(0)}
        found = in_its_own_process(RUNTIME, files)(x)
        if "problem" in found:
            raise ValueError(
                f"takes {_counted(self._batch)} at a time, no other number ({found['problem']}): export it with a dynamic number of rows"
            )
        scores = found["scores"]
        if scores.ndim not in (1, 2) or len(scores) != len(x):
            raise ValueError(f"gives numbers of the shape {list(scores.shape)} for {len(x)} events")
        width = scores.shape[1] if scores.ndim == 2 else 1
        if self.width not in (0, width):
            raise ValueError(f"gives {width} numbers for an event, though it says {self.width}")
        if not np.allclose(found["wide"], scores, rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
            raise ValueError("gives an event other scores when it is scored along with others")
        return {"scores": scores, "version": str(found["version"])}

    def form(self, spec: Spec, missing: str) -> bytes:
        """The ONNX form: of two classes the score of the second."""
        inner = prefixed(self._part)
        now, nodes, constants = PREFIX + self._output.name, [], []

        def then(operator: str, constant: Sequence[int], **attributes) -> None:
            nonlocal now
            constants.append(numpy_helper.from_array(np.array(constant, np.int64), f"{operator}/constant"))
            nodes.append(helper.make_node(operator, [now, constants[-1].name], [operator], **attributes))
            now = operator

        if self._is_flat:
            then("Reshape", [-1, 1])
        if self.width > spec.n_outputs:
            then("Gather", [1], axis=1)
        whole = [
            helper.make_node("Cast", [FEATURES], [PREFIX + self._input.name], to=self._input.type.tensor_type.elem_type),
            *inner.node,
            *nodes,
            helper.make_node("Cast", [now], [SCORES], to=TensorProto.FLOAT),
        ]
        model = model_of(
            whole,
            [*inner.initializer, *constants],
            spec.features,
            _output_names(spec),
            missing,
            self._opsets,
            self._ir_version,
            inner.sparse_initializer,
        )
        return model.SerializeToString()

    def _file(self, rows: int) -> bytes:
        """The graph with the ports it has, for so many rows (0: any)."""
        part = onnx.GraphProto()
        part.CopyFrom(self._part)
        del part.input[:], part.output[:]
        types = [one.type.tensor_type.elem_type for one in (self._input, self._output)]
        part.input.append(helper.make_tensor_value_info(self._input.name, types[0], [rows or "rows", self.columns]))
        part.output.append(helper.make_tensor_value_info(self._output.name, types[1], None))
        opsets = [helper.make_opsetid(domain, version) for domain, version in self._opsets.items()]
        return helper.make_model(part, opset_imports=opsets, ir_version=self._ir_version).SerializeToString()


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
    except google.protobuf.message.DecodeError as error:
        raise ValueError(f"is cut off, or no ONNX file: {error}") from error
    if not model.HasField("graph"):
        raise ValueError("is no ONNX file: it has no graph")
    ports = [(one.name,) for one in (*model.graph.input, *model.graph.output, *model.graph.initializer)]
    nodes = [(*one.input, *one.output, one.name, one.op_type) for graph in _graphs(model.graph) for one in graph.node]
    if any(isinstance(name, bytes) for names in (*ports, *nodes) for name in names):
        raise ValueError("is damaged: a name in it is no text")
    return model


def _output(graph: onnx.GraphProto) -> tuple[onnx.ValueInfoProto, list[str], bool]:
    """The scores, the names of classes that stand with them, and whether they must be of classes.

    scikit-learn's classifiers give a label too, and their scores mostly as a map from labels: what that is made of is taken.
    """
    labels = [one.name for one in graph.output if one.type.tensor_type.elem_type in LABELS]
    is_classifier = len(graph.output) == 2 and len(labels) == 1
    outputs = [one for one in graph.output if not (is_classifier and one.name == labels[0])]
    if len(outputs) != 1:
        found = ", ".join(f"'{one.name}'" for one in outputs) or "none"
        raise ValueError(f"has the outputs {found}: expected one, of scores, or a classifier's two, label and probabilities")
    output = outputs[0]
    if output.type.WhichOneof("value") != "sequence_type":
        return output, [], is_classifier
    maker = next((node for node in graph.node if output.name in node.output), None)
    if maker is None or maker.op_type != "ZipMap":
        raise ValueError(f"its output '{output.name}' is a sequence: expected numbers, rows × scores")
    names = _labels([maker], 0)
    numbers = output.type.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type
    return helper.make_tensor_value_info(maker.input[0], numbers, [None, len(names)]), names, True


def _labels(nodes: Sequence[onnx.NodeProto], width: int) -> list[str]:
    """What the first classifier of so many classes (0: any number) calls them."""
    for node in nodes:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
                names = [one.decode() if isinstance(one, bytes) else str(one) for one in helper.get_attribute_value(attribute)]
                if len(names) in (width, width or len(names)) and names:
                    return names
    return []


def _part(graph: onnx.GraphProto, output: onnx.ValueInfoProto) -> onnx.GraphProto:
    """What `output` needs. Shapes on the way are left out: they may be those of one number of rows."""
    part = onnx.GraphProto(name=graph.name)
    needed = {output.name}
    nodes = []
    for node in reversed(graph.node):  # which stand in the order of computing
        if needed.isdisjoint(node.output):
            continue
        nodes.append(node)
        needed.update(name for name in _reads(node) if name)
    part.node.extend(reversed(nodes))
    part.initializer.extend(one for one in graph.initializer if one.name in needed)
    part.sparse_initializer.extend(one for one in graph.sparse_initializer if one.values.name in needed)
    constants = {one.name for one in part.initializer} | {one.values.name for one in part.sparse_initializer}
    part.input.extend(one for one in graph.input if one.name in needed - constants)
    part.output.append(output)
    return part


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node and the graphs within it take, their own ones among them."""
    yield from node.input
    for within in _within(node):
        yield from (output.name for output in within.output)
        for inner in within.node:
            yield from _reads(inner)


def _within(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs in a node's attributes."""
    return [graph for one in node.attribute for graph in ([one.g] if one.HasField("g") else one.graphs)]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and all within it."""
    yield graph
    for node in graph.node:
        for within in _within(node):
            yield from _graphs(within)


def _demand_plain(model: onnx.ModelProto, part: onnx.GraphProto) -> None:
    """Refuse, before anything is run, what the engine "onnx" refuses too, and say what helps."""
    functions = {(one.domain, one.name) for one in model.functions}
    for graph in _graphs(part):
        sparse = list(graph.sparse_initializer)
        tensors = list(graph.initializer)
        for node in graph.node:
            if (node.domain, node.op_type) in functions:
                raise ValueError(f"has functions of its own, such as '{node.op_type}': put them in by onnx.inliner.inline_local_functions")
            if node.domain not in DOMAINS:
                raise ValueError(f"has operators of '{node.domain}', which are not ONNX's own")
            for one in node.attribute:
                tensors += [one.t, *one.tensors]
                sparse += [one.sparse_tensor, *one.sparse_tensors]
        tensors += [one for pair in sparse for one in (pair.values, pair.indices)]
        if any(uses_external_data(one) or one.external_data for one in tensors):
            raise ValueError(
                "has numbers in another file: write it whole, by onnx.save(onnx.load(FILE), NEW), "
                "or by torch.onnx.export(…, external_data=False)"
            )


def _shape(value: onnx.ValueInfoProto, kind: str, ranks: list[int]) -> list[int] | None:
    """0: any number; None: it does not say."""
    tensor = value.type.tensor_type
    if value.type.WhichOneof("value") != "tensor_type" or tensor.elem_type not in NUMBERS:
        found = TensorProto.DataType.Name(tensor.elem_type).lower() if tensor.elem_type else "no tensor"
        raise ValueError(f"its {kind} '{value.name}' is {found}: expected float32 or float64")
    if not tensor.HasField("shape"):
        return None
    shape = [max(0, one.dim_value) for one in tensor.shape.dim]
    if len(shape) not in ranks:
        shown = " × ".join(str(one or "any") for one in shape) or "one number"
        expected = "rows × features" if kind == "input" else "rows × scores"
        raise ValueError(f"its {kind} '{value.name}' has the shape {shown}: expected {expected}")
    return shape


def _counted(number: int) -> str:
    return f"{number} event{'s' * (number > 1)}"


def _names(text: str) -> list[str]:
    """A list of names as Ophion's own graphs have them; empty for anything else."""
    try:
        names = json.loads(text)
    except ValueError:
        return []
    return names if isinstance(names, list) and all(isinstance(one, str) for one in names) else []


def _told_outputs(names: list[str], width: int) -> tuple[str, list[str], list[str]]:
    """Task, classes and targets by the names of the outputs, where they are those of a model of Ophion's."""
    if names == ["score"] and width == 1:
        return "classification", [], []
    for task, beginning in (("classification", "score_"), ("regression", "pred_")):
        if len(names) == width and names and all(one.startswith(beginning) for one in names):
            known = [one.removeprefix(beginning) for one in names]
            return (task, known, []) if task == "classification" else (task, [], known)
    return "", [], []


def _output_names(spec: Spec) -> list[str]:
    if spec.task == "regression":
        return [f"pred_{one}" for one in spec.targets]
    return ["score"] if spec.n_outputs == 1 else [f"score_{one}" for one in spec.classes]


def _missing(told: dict[str, str]) -> str:
    return told["missing"] if told.get("missing") in POLICIES else "error"
