"""The method "script" with joblib's workers, by threads or by loky's processes."""

import os

import numpy as np
from joblib import Parallel, delayed, parallel_backend
from sklearn.ensemble import RandomForestClassifier


def one(value):
    return value * 2, os.getpid()


def train(train, validation, ctx, backend="loky"):
    with parallel_backend(backend, n_jobs=2):
        found = Parallel()(delayed(one)(i) for i in range(20))
        forest = RandomForestClassifier(n_estimators=10, n_jobs=2, random_state=1).fit(train.x, train.y)
    assert [value for value, _ in found] == [2 * i for i in range(20)]
    processes = {process for _, process in found}
    assert (os.getpid() in processes) == (backend == "threading"), processes
    alone = RandomForestClassifier(n_estimators=10, n_jobs=1, random_state=1).fit(train.x, train.y)
    assert np.array_equal(forest.predict_proba(train.x), alone.predict_proba(train.x))
    print("jobs", backend)
    return 0


def predict(model, x):
    return np.full(len(x), 0.5)


def save(model):
    return {"a": b"0"}


def load(members, ctx):
    return 0
