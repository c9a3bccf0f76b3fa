"""A trained network: scores events, becomes bytes, comes back from bytes."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any, Mapping

import numpy as np
import safetensors.torch
import torch
from torch import nn

from ophion.contract import Spec
from ophion.methods._torch_script import NetworkScript, choose_device, reproducible

MODEL = "model.json"
WEIGHTS = "weights.safetensors"

# Rows scored at once: what a layer makes of them stays in the processor's cache (a whole million took three times as
# long).
BLOCK = 8192
# So few rows are copied each time: cheaper than looking after them.
SMALL = 64

with (
    warnings.catch_warnings()
):  # PyTorch warns once a process that it can't keep read-only memory so; Ophion looks after that itself
    warnings.simplefilter("ignore")
    _read_only = np.zeros(1, np.float32)
    _read_only.flags.writeable = False
    torch.from_numpy(_read_only)


class TrainedNetwork:
    """A network with its script, ready to score.

    PyTorch does not know read-only memory: a network that writes into its input (``ReLU(inplace=True)`` as the first
    layer) would write into the host's events. So the first large block is a private copy, and the second, fourth,
    eighth and so on; a network that writes gets copies for ever after. Others are lent the host's memory itself, and a
    write is noticed by the tensor's version.
    """

    def __init__(
        self, model: nn.Module, script: NetworkScript, spec: Spec, params: Mapping[str, Any], device: torch.device
    ):
        self.model = model.eval()
        self.script = script
        self.spec = spec
        self.params = dict(params)
        self.device = device
        self._writes = False  # as far as is known
        self._blocks = 0

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Scores of events: float32, shape (n,) or (n, n_outputs)."""
        n = len(x)
        if n <= SMALL:
            return self._scores(torch.from_numpy(x.copy())).numpy()
        if n <= BLOCK:
            return self._block(x).numpy()
        first = self._block(x[:BLOCK])
        scores = torch.empty((n, *first.shape[1:]), dtype=torch.float32)
        scores[:BLOCK] = first
        for start in range(BLOCK, n, BLOCK):
            scores[start : start + BLOCK] = self._block(x[start : start + BLOCK])
        return scores.numpy()

    def _block(self, x: np.ndarray) -> torch.Tensor:
        self._blocks += 1
        if self._writes or self._blocks.bit_count() == 1:
            private = torch.from_numpy(x.copy())
            scores = self._scores(private)
            self._writes = self._writes or not np.array_equal(private.numpy(), x, equal_nan=True)
            return scores
        lent = _lend(x)
        version = lent._version
        scores = self._scores(lent)
        if lent._version != version:
            raise RuntimeError(
                f"{self.script.file}: the model changed the events it was given, which belong to the host; "
                "it did not do so at first. Work on a clone: x = x.clone()"
            )
        return scores

    def _scores(self, x: torch.Tensor) -> torch.Tensor:
        if self.model.training:
            self.model.eval()
        with torch.no_grad():
            scores = self.script.scores(self.model, x.to(self.device), self.spec)
            return scores.detach().to("cpu", torch.float32)

    def save(self) -> dict[str, bytes]:
        """Members of the model file: weights, what made the network, and the script's sources."""
        description = {"script": self.script.entry, "params": self.params}
        return {
            MODEL: json.dumps(description, indent=1, sort_keys=True).encode(),
            WEIGHTS: safetensors.torch.save(_tensors(self.model, self.script)),
            **self.script.script.sources(),
        }

    @classmethod
    def load(cls, members: Mapping[str, bytes], spec: Spec, device: str) -> TrainedNetwork:
        description = json.loads(members[MODEL])
        script = NetworkScript.from_members(members, description["script"])
        params = description["params"]
        if device == "cuda" and not torch.cuda.is_available():
            logging.getLogger("ophion").warning("trained on a GPU, but there is none here: the model runs on the CPU")
            device = "cpu"
        where = choose_device(device)
        with reproducible(spec.seed, 0):
            model = script.build(spec, params, where)
        try:
            model.load_state_dict(safetensors.torch.load(bytes(members[WEIGHTS])))
        except RuntimeError as error:
            problem = " ".join(str(error).split())
            raise ValueError(f"{script.file}: the weights don't fit what {script.entry} makes: {problem}") from error
        return cls(model, script, spec, params, where)


def _lend(x: np.ndarray) -> torch.Tensor:
    """A tensor over the same memory; over a copy where PyTorch can't have such strides."""
    try:
        return torch.from_numpy(x)
    except ValueError:
        return torch.from_numpy(x.copy())


def _tensors(model: nn.Module, script: NetworkScript) -> dict[str, torch.Tensor]:
    """The state as tensors of their own: those that share memory (tied weights) are kept twice."""
    tensors, seen = {}, set()
    for name, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f"{script.file}: the model's state has '{name}' of type {type(value).__name__}, but only tensors "
                "can be kept: register it as a buffer"
            )
        value = value.detach().cpu().contiguous()
        storage = value.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != value.nbytes:
            value = value.clone()
        seen.add(storage.data_ptr())
        tensors[name] = value
    return tensors
