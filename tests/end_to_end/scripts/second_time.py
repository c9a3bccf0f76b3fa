"""The nearer of two centres, from a training that fails the second time; trainings.txt counts, without the rehearsal on few events."""

from pathlib import Path

import numpy as np

COUNT = Path("trainings.txt")


def train(train, validation, ctx):
    before = int(COUNT.read_text()) if COUNT.exists() else 0
    if len(train.x) > 100:
        COUNT.write_text(str(before + 1))
        if before == 1:
            raise RuntimeError("not the second time")
    return np.stack([train.x[train.y == label].mean(axis=0) for label in range(2)])


def predict(model, x):
    distance = ((x[:, None, :] - model) ** 2).sum(axis=2)
    return 1 / (1 + np.exp((distance[:, 1] - distance[:, 0]) / 2))


def save(model):
    return {"centres": model.astype(np.float32).tobytes()}


def load(members, ctx):
    return np.frombuffer(members["centres"], np.float32).reshape(2, -1)
