"""Hangs in Python code in the epoch, or in the prediction, that its parameters name."""

import torch
from torch import nn


def get_model(spec, in_epoch=0, predicting=False):
    return nn.Linear(spec.n_features, spec.n_outputs)


def training_step(model, batch, ctx):
    while ctx.epoch == ctx.params.get("in_epoch") and not ctx.rehearsal:
        pass
    output = model(batch.x)[:, 0]
    return nn.functional.binary_cross_entropy_with_logits(output, batch.y, weight=batch.w)


def predict(model, x, spec):
    while len(x) == 2000:
        pass
    return torch.sigmoid(model(x))
