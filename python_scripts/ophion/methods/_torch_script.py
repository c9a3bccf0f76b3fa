"""The user's PyTorch script: its functions, how they are checked and called, and what shapes they must give."""

from __future__ import annotations

import copy
import inspect
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ophion import _scripts
from ophion._guest import guest
from ophion._scripts.signatures import check_call
from ophion.contract import Spec
from ophion.errors import OptionError, suggestion

OPTIONAL_FUNCTIONS = {
    "get_loss": ("spec",),
    "configure_optimizers": ("model", "spec", "training"),
    "training_step": ("model", "batch", "ctx"),
    "predict": ("model", "x", "spec"),
    "fit": ("model", "train", "validation", "ctx"),
}


@dataclass(frozen=True)
class NetworkScript:
    """A script with ``get_model(spec, **params)`` or a class that is made the same way, and its optional functions.

    Attributes
    ----------
    script : Script
    entry : str
        As in the config, without the folder: "mlp.py" or "mlp.py:Net".
    make : callable
        ``get_model`` or the class.
    functions : dict
        Those of OPTIONAL_FUNCTIONS that the script has.
    """

    script: _scripts.Script
    entry: str
    make: Callable[..., nn.Module]
    functions: dict[str, Callable] = field(default_factory=dict)

    @classmethod
    def open(cls, path: str) -> NetworkScript:
        """From the config's "script"."""
        file, made_by = _split(path)
        return cls._of(_scripts.open_file(file), made_by)

    @classmethod
    def from_members(cls, members: Mapping[str, bytes], entry: str) -> NetworkScript:
        file, made_by = _split(entry)
        return cls._of(_scripts.from_members(members, file), made_by)

    @classmethod
    def _of(cls, script: _scripts.Script, made_by: str | None) -> NetworkScript:
        if made_by is None:
            make = script.function("get_model", shape="function get_model(spec, …)")
        else:
            make = script.function(made_by, shape=f"class {made_by}")
        found = {name: script.optional_function(name) for name in OPTIONAL_FUNCTIONS}
        entry = script.name if made_by is None else f"{script.name}:{made_by}"
        return cls(script, entry, make, {name: one for name, one in found.items() if one is not None})

    @property
    def file(self) -> str:
        return self.script.file

    def check(self, params: Mapping[str, Any]) -> None:
        """Whether every function can be called as it will be; see `check_call`."""
        if isinstance(self.make, type) and not issubclass(self.make, nn.Module):
            raise OptionError("/script", f"{self.file}: {self.make.__name__} is no torch.nn.Module")
        check_call(self.make, self.file, ("spec",), params)
        for name, function in self.functions.items():
            check_call(function, self.file, OPTIONAL_FUNCTIONS[name])
        if "fit" in self.functions:
            unused = [one for one in ("training_step", "configure_optimizers", "get_loss") if one in self.functions]
            if unused:
                raise OptionError(
                    "/script", f"{self.file} has fit, which owns the loop, so {unused[0]} would never be called"
                )

    def build(self, spec: Spec, params: Mapping[str, Any], device: torch.device) -> nn.Module:
        """The untrained network, on its device. Sizes that lazy modules leave open are fixed by a trial event."""
        model = self.make(spec, **copy.deepcopy(dict(params)))
        if not isinstance(model, nn.Module):
            maker = _split(self.entry)[1] or "get_model"
            raise TypeError(f"{self.file}: {maker} gave {type(model).__name__}, expected a torch.nn.Module")
        model = model.to(device)
        if any(isinstance(one, nn.parameter.UninitializedParameter) for one in model.parameters()):
            model.eval()
            with torch.no_grad():
                model(torch.zeros(2, spec.n_features, device=device))
        return model

    def loss(self, spec: Spec) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """loss(output, target) -> one value per event: the script's, or the task's usual one."""
        if "get_loss" in self.functions:
            found = self.functions["get_loss"](spec)
            if not callable(found):
                raise TypeError(f"{self.file}: get_loss gave {type(found).__name__}, expected loss(output, target)")
            return found
        if spec.task == "regression":
            return lambda output, target: functional.mse_loss(output, target, reduction="none")
        if spec.n_outputs == 1:
            return lambda output, target: functional.binary_cross_entropy_with_logits(output, target, reduction="none")
        return lambda output, target: functional.cross_entropy(output, target, reduction="none")

    def scores(self, model: nn.Module, x: torch.Tensor, spec: Spec) -> torch.Tensor:
        """What the network says of events: probabilities, or the targets. Shape (n,), or (n, n_outputs) for several."""
        own = self.functions.get("predict")
        if own is not None:
            who = f"{self.file}: predict"
            return shaped(_as_tensor(own(model, x, spec), who), len(x), spec.n_outputs, who)
        output = shaped(model(x), len(x), spec.n_outputs, f"{self.file}: the model")
        if spec.task == "regression":
            return output
        return torch.sigmoid(output) if spec.n_outputs == 1 else torch.softmax(output, dim=1)


def _as_tensor(result: Any, who: str) -> torch.Tensor:
    """An array or a list of numbers as a tensor; a tensor is one."""
    try:
        return torch.as_tensor(result)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{who} gave {type(result).__name__}, expected a tensor, an array or a list of numbers: {error}") from error


def shaped(output: Any, n: int, n_outputs: int, who: str) -> torch.Tensor:
    """The output as (n,) for one number an event, else as (n, n_outputs).

    Raises
    ------
    ValueError
        "mlp.py: the model gave shape (128, 3), expected (128,) or (128, 1)"
    """
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"{who} gave {type(output).__name__}, expected a tensor")
    if output.is_complex():  # a conversion to float32 would lose half of it
        raise TypeError(f"{who} gave {output.dtype}, expected real numbers")
    shape = tuple(output.shape)
    if n_outputs == 1:
        if shape == (n,):
            return output
        if shape == (n, 1):
            return output.squeeze(1)  # backwards [:, 0] would fill a tensor of zeros each time
        raise ValueError(f"{who} gave shape {shape}, expected ({n},) or ({n}, 1)")
    if shape == (n, n_outputs):
        return output
    raise ValueError(f"{who} gave shape {shape}, expected ({n}, {n_outputs})")


def choose_device(wanted: str) -> torch.device:
    """The device of "auto", "cpu" or "cuda"; asked for and not there is an OptionError."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise OptionError("/device", f'PyTorch {torch.__version__} finds no CUDA device here: use "cpu" or "auto"')
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def arguments_of(function: Callable, given: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """`given` checked against the signature of a class of torch; names a wrong one with its pointer."""
    known = [name for name in inspect.signature(function).parameters if name != "params"]
    for key in given:
        if key not in known:
            raise OptionError(
                f"{pointer}/{key}", f"{function.__name__} has no argument '{key}'{suggestion(key, known)}"
            )
    return dict(given)


@contextmanager
def reproducible(seed: int, threads: int):
    """One seed for Python, NumPy and PyTorch; whatever a script changes of them is as before afterwards."""
    with guest():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        if threads > 0:
            torch.set_num_threads(threads)
        with torch.enable_grad():
            yield


def _split(path: str) -> tuple[str, str | None]:
    """ "dir/mlp.py:Net" -> ("dir/mlp.py", "Net")."""
    file, colon, name = path.rpartition(".py:")
    return (file + ".py", name) if colon else (path, None)
