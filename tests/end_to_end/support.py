"""Runs the program, makes toy events and configs for it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SCRIPTS = Path(__file__).resolve().parent / "scripts"
USER_SCRIPTS = Path(__file__).resolve().parents[1] / "python" / "scripts"  # mlp.py (which imports layers.py), centres.py
STANDARD = {"transform": ["standard"]}
BIG = 2**60  # event numbers that neither float32 nor float64 holds


class Program:
    """bin/ophion of a build."""

    def __init__(self, build: Path):
        self.file = build / "bin" / "ophion"
        assert self.file.is_file(), f"{self.file} is not built"
        self.score_file = build / "bin" / "score_program"

    def environment(self, **changes):
        """This process's, without what would choose another Python; None removes a variable."""
        environment = {key: value for key, value in os.environ.items() if key not in ("OPHION_PYTHON", "PYTHONPATH", "NO_COLOR")}
        environment.setdefault("OMP_NUM_THREADS", "1")
        for key, value in changes.items():
            environment.pop(key, None)
            if value is not None:
                environment[key] = str(value)
        return environment

    def __call__(self, *arguments, cwd, status=0, env=None, timeout=240):
        """Run it and insist on its exit status."""
        done = subprocess.run(
            [self.file, *map(str, arguments)],
            cwd=cwd,
            env=self.environment(**(env or {})),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, (
            f"{' '.join(map(str, arguments))}: exit status {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def start(self, *arguments, cwd):
        """Run it in the background."""
        return subprocess.Popen(
            [self.file, *map(str, arguments)],
            cwd=cwd,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def score(self, model, rows, cwd, *options):
        """Scores of float32 rows from a C++ program that knows nothing but the model file. Options: "--trust", a backend."""
        assert self.score_file.is_file(), f"{self.score_file} is not built"
        np.ascontiguousarray(rows, np.float32).tofile(Path(cwd) / "rows.bin")
        command = [self.score_file, str(model), "rows.bin", "scores.bin", *options]
        subprocess.run(command, cwd=cwd, env=self.environment(), check=True, timeout=240)
        return np.fromfile(Path(cwd) / "scores.bin", np.float32)


@dataclass
class Run:
    """A run folder, and what the program said while making it."""

    folder: Path
    out: str = ""
    log: str = ""

    @property
    def metrics(self):
        return json.loads((self.folder / "metrics.json").read_text())

    @property
    def scores(self):
        """scores.parquet as arrays."""
        return columns_of(self.folder / "scores.parquet")

    def model(self, name):
        return self.folder / "models" / f"{name}.ophion"

    def history(self, name):
        return [json.loads(line) for line in (self.folder / "history" / f"{name}.jsonl").read_text().splitlines()]


class Workplace:
    """A folder of its own for one test, in which the program runs."""

    def __init__(self, path: Path, program: Program):
        self.path = path
        self.program = program

    def __truediv__(self, name):
        return self.path / name

    def run(self, *arguments, **given):
        return self.program(*arguments, cwd=self.path, **given)

    def write(self, name, text):
        (self.path / name).write_text(text if isinstance(text, str) else json.dumps(text, indent=1))
        return self.path / name

    def train(self, config, *arguments, name="train.json", **given) -> Run:
        """Write the config and train it."""
        self.write(name, config)
        done = self.run("train", name, "--json", *arguments, **given)
        return Run(Path(json.loads(done.stdout)["folder"]), done.stdout, done.stderr)

    def refused(self, config, *arguments, verb="train", status=1, name="train.json"):
        """Run a verb that must fail; what it says."""
        self.write(name, config)
        done = self.run(verb, name, *arguments, status=status)
        assert_plain(done)
        return done.stderr

    def predict(self, model, *files, output, **given):
        """Score files; the output as arrays."""
        self.run("predict", model, *files, "--output", output, **given)
        return columns_of(self.path / output)


def assert_plain(done):
    """A failure says what is wrong in its own words, on stderr, without a crash of the program or a traceback of its parts."""
    assert done.stderr.strip(), "nothing was said on stderr"
    assert done.stdout == "", f"results on stdout of a failure: {done.stdout}"
    assert "terminate called" not in done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def columns_of(path):
    """Columns of a file of scores as arrays."""
    path = Path(path)
    if path.suffix == ".root":
        import uproot

        with uproot.open(path) as file:
            return file["scores"].arrays(library="np")
    if path.suffix == ".csv":
        import pyarrow.csv

        table = pyarrow.csv.read_csv(path)
    else:
        table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def two_gaussians(n, seed=1, distance=1.5):
    """Two unit Gaussians `distance` apart in x0; x1 and x2 say nothing; event numbers beyond 2^53; weights about one."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, n)
    x = random.standard_normal((n, 3)).astype(np.float32)
    x[:, 0] += np.float32(distance) * label.astype(np.float32)
    return {
        "x0": x[:, 0],
        "x1": x[:, 1],
        "x2": x[:, 2],
        "label": label,
        "event": BIG + np.arange(n, dtype=np.int64),
        "weight": random.uniform(0.5, 1.5, n),
    }


def write_parquet(path, columns):
    pq.write_table(pa.table(columns), path)
    return Path(path)


def tree(name="tree", **params):
    """A decision tree: the same data give the same tree."""
    return {
        "name": name,
        "type": "sklearn",
        "estimator": "sklearn.tree.DecisionTreeClassifier",
        "params": {"max_depth": 4, **params},
    }


def line(name="line"):
    """For a test to which any method will do: NumPy alone is imported, where scikit-learn takes two seconds."""
    return {"name": name, "type": "script", "script": str(SCRIPTS / "line.py")}


def network(name="mlp", script=USER_SCRIPTS / "mlp.py", **training):
    """Without transforms, whose fits import scikit-learn in two seconds: `| STANDARD` adds one."""
    return {
        "name": name,
        "type": "pytorch",
        "script": str(script),
        "params": {"hidden": 8},
        "training": {"epochs": 3, "batch_size": 128, "learning_rate": 0.01, **training},
    }


def by_label(file, **more):
    """Two samples of one file: signal where label is 1."""
    return [
        {"class": "signal", "files": str(file), "selection": "label == 1", **more},
        {"class": "background", "files": str(file), "selection": "label == 0", **more},
    ]


def config(samples, methods, *, name="toy", features=("x0", "x1", "x2"), task="classification", threads=1, seed=5, **data):
    """A whole config; `data` are further keys of its data."""
    return {
        "version": 1,
        "name": name,
        "task": task,
        "seed": seed,
        "threads": threads,
        "data": {"samples": samples, "features": list(features), **data},
        "report": {"enabled": False},  # figures take seconds; test_report.py has one
        "methods": methods,
    }


def part(columns, name):
    """Rows of one part (0 train, 1 validation, 2 test) of scores.parquet."""
    chosen = columns["part"] == {"train": 0, "validation": 1, "test": 2}[name]
    return {key: values[chosen] for key, values in columns.items()}


def auc(scores, labels, weights=None):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(labels, scores, sample_weight=weights)
