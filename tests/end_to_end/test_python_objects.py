"""The examples that use Python's functions and values: what they print is what mathematics says."""

import math
import os
import re
import subprocess
from pathlib import Path

import pytest

CURVES = Path(__file__).resolve().parents[2] / "examples" / "curves.py"


def printed(build_folder, name):
    program = build_folder / "bin" / name
    if name == "gsl_derivative" and not program.is_file():
        pytest.skip("gsl_derivative is not built: GSL (libgsl-dev) is not installed")
    environment = {key: value for key, value in os.environ.items() if key not in ("OPHION_PYTHON", "PYTHONPATH")}
    done = subprocess.run([program, CURVES], env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def gsl(build_folder):
    return printed(build_folder, "gsl_derivative")


def estimate(text, of):
    return [float(number) for number in re.search(rf"{of}: (\S+) \+- (\S+)", text).groups()]


def test_gsl_differentiates_a_python_function(gsl):
    value, error = estimate(gsl, "derivative at 1")
    assert value == pytest.approx(math.exp(-1) * (2 * math.cos(2) - math.sin(2)), abs=1e-9)
    assert 0 < error < 1e-6


def test_gsl_integrates_a_python_function(gsl):
    value, error = estimate(gsl, "integral from 0 to pi")
    assert value == pytest.approx(0.4 * (1 - math.exp(-math.pi)), abs=1e-9)
    assert 0 <= error < 1e-9


def test_what_python_raises_comes_out_of_gsl(gsl):
    raised = re.search(r"integral of only_below_one: ValueError: only_below_one\((\S+)\): there is nothing from 1 on", gsl)
    assert raised and 1 <= float(raised[1]) <= 2


def test_a_python_function_is_whatever_cpp_wants(build_folder):
    text = printed(build_folder, "python_function")
    lines = text.splitlines()
    assert lines[0] == f"sqrt(2) = {math.sqrt(2):.6f}"
    assert lines[1] == f"oscillation(1) = {math.exp(-1) * math.sin(3):.6f}"
    wanted = " ".join(f"{math.exp(-x) * math.sin(3 * x):.6f}" for x in (0, 0.5, 1))
    assert lines[2] == f"oscillation of all: {wanted}"
    assert lines[3] == f"area up to 0.9: {0.9**3 / 3:.4f}"
    assert lines[4:] == ["area up to 2: nan", "Python says: ValueError: only_below_one(2.0): there is nothing from 1 on"]


def test_values_cross_the_border(build_folder):
    assert printed(build_folder, "python_values").splitlines() == [
        "a: 2",
        "b: 2",
        "batch of 2",
        "batch of 2",
        "batch of 1",
        "4 squares, mean 7.50",
        "2024-02-29T12:00:00+00:00",
        'result["count"]: expected list, found int',
    ]
