"""Beside mlp.py, to be imported by it."""

from torch import nn


def dense(n_in, n_out):
    return nn.Linear(n_in, n_out), nn.ReLU()
