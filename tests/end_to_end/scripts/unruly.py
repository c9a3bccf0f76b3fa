"""The method "script" that leaves the process changed."""

import os
import random
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
settings = {"trainings": 0}


def train(train, validation, ctx):
    settings["trainings"] += 1
    assert settings["trainings"] == 1, "a module of another training is seen"
    assert torch.get_default_dtype() == torch.float64, "what a script sets at its top holds in the call"
    os.chdir("/")
    os.environ["UNRULY"] = "1"
    sys.path.insert(0, "/nowhere")
    np.random.seed(0)
    random.seed(0)
    torch.set_num_threads(1)
    sys.stdout = sys.stderr = None
    return float(train.x.mean())


def predict(model, x):
    os.chdir("/tmp")
    return np.full(len(x), 0.5)


def save(model):
    return {"a": b"0"}


def load(members, ctx):
    return 0
