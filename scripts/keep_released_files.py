#!/usr/bin/env python3
"""Keeps one small model file of each method for good: at each release, once, with the release's own build.

    .venv/bin/python scripts/keep_released_files.py build/release

writes tests/released/VERSION/ with the files and, in expected.json, rows and the scores they have. Every later version must load
them and score the same (tests/end_to_end/test_released.py). What is there already is never written over.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from support import USER_SCRIPTS, by_label, config, network, tree, two_gaussians, write_parquet  # noqa: E402

ROWS = 8


def methods(scripts):
    return [
        {**network("pytorch", script=scripts / "mlp.py"), "params": {"hidden": 4}},
        tree("sklearn"),
        {"name": "script", "type": "script", "script": str(scripts / "centres.py")},
    ]


def main():
    build = Path(sys.argv[1]).resolve()
    version = subprocess.run([build / "bin" / "ophion", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    target = ROOT / "tests" / "released" / version
    if target.exists():
        sys.exit(f"{target} is there already: what was released stays as it is")
    # A place that says nothing of the machine: a model file names its data and scripts.
    with tempfile.TemporaryDirectory(prefix="ophion_") as name:
        place = Path(name)
        shutil.copytree(USER_SCRIPTS, place / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        events = two_gaussians(200)
        write_parquet(place / "events.parquet", events)
        (place / "train.json").write_text(json.dumps(config(by_label(place / "events.parquet"), methods(place / "scripts"))))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_DATA_HOME": str(place / "data")}
        subprocess.run([build / "bin" / "ophion", "train", "train.json"], cwd=place, env=environment, check=True)
        rows = np.stack([events[key][:ROWS] for key in ("x0", "x1", "x2")], axis=1).astype(np.float32)
        rows.tofile(place / "rows.bin")
        target.mkdir(parents=True)
        scores = {}
        for file in sorted((place / "runs" / "toy" / "latest" / "models").glob("*.ophion")):
            command = [build / "bin" / "score_program", file, "rows.bin", "scores.bin"]
            subprocess.run(command, cwd=place, env=environment, check=True)
            scores[file.stem] = np.fromfile(place / "scores.bin", np.float32).tolist()
            shutil.copy(file, target)
    (target / "expected.json").write_text(json.dumps({"rows": rows.tolist(), "scores": scores}, indent=1) + "\n")
    print(f"{target}: {', '.join(scores)}")


main()
