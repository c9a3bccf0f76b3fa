"""A script of the soak test: the first number of an event says what happens; below a million it is scored."""

import os
import pickle
import time

import numpy as np

FAILS, LITTERS, EXITS = 1e6, 2e6, 3e6


def train(train, validation, ctx, how=""):
    if how == "fail":
        raise ValueError("no luck")
    until = time.monotonic() + (0 if ctx.rehearsal or how != "slow" else 5)
    while time.monotonic() < until:
        ctx.report(1, 1, loss=1.0)
    return np.asarray(train.x, np.float32).mean(axis=0)


def predict(model, x):
    what = x[0, 0]
    if what == FAILS:
        raise ValueError("no luck")
    if what == LITTERS:
        os.chdir("/")
        os.environ["SOAK"] = str(time.monotonic())
        print("litter " * 1000)
    if what == EXITS:
        os._exit(7)
    return np.tanh(x @ model)


def save(model):
    return {"model.pkl": pickle.dumps(model)}


def load(members, ctx):
    return pickle.loads(members["model.pkl"])
