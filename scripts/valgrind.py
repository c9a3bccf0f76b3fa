#!/usr/bin/env python3
"""Run a program that loads and uses models in many threads under valgrind, and a bare interpreter that imports the same modules.

    valgrind.py BUILD

Python and NumPy alone show a few invalid accesses and lost blocks. What the program shows beyond those of the interpreter
is a finding: printed, and the exit status is 1. Where there is no valgrind it is 77.
"""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
VALGRIND += ["--num-callers=40", "--child-silent-after-fork=yes", "--xml=yes"]
IMPORTS = "import threadpoolctl, ophion.contract, ophion.methods.script_method"
AT_START = "own_python"  # what is made once, while Python starts, is kept: references are given back when it runs
DEPTH = 6  # frames by which two errors count as the same
INTERPRETER = "_PyEval_Vector"  # further out is who called it, which may differ


def frames_of(error):
    """Innermost first: names of functions, or of the object where there is none."""
    stack = error.find("stack")
    return [(frame.findtext("fn") or Path(frame.findtext("obj") or "?").name, Path(frame.findtext("obj") or "?").name) for frame in stack]


def errors_of(command, folder, name, environment):
    """Kinds and stacks of what valgrind finds in a program, with how often."""
    report = folder / f"{name}.xml"
    done = subprocess.run([*VALGRIND, f"--xml-file={report}", *map(str, command)], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed under valgrind ({done.returncode}):\n{done.stdout}{done.stderr}")
    found = collections.Counter()
    for error in xml.etree.ElementTree.parse(report).getroot().iter("error"):
        found[error.findtext("kind"), tuple(frames_of(error))] += 1
    return found


def short(kind, frames):
    functions = [function for function, _ in frames[:DEPTH]]
    return kind, tuple(functions[: functions.index(INTERPRETER)] if INTERPRETER in functions else functions)


def is_ours(frames):
    if any(AT_START in function for function, _ in frames):
        return False
    return any(library.startswith(("libophion", "many_threads_program")) or library.endswith(("_method.so", "_tool.so")) for _, library in frames)


def make_model(program, folder, environment):
    """A model of a script in plain NumPy, and rows for it."""
    (folder / "events.csv").write_text("x,y,label\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(400)))
    samples = [{"class": name, "files": "events.csv", "selection": f"label == {label}"} for name, label in (("signal", 1), ("background", 0))]
    script = {"name": "centres", "type": "script", "script": str(ROOT / "tests" / "python" / "scripts" / "centres.py")}
    config = {"version": 1, "name": "valgrind", "task": "classification", "data": {"samples": samples, "features": ["x", "y"]}, "methods": [script]}
    (folder / "train.json").write_text(json.dumps(config))
    done = subprocess.run([program, "train", "train.json", "--json"], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the model could not be trained:\n{done.stderr}")
    import numpy as np

    (np.arange(400) % 7).astype(np.float32).tofile(folder / "rows.bin")
    return Path(json.loads(done.stdout)["folder"]) / "models" / "centres.ophion"


def main(build):
    if not shutil.which("valgrind"):
        print("valgrind: skipped, it is not installed")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"PYTHONMALLOC": "malloc", "XDG_DATA_HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = str(ROOT / "python_scripts")
        model = make_model(build / "bin" / "ophion", folder, environment)
        bare = errors_of([sys.executable, "-c", IMPORTS], folder, "bare", environment)
        program = errors_of([build / "bin" / "many_threads_program", "rows.bin", "python", model], folder, "program", environment)
    known = {short(kind, frames) for kind, frames in bare}
    found = {(kind, frames): count for (kind, frames), count in program.items() if is_ours(frames) and short(kind, frames) not in known}
    for (kind, frames), count in found.items():
        print(f"{kind}, {count} times, not in a bare interpreter:")
        print("".join(f"    {function} ({library})\n" for function, library in frames), end="")
    print(f"valgrind: {sum(bare.values())} errors in a bare interpreter, {sum(program.values())} in a program of 24 loads, {len(found)} of them new")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
