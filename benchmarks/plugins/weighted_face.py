"""Weighted sums of the features. One event alone takes about a millisecond of Python's own work, as a script's loop does."""

import numpy as np

PACKAGES = ["numpy"]


def check(context):
    pass


def train(data, context):
    return np.arange(1, data.train.x.shape[1] + 1, dtype=np.float32)


def predict(model, x):
    if len(x) == 1:
        total = 0.0
        for i in range(20_000):
            total += i
    return x @ model


def save(model):
    return {"weights": model.tobytes()}


def load(members, context):
    return np.frombuffer(members["weights"], np.float32)


def carries_code(members):
    return False
