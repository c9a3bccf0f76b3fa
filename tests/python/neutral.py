"""Scores of the neutral form in NumPy, event by event: written after docs/native.md, not after the exporters."""

import json
import math

import numpy as np
import safetensors.numpy

_ACTIVATIONS = {
    "relu": lambda v: np.maximum(v, 0),
    "leaky_relu": lambda v, slope: np.where(v > 0, v, slope * v),
    "elu": lambda v, alpha: np.where(v > 0, v, alpha * np.expm1(v)),
    "selu": lambda v: 1.0507009873554805 * np.where(v > 0, v, 1.6732632423543772 * np.expm1(v)),
    "gelu": lambda v: v * 0.5 * (1 + np.vectorize(math.erf)(v / math.sqrt(2))),
    "gelu_tanh": lambda v: 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
    "silu": lambda v: v / (1 + np.exp(-v)),
    "tanh": np.tanh,
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "softplus": lambda v, beta: np.log1p(np.exp(beta * v)) / beta,
    "softmax": lambda v: np.exp(v) / np.exp(v).sum(axis=1, keepdims=True),
}


def scores(members, x):
    """Shape (events, outputs)."""
    description = json.loads(members["model.json"])
    arrays = safetensors.numpy.load(members["arrays.safetensors"])
    x = np.asarray(x, np.float32)
    sums = _forest(description, arrays, x) if description["kind"] == "forest" else _network(description, arrays, x)
    if description["link"] == "logistic":
        return 1 / (1 + np.exp(-sums))
    if description["link"] == "one_against_rest":
        each = 1 / (1 + np.exp(-sums))
        return each / each.sum(axis=1, keepdims=True)
    if description["link"] == "exponential":
        return np.exp(sums)
    if description["link"] == "softmax":
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return sums


def _forest(description, arrays, x):
    lists = {name: array.tolist() for name, array in arrays.items()}
    outputs = len(lists["base"])
    sums = np.zeros((len(x), outputs))
    median = description.get("join", "sum") == "weighted_median"
    for i, event in enumerate(x.tolist()):
        numbers = []
        for tree, node in enumerate(lists["roots"]):
            while lists["feature"][node] >= 0:
                node = lists["left" if _goes_left(lists, node, event[lists["feature"][node]]) else "right"][node]
            row = lists["left"][node]
            if median:
                numbers.append((lists["values"][row], lists["tree_weight"][tree]))
            elif "tree_output" in lists:
                sums[i, lists["tree_output"][tree]] += lists["values"][row]
            else:
                sums[i] += lists["values"][row * outputs : (row + 1) * outputs]
        if median:
            sums[i] = _weighted_median(numbers)
    return arrays["base"] + description["scale"] * sums


def _weighted_median(numbers):
    ordered = sorted(numbers, key=lambda one: one[0])
    below = np.cumsum([weight for _, weight in ordered])
    return next(value for (value, _), sum_ in zip(ordered, below) if sum_ >= 0.5 * below[-1])


def _goes_left(lists, node, value):
    if math.isnan(value):
        return lists["missing_left"][node] != 0
    if "category_set" not in lists or lists["category_set"][node] < 0:
        return value <= lists["threshold"][node]
    number = lists["category_set"][node]
    first, last = lists["set_first"][number], lists["set_first"][number + 1]
    category = int(value)
    if category < 0 or category >= 32 * (last - first):
        return lists["other_left"][node] != 0
    return lists["set_words"][first + category // 32] >> category % 32 & 1 != 0


def _network(description, arrays, x):
    results = []
    for step in description["steps"]:
        now = results[-1] if results else x.astype(np.float64)
        if step["type"] == "dense":
            weight, bias = (arrays[f"{step['arrays']}.{name}"].astype(np.float64) for name in ("weight", "bias"))
            results.append(now @ weight.T + bias)
        elif step["type"] == "add":
            results.append(now + (x if step["from"] < 0 else results[step["from"]]))
        else:
            results.append(_ACTIVATIONS[step["type"]](now, *([step["parameter"]] if "parameter" in step else [])))
    return results[-1]
