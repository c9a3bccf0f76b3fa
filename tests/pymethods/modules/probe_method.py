"""A method whose behaviour each test chooses by its options: a mean of the features, shifted by what was learnt."""

import importlib
import os
import threading
import time

import numpy as np
import torch

from ophion.errors import OptionError

PACKAGES = ["numpy"]
kept = []
seen = {}
spinning = []


def misbehave(behaviour):
    """"unruly:chdir" does unruly.chdir()."""
    module, _, deed = (behaviour or "").partition(":")
    if module == "unruly":
        getattr(importlib.import_module(module), deed)()


class Model:
    def __init__(self, shift, options):
        self.shift = shift
        self.options = options


class NoTensor:
    """Has the methods of a tensor; what comes of them is a list."""

    def __init__(self, numbers):
        self.numbers = numbers

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.numbers


def host_was_asked():
    seen["host_was_asked"] = True


def join_reporter():
    kept[-1].join()


def check(context):
    if context.options.get("hidden", 1) < 1:
        raise OptionError("/params/hidden", "expected at least 1, found -3")
    misbehave(context.options.get("check"))
    seen["context"] = context


def spin(behaviour):
    """Works without an end, in the way named; returns at once for what is no such way."""
    if behaviour not in ("spin", "swallow", "swallow_twice", "clean_up", "disguise"):
        return
    spinning.append(behaviour)
    seen["spinning"] = len(spinning)
    while behaviour == "spin":
        pass
    while behaviour == "swallow":  # nearly all of its time inside the try
        try:
            time.sleep(0.001)
        except BaseException:
            pass
    while behaviour == "swallow_twice":
        try:
            while True:
                try:
                    time.sleep(0.001)
                except BaseException:
                    pass
        except BaseException:
            pass
    try:
        while True:
            time.sleep(0.001)
    except BaseException as error:
        if behaviour == "disguise":
            raise ValueError("something else") from error
        raise
    finally:
        time.sleep(0.1)
        sum(range(100_000))
        seen["cleaned_up"] = True


def train(data, context):
    options = context.options
    behaviour = options.get("train")
    misbehave(behaviour)
    if behaviour == "keep":
        kept.append(data.train.x)
    if behaviour == "divide":  # what a host that traps such things would die of
        with np.errstate(all="ignore"):
            assert np.isinf(np.array([1.0, 2.0]) / 0).all() and np.isnan(np.array([0.0]) / 0).all()
            assert np.isinf(np.exp(np.array([1e4])))[0]
        assert torch.isinf(torch.ones(10000) / 0).all()
    if behaviour == "c_output" and not context.rehearsal:
        for i in range(1000):
            os.write(1, f"line {i}\n".encode())
        os.write(2, b"trouble without an end")
        os.system("echo from a process")
    if behaviour == "write" or behaviour == "write_later" and not context.rehearsal:
        torch.from_numpy(data.train.x)[0, 1] += 1  # PyTorch knows no read-only memory
    if behaviour == "fail":
        raise ValueError("no fit")
    if behaviour == "fail_on_few" and len(data.train) <= 50:
        raise ValueError("too few events")
    if behaviour == "exit":
        raise SystemExit(4)
    if behaviour == "report":
        for epoch in range(1, 6):
            if not context.report(epoch, 5, loss=1.0 / epoch, **{"validation/loss": 2.0 / epoch}):
                break
    if behaviour == "ignore_the_host":
        for epoch in range(1, 1000):
            try:
                context.report(epoch)
            except Exception:
                pass
    if behaviour == "keep_context":
        kept.append(context)
    if behaviour == "report_from_a_thread" and not context.rehearsal:
        reporter = threading.Thread(target=context.report, args=(1,))
        reporter.start()
        kept.append(reporter)
        while not seen.get("host_was_asked"):
            time.sleep(0.001)
    if behaviour == "wait":
        while not context.should_stop:
            time.sleep(0.001)
    if behaviour == "finish_slowly":  # longer than code that has not been told of the stop may go on
        while not context.should_stop:
            time.sleep(0.001)
        time.sleep(0.6)
    if behaviour == "give_what_it_has":
        try:
            spin("spin")
        except KeyboardInterrupt:
            pass
    if not context.rehearsal:
        spin(behaviour)
    if not context.rehearsal:
        seen.update(rows=len(data.train), y=data.train.y.tolist(), w=data.train.w.tolist(), dtype=str(data.train.y.dtype),
                    validation=None if data.validation is None else len(data.validation), thread=threading.get_ident(),
                    seed=context.seed, spec_seed=context.spec.seed, n_outputs=context.spec.n_outputs,
                    threads=context.threads)
    else:
        seen.update(rehearsal_rows=len(data.train), rehearsal_labels=sorted(set(data.train.y.ravel().tolist())))
    return Model(float(np.mean(data.train.w)), options)


def predict(model, x):
    behaviour = model.options.get("predict")
    if behaviour and behaviour.startswith("unruly:"):
        misbehave(behaviour)
    if behaviour == "keep":
        kept.append(x)
    if behaviour == "print":
        print("scoring", len(x))
    if behaviour == "fail":
        raise ValueError("no scores")
    if behaviour == "identity":
        return x
    if behaviour == "no_tensor":
        return NoTensor(x.mean(axis=1).tolist())
    spin(behaviour)
    return x.mean(axis=1) + model.shift


def save(model):
    behaviour = model.options.get("save")
    if behaviour == "fail":
        raise TypeError("cannot pickle 'module' object")
    if behaviour == "text":
        return {"model.txt": "text"}
    if behaviour == "nothing":
        return {}
    spin(behaviour)
    shift = 0.0 if behaviour == "lossy" else model.shift
    return {"model.bin": np.float64(shift).tobytes(), "script/probe.py": bytearray(b"# source")}


def load(members, context):
    spin(context.options.get("load"))
    return Model(float(np.frombuffer(members["model.bin"], np.float64)[0]), context.options)


def carries_code(members):
    return "script/probe.py" in members
