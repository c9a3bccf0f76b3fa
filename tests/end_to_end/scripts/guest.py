"""A script that does to its process what its parameters say, in training or when it scores an event whose x0 is over 1e6."""

import ctypes
import os
import pickle
import socket
import sys

import numpy as np


def misbehave(how):
    if how == "exit":
        os._exit(7)
    if how == "sys.exit":
        sys.exit(3)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "loop":
        while True:
            pass
    if how == "bomb":
        kept = []
        while True:
            kept.append(np.ones(1 << 24))
    if how == "raise":
        raise ValueError("no luck")
    if how == "network":
        socket.create_connection(("127.0.0.1", 9))
    if how == "write":
        with open("stolen.txt", "w") as file:
            file.write("x")
    if how == "print":
        for i in range(1000):
            print("line", i)


def train(train, validation, ctx, how="", when="predict"):
    if when == "train" and not ctx.rehearsal:
        misbehave(how)
    for epoch in range(3):
        ctx.report(epoch + 1, 3, loss=1.0 / (epoch + 1))
    signal = train.x[train.y == 1].mean(axis=0) - train.x[train.y == 0].mean(axis=0)
    return {"direction": np.asarray(signal), "how": how if when == "predict" else "", "process": os.getpid()}


def predict(model, x):
    if x[0, 0] > 1e6:
        misbehave(model["how"])
    return 1 / (1 + np.exp(-(x @ model["direction"])))


def save(model):
    return {"model.pkl": pickle.dumps(model)}


def load(members, ctx):
    return pickle.loads(members["model.pkl"])
