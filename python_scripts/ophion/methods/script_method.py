"""The method "script": a user's module that trains, scores and keeps a model by itself, with any library.

The script has these functions::

    def train(train, validation, ctx, **params): ...   # -> the model, any object
    def predict(model, x): ...                         # -> scores: (n,), or (n, n_outputs)
    def save(model): ...                               # -> {"name": bytes}
    def load(members, ctx): ...                        # members: what save gave -> the model

``train`` and ``validation`` (None when the config asks for none) have x (float32, (n, n_features)), y (int32 class
indices (n,), or float32 (n, n_targets)) and w (float64, (n,)): arrays of the script's own, to keep or to change; so
is the ``x`` of predict. ``ctx`` is a `ophion.contract.Context` (``ctx.spec``, ``ctx.seed``, ``ctx.report(epoch,
epochs, **metrics)``, ``ctx.should_stop``, …). Each key of "params" is an argument of ``train`` by name. Python's and
NumPy's generators have the seed before ``train`` is called.
"""

from __future__ import annotations

import logging
import random
from typing import Any, Mapping

import numpy as np

from ophion import _scripts
from ophion._guest import guest
from ophion._scripts.signatures import check_call
from ophion.contract import Context, Events, TrainingData

PACKAGES = ["numpy"]
MODEL = "model/"  # where the script's own members are kept
NAME = "script.txt"  # the member that says which of the sources is the script

FUNCTIONS = {
    "train": ("train", "validation", "ctx"),
    "predict": ("model", "x"),
    "save": ("model",),
    "load": ("members", "ctx"),
}


class TrainedScript:
    """What the script's train or load gave, with the script."""

    def __init__(self, script: _scripts.Script, model: Any):
        self.script = script
        self.model = model
        self._predict = script.function("predict", shape="function predict(model, x)")

    def predict(self, x: np.ndarray) -> Any:
        """What the script gives, whatever that is: the C++ side looks at scores of all methods alike."""
        return self._predict(self.model, x.copy())


def check(context: Context) -> None:
    """Find missing functions and wrong arguments before any data is read; see `ophion.contract`."""
    script = _scripts.open_file(context.options["script"])
    for name, given in FUNCTIONS.items():
        function = script.function(name, shape=f"function {name}({', '.join(given)})")
        check_call(function, script.file, given, context.options["params"] if name == "train" else None)


def train(data: TrainingData, context: Context) -> TrainedScript:
    script = _scripts.open_file(context.options["script"])
    events, validation = _private(data.train), _private(data.validation) if data.validation else None
    with guest():
        random.seed(context.seed)
        np.random.seed(context.seed % 2**32)
        model = script.module.train(events, validation, context, **context.options["params"])
        context.settle()
    return TrainedScript(script, model)


def predict(model: TrainedScript, x: np.ndarray) -> Any:
    return model.predict(x)


def save(model: TrainedScript) -> dict[str, bytes]:
    """The script's members below "model/", and its sources.

    Raises
    ------
    TypeError
        The script's save gave anything but {str: bytes}.
    ValueError
        A name is none that a member of an archive may have: found here, by the rehearsal, and not after the training.
    """
    members = model.script.module.save(model.model)
    if not isinstance(members, Mapping):
        raise TypeError(f"{model.script.file}: save gave {type(members).__name__}, expected a dict of names and bytes")
    for name, content in members.items():
        if not isinstance(name, str) or not isinstance(content, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"{model.script.file}: save gave {name!r}: {type(content).__name__}, expected names and bytes"
            )
        if not name.isprintable() or "\\" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise ValueError(f"{model.script.file}: save gave the name {name!r}, expected one such as 'events.npz' or 'trees/first.json'")
    kept = {MODEL + name: bytes(content) for name, content in members.items()}
    return {NAME: model.script.name.encode(), **kept, **model.script.sources()}


def load(members: Mapping[str, bytes], context: Context) -> TrainedScript:
    script = _scripts.from_members(members, bytes(members[NAME]).decode())
    own = {name[len(MODEL) :]: bytes(content) for name, content in members.items() if name.startswith(MODEL)}
    return TrainedScript(script, script.module.load(own, context))


def carries_code(members: Mapping[str, Any]) -> bool:
    return True


def _private(events: Events) -> Events:
    copies = Events(events.x.copy(), events.y.copy(), events.w.copy())
    nbytes = copies.x.nbytes + copies.y.nbytes + copies.w.nbytes
    logging.getLogger("ophion").info("the script gets its own copy of %d events (%d bytes)", len(copies), nbytes)
    return copies
