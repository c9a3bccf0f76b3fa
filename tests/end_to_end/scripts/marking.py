"""A script that leaves a mark wherever it is run: a line in the file that MARK names."""

import os

import numpy as np

with open(os.environ["MARK"], "a") as file:
    file.write("run\n")


def train(train, validation, ctx):
    return train.x.mean(axis=0)


def predict(model, x):
    return 1 / (1 + np.exp(-(x - model)[:, 0]))


def save(model):
    return {"mean": model.astype(np.float32).tobytes()}


def load(members, ctx):
    return np.frombuffer(members["mean"], np.float32)
