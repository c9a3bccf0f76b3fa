"""Optimizers and learning-rate schedules: the config's by name, or the script's own."""

from __future__ import annotations

from typing import Any, Mapping

import torch
from torch import nn
from torch.optim import lr_scheduler

from ophion.contract import Spec
from ophion.errors import OptionError
from ophion.methods._torch_script import NetworkScript, arguments_of

OPTIMIZERS = {
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "asgd": torch.optim.ASGD,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "rprop": torch.optim.Rprop,
    "sgd": torch.optim.SGD,
}
EACH_BATCH = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)  # these step after each batch, the others after each epoch


def check_training(training: Mapping[str, Any]) -> None:
    """The optimizer's arguments, names and values: by making one."""
    _named_optimizer([nn.Parameter(torch.zeros(1))], training)


def make_optimizer(script: NetworkScript, model: nn.Module, spec: Spec, training: Mapping[str, Any], epochs: int, steps: int):
    """The optimizer, and the scheduler or None, of a training of so many epochs of so many steps."""
    own = script.functions.get("configure_optimizers")
    if own is not None:
        made = own(model, spec, training)
        optimizer, scheduler = made if isinstance(made, (tuple, list)) and len(made) == 2 else (made, None)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(
                f"{script.file}: configure_optimizers gave {type(optimizer).__name__}, "
                "expected an optimizer or (optimizer, scheduler)"
            )
        if scheduler is not None and not hasattr(scheduler, "step"):
            raise TypeError(
                f"{script.file}: configure_optimizers gave a scheduler of type {type(scheduler).__name__}, "
                "which has no step()"
            )
        return optimizer, scheduler
    parameters = [one for one in model.parameters() if one.requires_grad]
    if not parameters:
        raise ValueError(f"{script.file}: the model has no parameters to train")
    optimizer = _named_optimizer(parameters, training)
    return optimizer, _named_scheduler(optimizer, training, epochs, steps)


def _named_optimizer(parameters: list[nn.Parameter], training: Mapping[str, Any]) -> torch.optim.Optimizer:
    named = training["optimizer"]
    named = dict(named) if isinstance(named, Mapping) else {"type": named}
    make = OPTIMIZERS[named.pop("type")]
    for key, own in (("lr", "learning_rate"), ("weight_decay", "weight_decay")):
        if key in named:
            raise OptionError(f"/training/optimizer/{key}", f"is given as training.{own}")
    arguments = arguments_of(make, named, "/training/optimizer")
    if training["weight_decay"]:  # not every optimizer takes one
        arguments |= arguments_of(make, {"weight_decay": training["weight_decay"]}, "/training")
    try:
        return make(parameters, lr=training["learning_rate"], **arguments)
    except (TypeError, ValueError) as error:
        raise OptionError("/training/optimizer", f"{make.__name__}: {error}") from error


def _named_scheduler(optimizer: torch.optim.Optimizer, training: Mapping[str, Any], epochs: int, steps: int):
    named = dict(training["scheduler"] or {"type": None})
    kind = named.pop("type")
    if kind is None:
        return None
    if kind == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs, **named)
    if kind == "one_cycle":
        top = named.pop("max_lr")
        top = 10 * training["learning_rate"] if top is None else top
        if named["pct_start"] * epochs * steps == 1:  # a rise of one step, where PyTorch divides by zero: begin at the top
            named["pct_start"] *= 1 - 1e-9
        momentum = "betas" in optimizer.defaults or bool(optimizer.defaults.get("momentum"))
        return lr_scheduler.OneCycleLR(
            optimizer, max_lr=top, total_steps=epochs * steps, cycle_momentum=momentum, **named
        )
    by_name = {
        "step": lr_scheduler.StepLR,
        "exponential": lr_scheduler.ExponentialLR,
        "plateau": lr_scheduler.ReduceLROnPlateau,
    }
    return by_name[kind](optimizer, **named)
