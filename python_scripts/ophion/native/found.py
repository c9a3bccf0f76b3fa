"""What a file of another program holds, and that program's own word for its scores."""

from __future__ import annotations

import multiprocessing.spawn
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ophion.contract import Spec

PATIENCE = 600  # seconds


@dataclass
class Found:
    """What a file holds, before it has names.

    Attributes
    ----------
    origin : str
        "XGBoost binary:logistic".
    task : {"classification", "regression", ""}
        "": the file does not say.
    features : int
        0: the file does not say.
    outputs : int
        Of a classification with two classes 1 or 2.
    form : callable
        spec -> what goes into the model file (`forest.Forest`, `network.Network`, `onnx_graph.Graph`); raises NotExportable.
    package : str
        The trainer's.
    trainer : callable
        x -> {"scores", "version", "leaves" where there are some}; needs its package. Of two classes the last column counts.
    feature_names, class_names, target_names : list of str
        Those that the file knows.
    versions : dict
    backend : {"native", "onnx"}
        What scores the form in C++.
    missing : str
        The policy for missing values, unless the form says more.
    """

    origin: str
    task: str
    features: int
    outputs: int
    form: Callable[[Spec], Any]
    package: str
    trainer: Callable[[np.ndarray], dict]
    feature_names: list[str] = field(default_factory=list)
    class_names: list[str] = field(default_factory=list)
    target_names: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    backend: str = "native"
    missing: str = "error"


def in_its_own_process(package: str, files: Mapping[str, bytes], *arguments: str) -> Callable[[np.ndarray], dict]:
    """A trainer whose library may crash on what is wrong in a file; `trainer_scores.py` says which files and arguments it takes."""

    def trainer(x: np.ndarray) -> dict:
        script = Path(__file__).with_name("trainer_scores.py")
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            np.save(Path(folder) / "x.npy", x)
            command = [os.fsdecode(multiprocessing.spawn.get_executable()), "-P", str(script), package, folder, *arguments]
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            try:
                done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, errors="replace")
            except subprocess.TimeoutExpired as error:
                raise ValueError(f"{package} did not score it within {PATIENCE} s") from error
            if done.returncode < 0:
                raise ValueError(f"{package} crashed on it (signal {-done.returncode})")
            if done.returncode > 0:
                lines = done.stderr.strip().splitlines() or ["without a word"]
                told = [line for line in lines if "Error: " in line]  # C++'s stack may stand below
                raise ValueError(f"{package} refuses it: {(told or lines)[-1]}")
            with np.load(Path(folder) / "scores.npz") as found:
                return dict(found)

    return trainer
