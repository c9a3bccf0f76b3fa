"""Small trainings of the method "pytorch", which several tests start from."""

import torch
from conftest import SCRIPTS, classification, context, gaussians

from ophion.contract import TrainingData
from ophion.methods import pytorch_method

MLP = str(SCRIPTS / "mlp.py")


def network(made):
    """A script whose get_model gives this."""
    return f"from torch import nn\nimport torch\ndef get_model(spec):\n    return {made}\n"


LINEAR = network("nn.Linear(spec.n_features, spec.n_outputs)")


def data(n=400, m=200, **more):
    return TrainingData(gaussians(n, **more), gaussians(m, seed=9, **more) if m else None)


def training(**given):
    return {"epochs": 4, "batch_size": 64, "learning_rate": 0.01} | given


def trained(script=MLP, parts=None, spec=None, **more):
    ctx = context("pytorch", spec or classification(), script=script, **({"training": training()} | more))
    pytorch_method.check(ctx)
    return pytorch_method.train(parts or data(), ctx)


def weights(model):
    return {name: value.clone() for name, value in model.model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def told(reports, name):
    """One metric of every epoch."""
    return [metrics[name] for _, _, metrics in reports]
