"""The example of memory that C++ and Python share: what it prints, and what is in the file afterwards."""

import subprocess
from pathlib import Path

import numpy as np
from support import Program

FUNCTIONS = Path(__file__).resolve().parents[2] / "examples" / "shared_memory.py"


def test_memory_is_shared_both_ways(build_folder, tmp_path):
    done = subprocess.run(
        [build_folder / "bin" / "shared_memory", FUNCTIONS, tmp_path / "squares"],
        env=Program(build_folder).environment(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.splitlines() == [
        "energies after calibrate: 15 30",
        "the second is still there: 30",
        "last in the file: 25",
        "weights: 4 x 2, second column adds up to 22",
    ]
    assert np.fromfile(tmp_path / "squares").tolist() == [0, 1, 4, 9, 16, 25]
