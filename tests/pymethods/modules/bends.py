"""Functions for callbacks: of every shape, and some that fail."""

import threading
import time

import numpy as np

kept = []
calls = 0


def square(x):
    return x * x


def bend(x, angle, *, offset=0.0):
    return x * angle + offset


def fail_above_two(x):
    global calls
    calls += 1
    if x > 2:
        raise ValueError(f"{x} is above two")
    return x


def calls_so_far():
    return calls


def text(x):
    return "text"


def nothing(x):
    return None


def half_precision(x):
    return np.float32(x)


def int_of(x):
    return int(x)


def joined(words, times):
    return {"joined": "-".join(words), "each": [times] * len(words)}


def remember(x):
    kept.append(x)


def keep_array(x):
    kept.append(x)
    return x


def add_one_in_place(x):
    x += 1
    return x


def norm(x, y):
    return np.sqrt(x * x + y * y)


def itself(x):
    return x


def wrong_shape(x):
    return x[:, None]


def as_list(x):
    return [2 * one for one in x]


def of_text(x):
    return np.array(["a"] * len(x))


def slow(x):
    time.sleep(0.001)
    return x


def thread_name(x):
    return threading.get_ident()


class Times:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


triple = Times(3.0)
number = 5
