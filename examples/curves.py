"""Functions that C++ programs call: plain Python, nothing of Ophion in it."""

import numpy as np


def oscillation(x, frequency=2.0):
    """exp(-x) sin(frequency x); of a number, or of an array at once."""
    return np.exp(-x) * np.sin(frequency * x)


def only_below_one(x):
    if x >= 1:
        raise ValueError(f"only_below_one({x}): there is nothing from 1 on")
    return x**2


def batches(values, size):
    """The values in lists of that size, the last one shorter."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def summary(values):
    """Of numbers that come one by one."""
    numbers = np.fromiter(values, float)
    return {"count": len(numbers), "mean": numbers.mean(), "range": (numbers.min(), numbers.max())}
