"""The mean of the answers, learnt in as many epochs as are asked for; it says in a file that it has begun, and where it runs."""

import sys
import threading
import time
from pathlib import Path

import numpy as np


def train(train, validation, ctx, epochs=3, pause=0.0, fail=False, begun=""):
    for epoch in range(1, epochs + 1):
        if fail:
            raise ZeroDivisionError("no mean of nothing")
        going_on = ctx.report(epoch, epochs, loss=1.0 / epoch)
        if begun and not ctx.rehearsal:
            Path(begun).write_text(f"{sys.executable}\n{threading.current_thread() is threading.main_thread()}")
        if not going_on or ctx.should_stop or ctx.rehearsal:
            break
        time.sleep(pause)
    return float(np.mean(train.y))


def predict(model, x):
    return np.full(len(x), model, np.float32)


def save(model):
    return {"mean": repr(model).encode()}


def load(members, ctx):
    return float(members["mean"])
