"""PyTorch networks, traced by torch.fx into a chain of dense layers, activations and residual sums."""

from __future__ import annotations

import operator

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.network import Network

PROBES = 64
# What stands for an activation: modules, functions of torch and torch.nn.functional, methods of tensors. A module's parameters have
# the names of the function's arguments.
_MODULES = {
    nn.ReLU: F.relu,
    nn.LeakyReLU: F.leaky_relu,
    nn.ELU: F.elu,
    nn.SELU: F.selu,
    nn.GELU: F.gelu,
    nn.SiLU: F.silu,
    nn.Tanh: F.tanh,
    nn.Sigmoid: F.sigmoid,
    nn.Softplus: F.softplus,
    nn.Softmax: F.softmax,
}
_SAME_FUNCTIONS = {
    torch.relu: F.relu,
    torch.relu_: F.relu,
    F.relu_: F.relu,
    F.leaky_relu_: F.leaky_relu,
    F.elu_: F.elu,
    torch.selu: F.selu,
    torch.selu_: F.selu,
    torch.tanh: F.tanh,
    torch.tanh_: F.tanh,
    torch.sigmoid: F.sigmoid,
    torch.sigmoid_: F.sigmoid,
    torch.softmax: F.softmax,
}
_METHODS = {
    **{"relu": F.relu, "relu_": F.relu, "tanh": F.tanh, "tanh_": F.tanh},
    **{"sigmoid": F.sigmoid, "sigmoid_": F.sigmoid, "softmax": F.softmax},
}
# Their arguments beside the input and "inplace", in order, with what they are when they are not given.
_ARGUMENTS = {
    F.relu: {},
    F.leaky_relu: {"negative_slope": 0.01},
    F.elu: {"alpha": 1.0},
    F.selu: {},
    F.gelu: {"approximate": "none"},
    F.silu: {},
    F.tanh: {},
    F.sigmoid: {},
    F.softplus: {"beta": 1.0, "threshold": 20.0},
    F.softmax: {"dim": None},
}
_IN_PLACE = (F.relu, F.leaky_relu, F.elu, F.selu, F.silu)  # that take "inplace" after these
_PARAMETERS = {F.leaky_relu: "negative_slope", F.elu: "alpha", F.softplus: "beta"}
# An event's numbers stay what they are (C++ compares the scores after the training); dropout does nothing when it predicts.
_SAME_MODULES = (nn.Dropout, nn.AlphaDropout, nn.Identity, nn.Flatten)
_NOTHING = (torch.flatten, torch.squeeze)
_DROPOUT = (F.dropout, F.alpha_dropout)
_NOTHING_METHODS = ("squeeze", "flatten", "contiguous", "view", "reshape", "float")
_SUMS = (operator.add, operator.iadd, torch.add)
_SUM_METHODS = ("add", "add_")
_SHAPE = None  # the result of a node that is no numbers of the event, but about their shape


def export_module(model: nn.Module, spec: Spec) -> dict[str, bytes]:
    """Members of the neutral form of a network whose output goes through the task's own link.

    Raises
    ------
    NotExportable
        "the step 'attention' (MultiheadAttention) has no native form"
    """
    try:
        traced = fx.symbolic_trace(model.eval())
    except Exception as error:
        raise NotExportable(f"it can't be traced by torch.fx: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
    link = "identity" if spec.task == "regression" else "logistic" if spec.n_outputs == 1 else "softmax"
    network = _Chain(model, link).follow(traced.graph)
    if not _same_scores(traced, model, spec.n_features):
        raise NotExportable("what torch.fx sees of it scores otherwise: it has hooks, or += changes numbers that are used again")
    return network.members()


def _same_scores(traced: fx.GraphModule, model: nn.Module, features: int) -> bool:
    """Whether both make the same of made-up events."""
    events = torch.randn(PROBES, features, generator=torch.Generator().manual_seed(0))
    parameter = next(model.parameters(), events)
    with torch.no_grad():
        ours, theirs = (one(events.clone().to(parameter.device)) for one in (traced, model))
    return torch.allclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True)


class _Chain:
    """The network's steps in the order of the graph, each working on what the one before it gave."""

    def __init__(self, model: nn.Module, link: str):
        self.modules = dict(model.named_modules())
        self.network = Network(link=link)
        self.results: dict[fx.Node, int | None] = {}  # which step's result a node is; -1: the input

    def follow(self, graph: fx.Graph) -> Network:
        inputs = [node for node in graph.nodes if node.op == "placeholder"]
        if len(inputs) != 1:
            raise NotExportable(f"forward takes {len(inputs)} inputs")
        for node in graph.nodes:
            if node.op == "placeholder":
                self.results[node] = -1
            elif node.op == "output":
                self._demand_last(node.args[0], "its output")
            else:
                self.results[node] = self._step(node)
        if not self.network.steps:
            raise NotExportable("it has no step that computes")
        return self.network

    def _refuse(self, node: fx.Node, what: str):
        raise NotExportable(f"the step '{node.name}' ({what}) has no native form")

    def _demand_last(self, node, what: str) -> None:
        if not isinstance(node, fx.Node) or self.results.get(node) != len(self.network.steps) - 1:
            raise NotExportable(f"{what} is not what the step before it gave")

    def _step(self, node: fx.Node) -> int:
        if node.op == "call_module":
            return self._module(node, self.modules[node.target])
        name = getattr(node.target, "__name__", str(node.target))
        if self._is_sum(node) and not node.kwargs:
            return self._sum(node)
        if self._is_shape(node):
            return _SHAPE
        if node.target is operator.getitem:
            return self._only_column(node)
        if node.op == "call_function" and node.target in _NOTHING or node.op == "call_method" and name in _NOTHING_METHODS:
            return self._same(node)
        if node.op == "call_function" and node.target in _DROPOUT:
            if dict(zip(("input", "p", "training"), node.args), **node.kwargs).get("training", True) is not False:
                self._refuse(node, f"{name} that goes on when it predicts: say training=self.training")
            return self._same(node)
        function = _SAME_FUNCTIONS.get(node.target, node.target) if node.op == "call_function" else None
        if node.op == "call_method":
            function = _METHODS.get(name)
        if function not in _ARGUMENTS:
            self._refuse(node, name)
        names = [*_ARGUMENTS[function], *(["inplace"] if function in _IN_PLACE else [])]
        given = dict(zip(names, node.args[1:])) | dict(node.kwargs)
        given["inplace"] = given.get("inplace", False) or name.endswith("_")
        return self._activation(node, function, given, name)

    @staticmethod
    def _is_sum(node: fx.Node) -> bool:
        return node.op == "call_function" and node.target in _SUMS or node.op == "call_method" and node.target in _SUM_METHODS

    def _is_shape(self, node: fx.Node) -> bool:
        """x.size(0), x.shape, x.shape[0]: what is given to view and reshape."""
        if node.op == "call_method":
            return node.target == "size"
        if node.target is getattr:
            return node.args[1] == "shape"
        return node.target is operator.getitem and self.results[node.args[0]] is _SHAPE

    def _only_column(self, node: fx.Node) -> int:
        """x[:, 0] of one column."""
        if node.args[1] != (slice(None), 0):
            self._refuse(node, f"x[{node.args[1]}]")
        self._demand_last(node.args[0], f"the input of '{node.name}'")
        if self.network.width != 1:
            self._refuse(node, "one column of several")
        return self._same(node)

    def _write_over(self, node: fx.Node, step: int) -> None:
        """All that lies where `node` does is now what the step gave: it worked in place."""
        before = self.results[node]
        self.results.update({other: step for other, known in self.results.items() if known == before})

    def _activation(self, node: fx.Node, function, given: dict, name: str) -> int:
        """An activation with those of its arguments that are given."""
        self._demand_last(node.args[0] if node.args else None, f"the input of '{node.name}'")
        arguments = _ARGUMENTS[function] | {key: value for key, value in given.items() if key in _ARGUMENTS[function]}
        if function is F.softmax and arguments["dim"] not in (1, -1):
            self._refuse(node, f"{name} over dimension {arguments['dim']}")
        if function is F.softplus and arguments["threshold"] != 20:
            self._refuse(node, f"{name} with threshold {arguments['threshold']}")
        kind = "gelu_tanh" if arguments.get("approximate") == "tanh" else function.__name__
        parameter = _PARAMETERS.get(function)
        step = self.network.activation(kind, arguments[parameter] if parameter else None)
        if given.get("inplace"):
            self._write_over(node.args[0], step)
        return step

    def _same(self, node: fx.Node) -> int:
        return self.results[node.args[0]]

    def _sum(self, node: fx.Node) -> int:
        first, second = node.args
        if any(not isinstance(one, fx.Node) or self.results[one] is _SHAPE for one in (first, second)):
            self._refuse(node, "a sum with a constant")
        last = len(self.network.steps) - 1
        if self.results[first] != last:
            first, second = second, first
        self._demand_last(first, f"the input of '{node.name}'")
        step = self.network.add(self.results[second])
        if node.target is operator.iadd or node.target == "add_":
            self._write_over(node.args[0], step)
        return step

    def _module(self, node: fx.Node, module: nn.Module) -> int:
        kind = type(module)
        if module._forward_hooks or module._forward_pre_hooks:
            self._refuse(node, f"{kind.__name__} with hooks")
        if kind in _SAME_MODULES:
            return self._same(node)
        if kind in _MODULES:
            given = {key: getattr(module, key) for key in _ARGUMENTS[_MODULES[kind]]} | {"inplace": getattr(module, "inplace", False)}
            return self._activation(node, _MODULES[kind], given, kind.__name__)
        self._demand_last(node.args[0], f"the input of '{node.name}'")
        if kind is nn.Linear:
            return self.network.dense(_array(module.weight), None if module.bias is None else _array(module.bias))
        if kind is nn.BatchNorm1d:
            if module.running_mean is None:
                self._refuse(node, "BatchNorm1d without running means")
            return self._batch_norm(module)
        self._refuse(node, kind.__name__)

    def _batch_norm(self, module: nn.BatchNorm1d) -> int:
        """(x - mean) / sqrt(var + eps) * weight + bias: into the dense layer before it, else a dense layer of its own."""
        scale = 1 / np.sqrt(_array(module.running_var) + module.eps)
        if module.weight is not None:
            scale = scale * _array(module.weight)
        shift = -_array(module.running_mean) * scale
        if module.bias is not None:
            shift = shift + _array(module.bias)
        last = len(self.network.steps) - 1
        alone = all(len(node.users) == 1 for node, step in self.results.items() if step == last)  # nobody else wants it as it is
        if alone and last >= 0 and self.network.fold(scale, shift):
            return last
        return self.network.dense(np.diag(scale), shift)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
