"""The neutral form of networks and linear models: a chain of steps."""

from __future__ import annotations

import json

import numpy as np
import safetensors.numpy


class Network:
    """Steps as the C++ engine takes them (``native/network.h``).

    Parameters
    ----------
    link : {"identity", "logistic", "softmax", "exponential", "one_against_rest"}
        From the last step's numbers to scores.
    """

    def __init__(self, *, link: str):
        self.link = link
        self.steps: list[dict] = []
        self._arrays: dict[str, np.ndarray] = {}

    def dense(self, weight: np.ndarray, bias: np.ndarray | None) -> int:
        """``x @ weight.T + bias``; weight of shape (outputs, inputs). Returns the step's number."""
        name = str(len(self.steps))
        self._arrays[f"{name}.weight"] = np.array(weight, np.float64)
        self._arrays[f"{name}.bias"] = np.zeros(len(weight)) if bias is None else np.array(bias, np.float64)
        return self._append({"type": "dense", "arrays": name})

    def fold(self, scale: np.ndarray, shift: np.ndarray) -> bool:
        """Make ``y * scale + shift`` part of the last step where that is a dense layer; False where it is not."""
        if self.steps[-1]["type"] != "dense":
            return False
        name = self.steps[-1]["arrays"]
        self._arrays[f"{name}.weight"] = self._arrays[f"{name}.weight"] * scale[:, None]
        self._arrays[f"{name}.bias"] = self._arrays[f"{name}.bias"] * scale + shift
        return True

    def scale_inputs(self, factor: np.ndarray, shift: np.ndarray) -> None:
        """Let ``x * factor + shift`` be what the first step, a dense layer, is given; only the first one may see the input."""
        weight, bias = (self._arrays[f"{self.steps[0]['arrays']}.{name}"] for name in ("weight", "bias"))
        bias += weight @ shift
        weight *= factor

    def activation(self, type_: str, parameter: float | None = None) -> int:
        """One of `native/network.h`'s activations."""
        return self._append({"type": type_} | ({} if parameter is None else {"parameter": float(parameter)}))

    def add(self, step: int) -> int:
        """Add the result of an earlier step (-1: the input)."""
        return self._append({"type": "add", "from": step})

    @property
    def width(self) -> int | None:
        """How many numbers an event has after the last step; None as long as there is no dense layer."""
        dense = [step for step in self.steps if step["type"] == "dense"]
        return len(self._arrays[f"{dense[-1]['arrays']}.bias"]) if dense else None

    def _append(self, step: dict) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def members(self) -> dict[str, bytes]:
        """What goes into the model file."""
        description = {"kind": "network", "link": self.link, "steps": self.steps}
        # safetensors writes an array's memory as it lies there, whatever its strides.
        arrays = {name: np.ascontiguousarray(numbers, np.float32) for name, numbers in self._arrays.items()}
        return {
            "model.json": json.dumps(description, indent=1).encode(),
            "arrays.safetensors": safetensors.numpy.save(arrays),
        }
