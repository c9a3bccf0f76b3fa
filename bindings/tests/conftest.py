"""The Python package of a build, imported into this Python: no test here needs anything compiled for it.

OPHION_BUILD names the build folder (build/dev). OPHION_SLOW_TESTS=1 runs the slow tests too.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("OPHION_BUILD") or ROOT / "build" / "dev").resolve()
PACKAGE = BUILD / "lib" / "ophion" / "python"
sys.path.insert(0, str(PACKAGE))

A, B = np.array([-1.0, 1.0]), np.array([2.0, 4.0])  # the two values that each column of the events has


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; runs only with OPHION_SLOW_TESTS=1")
    data = tempfile.mkdtemp(prefix="ophion_tests_")  # what is trained here is trusted in a store of its own
    config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
    os.environ["XDG_DATA_HOME"] = data
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A shell starts what runs in its background with Ctrl-C ignored, and Python then leaves it so: here, and in all that is started from here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("slow") and os.environ.get("OPHION_SLOW_TESTS") != "1":
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: slow; set OPHION_SLOW_TESTS=1"))


def counted_events():
    """Events whose best score is known by counting: 100 at each (a, c) of {-1, 1} × {2, 4}, signal with probability 0.2, 0.4, 0.6, 0.8."""
    columns = {"signal": [], "background": []}
    for k, (a, c) in enumerate((a, c) for a in A for c in B):
        signal = 20 * (k + 1)
        columns["signal"] += [(a, c)] * signal
        columns["background"] += [(a, c)] * (100 - signal)
    return {name: dict(zip("ac", np.array(rows).T)) for name, rows in columns.items()}


def expected(a, c):
    """The score of an event by that count."""
    return (0.2 + 0.4 * (np.asarray(a) > 0) + 0.2 * (np.asarray(c) > 3)).astype(np.float32)


def counting_config(folder, **changes):
    """A config that counts: a tree that tells all four cells apart, on all events. Feature b is computed from column c."""
    return {
        "version": 1,
        "name": "count",
        "task": "classification",
        "output": str(folder),
        "data": {
            "features": ["a", {"name": "b", "expr": "2 * c"}],
            "split": {"validation": 0, "test": 0},
            "weights": {"normalise": "none"},
        },
        "methods": [{"name": "tree", "type": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"random_state": 0}}],
        "evaluation": {"importance_events": 0},
        "report": {"enabled": False},
        **changes,
    }


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    """The model of `counting_config`, trained once."""
    import ophion

    folder = tmp_path_factory.mktemp("counted")
    run = ophion.train(counting_config(folder / "runs"), events=counted_events())
    run.best.save(folder / "count.ophion")
    return folder / "count.ophion"


@pytest.fixture
def model(model_file):
    import ophion

    return ophion.Model.load(model_file)


def in_python(code, *arguments, python=sys.executable, cwd=None, status=0, **environment):
    """Run code in a process of its own with the package in reach; what it prints."""
    path = os.pathsep.join([str(PACKAGE), *environment.pop("more_path", [])])
    done = subprocess.run(
        [python, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
