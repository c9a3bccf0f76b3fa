"""The method "script" that writes in every way there is, and takes the streams away with it."""

import locale
import logging
import sys
import warnings

import numpy as np
from tqdm import tqdm


def train(train, validation, ctx):
    if not ctx.rehearsal:
        print("größer → ∞", locale.getpreferredencoding(False))
        logging.warning("logged: ä")
        warnings.warn("warned: ö")
        logging.getLogger("ophion.talkative").info("odd: \0 \ud800")
        for _ in tqdm([1, 2, 3], desc="ü", ascii=True):
            pass
        print("last", end="")
    sys.stdout = sys.stderr = None
    return float(train.x.mean())


def predict(model, x):
    return np.full(len(x), 0.5)


def save(model):
    return {"a": b"0"}


def load(members, ctx):
    return 0
