"""As line.py, with settings: how long a training takes, and whether it fails when it scores."""

import io
import time

import numpy as np


def train(train, validation, ctx, pause=0.0, power=1, fail=False):
    if not ctx.rehearsal:
        time.sleep(pause)
    means = [np.average(train.x[train.y == label], axis=0) for label in (0, 1)]
    return {"direction": np.sign(means[1] - means[0]) * np.abs(means[1] - means[0]) ** power, "fail": fail and not ctx.rehearsal}


def predict(model, x):
    if model["fail"]:
        raise ValueError("it was to fail")
    return 1 / (1 + np.exp(-(x @ model["direction"])))


def save(model):
    stream = io.BytesIO()
    np.savez(stream, **model)
    return {"model.npz": stream.getvalue()}


def load(members, ctx):
    return dict(np.load(io.BytesIO(members["model.npz"])))
