"""The method "script" with next to nothing to learn or to import: the direction from one class's mean to the other's."""

import io

import numpy as np


def train(train, validation, ctx):
    means = [np.average(train.x[train.y == label], axis=0, weights=train.w[train.y == label]) for label in (0, 1)]
    return means[1] - means[0]


def predict(direction, x):
    return 1 / (1 + np.exp(-(x @ direction)))


def save(direction):
    stream = io.BytesIO()
    np.save(stream, direction)
    return {"direction.npy": stream.getvalue()}


def load(members, ctx):
    return np.load(io.BytesIO(members["direction.npy"]))
