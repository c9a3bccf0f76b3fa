"""The method "script" that learns nothing: its model is what it was given, so that a test can look at it."""

import io

import numpy as np


def train(train, validation, ctx):
    assert not np.isnan(train.w).any()
    given = {"x": train.x, "y": train.y, "w": train.w}
    if validation is not None:
        given |= {"validation_x": validation.x, "validation_w": validation.w}
    return given


def predict(model, x):
    return np.nan_to_num(x[:, 0], nan=-1.0)


def save(model):
    stream = io.BytesIO()
    np.savez(stream, **model)
    return {"given.npz": stream.getvalue()}


def load(members, ctx):
    with np.load(io.BytesIO(members["given.npz"])) as arrays:
        return dict(arrays)
