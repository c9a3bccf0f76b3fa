"""The method "script" that takes its time for each chunk of events that it scores, but for those of the training."""

import time

import numpy as np

FEW = 10_000  # the training has no more


def train(train, validation, ctx):
    return 0.5


def predict(score, x):
    if len(x) > FEW:
        time.sleep(0.2)
    return np.full(len(x), score)


def save(score):
    return {"score": b"0.5"}


def load(members, ctx):
    return float(members["score"])
