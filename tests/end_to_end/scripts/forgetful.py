"""The method "script" that forgets a process and a thread pool."""

import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np

pools = []


def train(train, validation, ctx):
    get_context("fork").Process(target=time.sleep, args=(600,), name="sleeper").start()
    pools.append(ThreadPoolExecutor(1))
    pools[-1].submit(time.sleep, 600)
    return 0


def predict(model, x):
    return np.full(len(x), 0.5)


def save(model):
    return {"a": b"0"}


def load(members, ctx):
    return 0
