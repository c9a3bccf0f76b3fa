"""The method "pytorch": trains what a user's script makes with PyTorch.

The script needs ``get_model(spec, **params)`` or, named as "mlp.py:Net", a class made with ``Net(spec, **params)``;
it imports nothing from Ophion. Each of these is optional:

``get_loss(spec)``
    Gives ``loss(output, target)``, which gives one value per event (or per event and target); weights are applied by
    the trainer. Two classes: output and target are float32 of shape (n,), the output before the sigmoid. More: output
    (n, n_classes), target int64 (n,). Regression: output and target (n, n_targets), for one target too.
``configure_optimizers(model, spec, training)``
    Gives an optimizer, or (optimizer, scheduler); ``training`` is the config's. OneCycleLR and CyclicLR advance each
    batch, others each epoch.
``training_step(model, batch, ctx)``
    Gives the scalar loss of ``batch.x``, ``batch.y``, ``batch.w``; used in eval mode for the validation loss too.
``predict(model, x, spec)``
    Gives the scores. Without it: sigmoid, softmax or the output itself.
``fit(model, train, validation, ctx)``
    Owns the loop over the tensors ``train.x``, ``train.y``, ``train.w`` (its own copies; ``validation`` may be None),
    and tells ``ctx.report(epoch, epochs, **metrics)``, whose False asks to stop, as does ``ctx.should_stop``. May
    return another model. ``ctx.checkpoints`` is a folder of its own (or None), ``ctx.resume`` asks to go on from
    there.

``ctx`` has spec, params, training, device, seed, epochs, epoch, rehearsal beside these.

The weights ``w`` are scaled to a mean of one over the training part; a batch's loss is the mean of loss × weight.
Before the model is made Python's, NumPy's and PyTorch's generators get the seed; events are shuffled by a
``torch.Generator`` of their own with the same seed, one ``torch.randperm`` an epoch. With a validation part the epoch
with the lowest validation loss is kept, else the last one.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from ophion.contract import Context, TrainingData
from ophion.methods._torch_network import TrainedNetwork
from ophion.methods._torch_onnx import check_packages, export_graph
from ophion.methods._torch_optimizers import check_training
from ophion.methods._torch_script import NetworkScript, choose_device
from ophion.methods._torch_training import train_network
from ophion.native import NotExportable
from ophion.native.torch_network import export_module

PACKAGES = ["torch", "numpy"]


def check(context: Context) -> None:
    """Find wrong names, arguments and functions before any data is read; see `ophion.contract`."""
    NetworkScript.open(context.options["script"]).check(context.options["params"])
    choose_device(context.options["device"])
    check_training(context.options["training"])
    if "onnx" in context.options["export"]:
        check_packages()


def train(data: TrainingData, context: Context) -> TrainedNetwork:
    script = NetworkScript.open(context.options["script"])
    return train_network(script, data, context)


def predict(model: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    return model.predict(x)


def save(model: TrainedNetwork) -> dict[str, bytes]:
    return model.save()


def load(members: Mapping[str, bytes], context: Context) -> TrainedNetwork:
    return TrainedNetwork.load(members, context.spec, context.options["device"])


def carries_code(members: Mapping[str, Any]) -> bool:
    return True


def export_native(model: TrainedNetwork) -> dict[str, bytes]:
    if "predict" in model.script.functions:
        raise NotExportable(f"{model.script.file} has a predict() of its own")
    return export_module(model.model, model.spec)


def export_onnx(model: TrainedNetwork) -> bytes:
    return export_graph(model)
