"""A small network; plain PyTorch, nothing of Ophion."""

from torch import nn


def get_model(spec, hidden=64):
    """Two hidden layers; the numbers in and out come from the data."""
    return nn.Sequential(
        nn.Linear(spec.n_features, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, spec.n_outputs),
    )
