"""The training loop for PyTorch: batches, weights, schedules, early stopping, checkpoints."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.optim import lr_scheduler

from ophion.contract import Context, Events, Spec, TrainingData
from ophion.errors import OptionError
from ophion.methods._torch_checkpoint import BEST, NEWEST, Checkpoints, random_state, restore_random_state, state_of
from ophion.methods._torch_network import BLOCK, TrainedNetwork
from ophion.methods._torch_script import NetworkScript, arguments_of, choose_device, reproducible, shaped

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
EACH_BATCH = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)

_STOP_EVERY = 16  # batches between two looks at the stop flag

_log = logging.getLogger("ophion")


@dataclass(frozen=True)
class Part:
    """Events as tensors: a batch, or a part of the data.

    y: float32 (n,) for two classes, int64 (n,) for more, float32 (n, n_targets) for regression.
    """

    x: torch.Tensor
    y: torch.Tensor
    w: torch.Tensor

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, index: torch.Tensor) -> Part:
        return Part(self.x.index_select(0, index), self.y.index_select(0, index), self.w.index_select(0, index))

    def block(self, start: int, stop: int) -> Part:
        return Part(self.x[start:stop].clone(), self.y[start:stop].clone(), self.w[start:stop].clone())


class ScriptContext:
    """What a script sees as ``ctx``."""

    def __init__(self, context: Context, params: Mapping[str, Any], device: torch.device, epochs: int):
        self._context = context
        self.spec = context.spec
        self.params = dict(params)
        self.training = dict(context.options["training"])
        self.device = device
        self.seed = context.seed
        self.epochs = epochs
        self.epoch = 0  # from 1; the trainer counts
        self.checkpoints = None if context.rehearsal else context.checkpoints
        self.resume = context.resume
        self.rehearsal = context.rehearsal

    def report(self, epoch: int, epochs: int = 0, /, **metrics: float | torch.Tensor) -> bool:
        plain = {name: value.item() if isinstance(value, torch.Tensor) else value for name, value in metrics.items()}
        return self._context.report(epoch, epochs, **plain)

    @property
    def should_stop(self) -> bool:
        return self._context.should_stop


def check_training(training: Mapping[str, Any]) -> None:
    """The optimizer's arguments, names and values: by making one."""
    _named_optimizer([nn.Parameter(torch.zeros(1))], training)


def train_network(script: NetworkScript, data: TrainingData, context: Context) -> TrainedNetwork:
    """Train what the script makes; see `ophion.methods.pytorch_method` for what it may say in this."""
    params, spec = context.options["params"], context.spec
    device = choose_device(context.options["device"])
    epochs = 1 if context.rehearsal else context.options["training"]["epochs"]
    with reproducible(context.seed, context.threads):
        model = script.build(spec, params, device)
        ctx = ScriptContext(context, params, device, epochs)
        scale = _weight_scale(data.train.w)
        own_fit = "fit" in script.functions
        train = _tensors(data.train, spec, scale, device, private=own_fit)
        validation = _tensors(data.validation, spec, scale, device, private=own_fit) if data.validation else None
        if own_fit:
            model.train()
            made = script.functions["fit"](model, train, validation, ctx)
            context.settle()
            if made is not None and not isinstance(made, nn.Module):
                raise TypeError(f"{script.file}: fit gave {type(made).__name__}, expected a torch.nn.Module or None")
            model = model if made is None else made
        else:
            _Loop(script, model, train, validation, ctx, context).run()
        return TrainedNetwork(model, script, spec, params, device)


class _Loop:
    """One training. Its state between two epochs is what a checkpoint holds."""

    def __init__(
        self,
        script: NetworkScript,
        model: nn.Module,
        train: Part,
        validation: Part | None,
        ctx: ScriptContext,
        context: Context,
    ):
        self.script, self.model, self.train, self.validation, self.ctx = script, model, train, validation, ctx
        self.context = context
        training = ctx.training
        self.batch_size = training["batch_size"]
        self.clip = training["gradient_clip"]
        self.stopping = training["early_stopping"]
        if self.stopping and validation is None:
            _log.warning(
                "%s: early_stopping needs a validation part, which the config does not ask for: all epochs are run",
                context.name,
            )
            self.stopping = None
        self.loss = script.loss(ctx.spec)
        self.own_step: Callable | None = script.functions.get("training_step")
        self.starts = _batch_starts(len(train), self.batch_size)
        self.optimizer, self.scheduler = self._optimizers()
        self.shuffle = torch.Generator().manual_seed(ctx.seed)
        self.checkpoints = Checkpoints(ctx.checkpoints)
        self.best: dict[str, Any] | None = None  # state of the best epoch so far
        self.last: dict[str, Any] | None = None  # without a validation part: state of the last whole epoch
        self.best_loss = math.inf
        self.best_epoch = 0
        self.reference = math.inf  # the loss that an improvement must be below by min_delta
        self.waited = 0  # epochs since the last such improvement
        self.finished = False

    def run(self) -> None:
        if self.ctx.resume:
            self._resume()
        try:
            self._epochs()
        except KeyboardInterrupt:
            self.context.settle()
            if self.best is None and self.last is None:  # there is nothing worth keeping
                raise
        kept = self.last if self.best is None else self.best
        if kept is not None:
            self.model.load_state_dict(kept)

    def _epochs(self) -> None:
        while not self.finished and self.ctx.epoch < self.ctx.epochs:
            self.ctx.epoch += 1
            loss = self._epoch()
            validation_loss = self._validation_loss() if self.validation is not None else None
            going_on = self._judge(loss, validation_loss)
            metrics = {"loss": loss, "learning_rate": self.optimizer.param_groups[0]["lr"]}
            if validation_loss is not None:
                metrics["validation/loss"] = validation_loss
            self._advance_schedule(loss if validation_loss is None else validation_loss)
            self.finished = not going_on or self.ctx.epoch == self.ctx.epochs
            if self.checkpoints:
                self.checkpoints.write(NEWEST, self._state())
            finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
            if not self.ctx.report(self.ctx.epoch, self.ctx.epochs, **finite) or self.ctx.should_stop:
                break
        self.context.settle()

    def _epoch(self) -> float:
        """One pass over the training part; its mean loss.

        Raises
        ------
        KeyboardInterrupt
            The training shall stop: raised here between two batches, or anywhere in them by the C++ side.
        """
        self.model.train()
        order = torch.randperm(len(self.train), generator=self.shuffle).to(self.train.x.device)
        total = torch.zeros((), device=self.train.x.device)
        for number, (start, stop) in enumerate(zip(self.starts, [*self.starts[1:], len(order)])):
            batch = self.train.rows(order[start:stop])
            loss = self._batch_loss(batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if self.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            if isinstance(self.scheduler, EACH_BATCH):
                self.scheduler.step()
            total.add_(loss.detach(), alpha=stop - start)
            if number % _STOP_EVERY == 0 and self.ctx.should_stop:
                raise KeyboardInterrupt(f"stopped in epoch {self.ctx.epoch}")
        return total.item() / len(self.train)

    def _batch_loss(self, batch: Part) -> torch.Tensor:
        if self.own_step is None:
            return (self._losses(batch) * batch.w).mean()
        loss = self.own_step(self.model, batch, self.ctx)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            found = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise ValueError(f"{self.script.file}: training_step gave {found}, expected a tensor with one number")
        return loss.reshape(())

    def _losses(self, batch: Part) -> torch.Tensor:
        """The loss of each event, without its weight."""
        n, spec = len(batch), self.ctx.spec
        output = shaped(self.model(batch.x), n, spec.n_outputs, f"{self.script.file}: the model")
        if spec.task == "regression":
            output = output.reshape(n, spec.n_outputs)
        losses = self.loss(output, batch.y)
        shape = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
        if shape == (n,):
            return losses
        if spec.task == "regression" and shape == (n, spec.n_outputs):
            return losses.mean(dim=1)
        raise ValueError(
            f"{self.script.file}: the loss of get_loss gave {shape} for a batch of {n}, expected one value "
            f'per event, ({n},): use reduction="none", so that event weights can be applied'
        )

    def _validation_loss(self) -> float:
        self.model.eval()
        total = weights = 0.0
        # A script's own step may need gradients inside (a gradient penalty); nothing is kept of them.
        with torch.set_grad_enabled(self.own_step is not None):
            for start in range(0, len(self.validation), max(BLOCK, self.batch_size)):
                batch = self.validation.block(start, start + max(BLOCK, self.batch_size))
                if self.own_step is None:
                    total += (self._losses(batch).double() * batch.w).sum().item()
                    weights += batch.w.double().sum().item()
                else:
                    total += self._batch_loss(batch).item() * len(batch)
                    weights += len(batch)
        if not weights > 0:
            raise ValueError(f"the validation part's weights sum to {weights:g}: no loss can be had from it")
        return total / weights

    def _judge(self, loss: float, validation_loss: float | None) -> bool:
        """Note the best epoch; False when there is no sense in going on."""
        measured = loss if validation_loss is None else validation_loss
        if validation_loss is None and math.isfinite(loss):
            self.last = state_of(self.model)
        if validation_loss is not None and validation_loss < self.best_loss:
            self.best, self.best_loss, self.best_epoch = state_of(self.model), validation_loss, self.ctx.epoch
            self.checkpoints.write(BEST, {"epoch": self.best_epoch, "model": self.best})
        if not math.isfinite(loss) or not math.isfinite(measured):
            found = measured if math.isfinite(loss) else loss
            problem = f"{self.script.file}: the loss became {found} in epoch {self.ctx.epoch}"
            if self.best is None:
                raise ValueError(
                    f"{problem}: try a smaller learning_rate, gradient_clip, or a transform of the features"
                )
            _log.warning("%s; epoch %d is kept", problem, self.best_epoch)
            return False
        if self.stopping:
            if validation_loss < self.reference - self.stopping["min_delta"]:
                self.reference, self.waited = validation_loss, 0
            else:
                self.waited += 1
            return self.waited < self.stopping["patience"]
        return True

    def _advance_schedule(self, measured: float) -> None:
        if isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(measured)
        elif self.scheduler is not None and not isinstance(self.scheduler, EACH_BATCH):
            self.scheduler.step()

    def _optimizers(self):
        training, file = self.ctx.training, self.script.file
        own = self.script.functions.get("configure_optimizers")
        if own is not None:
            made = own(self.model, self.ctx.spec, training)
            optimizer, scheduler = made if isinstance(made, (tuple, list)) and len(made) == 2 else (made, None)
            if not isinstance(optimizer, torch.optim.Optimizer):
                raise TypeError(
                    f"{file}: configure_optimizers gave {type(optimizer).__name__}, "
                    "expected an optimizer or (optimizer, scheduler)"
                )
            if scheduler is not None and not hasattr(scheduler, "step"):
                raise TypeError(
                    f"{file}: configure_optimizers gave a scheduler of type {type(scheduler).__name__}, "
                    "which has no step()"
                )
            return optimizer, scheduler
        parameters = [one for one in self.model.parameters() if one.requires_grad]
        if not parameters:
            raise ValueError(f"{file}: the model has no parameters to train")
        optimizer = _named_optimizer(parameters, training)
        return optimizer, _named_scheduler(optimizer, training, self.ctx.epochs, len(self.starts))

    def _state(self) -> dict[str, Any]:
        return {
            "epoch": self.ctx.epoch,
            "finished": self.finished,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "shuffle": self.shuffle.get_state(),
            "random": random_state(),
            "best": (self.best_loss, self.best_epoch),
            "stopping": (self.reference, self.waited),
        }

    def _resume(self) -> None:
        state, best = self.checkpoints.read(NEWEST), self.checkpoints.read(BEST)
        if state is None:
            _log.info("%s: there is no checkpoint yet, training starts from the beginning", self.context.name)
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.shuffle.set_state(state["shuffle"])
        restore_random_state(state["random"])
        self.ctx.epoch, self.finished = state["epoch"], state["finished"]
        self.best_loss, self.best_epoch = state["best"]
        self.reference, self.waited = state["stopping"]
        if self.validation is None:
            self.last = state["model"]
        if self.best_epoch:
            if best is None:
                raise ValueError(f"{self.ctx.checkpoints} has {NEWEST}, but not {BEST}, which belongs to it")
            self.best = best["model"]
        _log.info("%s: going on after epoch %d of %d", self.context.name, self.ctx.epoch, self.ctx.epochs)


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


def _batch_starts(n: int, size: int) -> list[int]:
    """Where batches start. A last batch of one event joins the one before: BatchNorm can't train on it."""
    starts = list(range(0, n, size))
    if len(starts) > 1 and size > 1 and n - starts[-1] == 1:
        starts.pop()
    return starts


def _weight_scale(w: np.ndarray) -> float:
    mean = float(np.mean(w))
    if not mean > 0:
        raise ValueError(f"the training part's weights have a mean of {mean:g}: nothing can be learnt from it")
    return 1 / mean


def _tensors(events: Events, spec: Spec, scale: float, device: torch.device, private: bool) -> Part:
    """Events as tensors.

    x and a regression's y may be the host's own memory unless `private`: batches are taken from them, they are never
    handed out themselves.
    """
    if spec.task == "regression":
        y = _tensor(events.y)
    else:
        y = torch.from_numpy(events.y.astype(np.float32 if spec.n_outputs == 1 else np.int64))
    x, w = _tensor(events.x), torch.from_numpy((events.w * scale).astype(np.float32))
    if private:
        x, y = x.clone(), y.clone()
    return Part(x.to(device), y.to(device), w.to(device))


def _tensor(array: np.ndarray) -> torch.Tensor:
    try:
        return torch.from_numpy(array)
    except ValueError:  # strides PyTorch can't have
        return torch.from_numpy(array.copy())
