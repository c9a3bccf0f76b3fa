"""Toy data with known answers, and method contexts as the C++ side makes them."""

import copy
import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before anything with OpenMP is imported: these fits are too small to share out

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent / "scripts"
EXAMPLE = ROOT / "examples" / "python_method"  # a method as a Python package
sys.path.insert(0, str(ROOT / "python_scripts"))
sys.path.append(str(EXAMPLE))

from ophion.contract import Context, Events, Spec, TrainingData  # noqa: E402


def filled(method: str, **given):
    """A method's options as C++ hands them over: checked for their keys, with the schema's defaults filled in."""
    example = EXAMPLE / "ophion_naive_bayes" / "method.schema.json"
    schema = json.loads((example if method == "naive_bayes" else ROOT / "plugins" / f"{method}_method.schema.json").read_text())
    return _fill(schema, copy.deepcopy(given), schema)


def _fill(schema, value, root):
    if not isinstance(value, dict):
        return value
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            named = branch.get("properties", {}).get("type", {}).get("const")
            if named is not None and value.get("type") == named:
                return _fill(branch, value, root)
        return value
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        assert value.keys() <= properties.keys(), value.keys() - properties.keys()
    for name, part in properties.items():
        if name not in value and "default" in part:
            value[name] = copy.deepcopy(part["default"])
        if name in value:
            value[name] = _fill(part, value[name], root)
    return value


def gaussians(n, d=2.0, features=2, seed=1, classes=("background", "signal"), weights=None):
    """Unit Gaussians, class k's mean at k·d along the first feature; the other features say nothing."""
    random = np.random.default_rng(seed)
    y = random.integers(0, len(classes), n).astype(np.int32)
    x = random.standard_normal((n, features)).astype(np.float32)
    x[:, 0] += d * y
    return events(x, y, np.ones(n) if weights is None else weights)


def events(x, y, w):
    """Lent and read-only, as from C++."""
    made = Events(np.asarray(x, np.float32), y, np.asarray(w, np.float64))
    for array in (made.x, made.y, made.w):
        array.flags.writeable = False
    return made


def auc(scores, y, w=None):
    """Area under the ROC curve, by the rank sum (ties count half)."""
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(y, scores, sample_weight=w)


def best_auc(d):
    """No classifier does better on two unit Gaussians d apart: Φ(d/√2)."""
    return 0.5 * (1 + math.erf(d / 2))


def classification(classes=("background", "signal"), features=2):
    return Spec("classification", tuple(f"x{i}" for i in range(features)), classes=tuple(classes), seed=7)


def regression(targets=("sum",), features=2):
    return Spec("regression", tuple(f"x{i}" for i in range(features)), targets=tuple(targets), seed=7)


def context(
    method,
    spec,
    *,
    reports=None,
    keep_going=lambda epoch: True,
    checkpoints=None,
    resume=False,
    rehearsal=False,
    threads=1,
    **options,
):
    """A training context; what the method reports is appended to `reports` as (epoch, epochs, metrics)."""

    def report(epoch, epochs, metrics):
        if reports is not None:
            reports.append((epoch, epochs, metrics))
        return keep_going(epoch)

    return Context(
        name=method,
        spec=spec,
        options=filled(method, **options),
        seed=spec.seed,
        threads=threads,
        checkpoints=str(checkpoints) if checkpoints else None,
        resume=resume,
        rehearsal=rehearsal,
        _report=report,
    )


@pytest.fixture
def script(tmp_path):
    """Writes a user's script: script("mlp.py", '''…''') -> its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def small_chunks(monkeypatch):
    """Readers give chunks of 64 bytes, so that five events are several."""
    from ophion.readers import columns, csv_reader

    for module in (columns, csv_reader):
        monkeypatch.setattr(module, "CHUNK_BYTES", 64)


def linear_targets(n, seed=3, n_targets=2):
    """Targets that are sums of the features: an exact answer exists."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, 2)).astype(np.float32)
    matrix = np.array([[1.0, 2.0], [1.0, -1.0]], np.float32)[:, :n_targets]
    return TrainingData(
        events(x[: n // 2], x[: n // 2] @ matrix, np.ones(n // 2)),
        events(x[n // 2 :], x[n // 2 :] @ matrix, np.ones(n - n // 2)),
    )
