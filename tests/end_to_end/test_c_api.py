"""The C API from programs in C and Fortran: its ABI, trainings, and the examples."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import by_label, config, network, tree

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def library(build_folder):
    (file,) = build_folder.glob("lib*/**/libophion_c.so")
    return file


def compare_abi(library, *options):
    """Exit status and text of the comparison."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "c_abi.py", library, *options], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    return done.returncode, done.stdout + done.stderr


def test_a_program_linked_to_the_kept_abi_still_runs(library):
    assert compare_abi(library) == (0, "no difference\n")


@pytest.mark.parametrize(
    ("file", "was", "would_be", "said"),
    [
        ("libophion_c.abi", "<var-decl name='rows' type-id='type-id-12'", "<var-decl name='rows' type-id='type-id-4'", "from 'int' to 'unsigned long int'"),
        ("libophion_c.abi", "<elf-symbol name='ophion_train'", "<elf-symbol name='ophion_drain'", "ophion_drain"),
        ("constants.txt", "OPHION_TRUST = 8", "OPHION_TRUST = 7", "OPHION_TRUST = 7"),
    ],
    ids=["a member's type", "a function", "a constant"],
)
def test_a_change_of_the_abi_is_noticed(library, tmp_path, file, was, would_be, said):
    kept = shutil.copytree(ROOT / "bindings" / "abi", tmp_path / "abi")
    text = (kept / file).read_text()
    assert was in text
    (kept / file).write_text(text.replace(was, would_be, 1))
    status, differences = compare_abi(library, "--abi", kept)
    assert status == 1
    assert said in differences


def test_every_export_has_the_version_of_its_abi(library):
    told = subprocess.run(["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    names = {line.split()[2] for line in told.splitlines()} - {"OPHION_C_1"}
    assert len(names) >= 39
    assert {name.partition("@@")[2] for name in names} == {"OPHION_C_1"}


@pytest.mark.parametrize("command", ["gcc -std=c99 -x c", "gcc -std=c11 -x c", "g++ -std=c++11 -x c++", "g++ -std=c++20 -x c++"])
def test_the_header_is_clean(command, tmp_path):
    (tmp_path / "program").write_text("#include <ophion_c.h>\n#include <ophion_c.h>\n")
    flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", ROOT / "bindings" / "include"]
    subprocess.run([*command.split(), *flags, tmp_path / "program"], check=True, timeout=60)


def run_c(place, *arguments, status=0):
    """Lines of c_training by their first word."""
    program = place.program.file.parent / "c_training"
    done = subprocess.run(
        [program, *map(str, arguments)], cwd=place.path, env=place.program.environment(), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    lines = {}
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        lines.setdefault(word, []).append(rest)
    return lines


@pytest.fixture(scope="module")
def trained(module_place, events_file):
    """A network and a tree, trained from C with two values of the config changed."""
    module_place.write("train.json", config(by_label(events_file), [network(epochs=9), tree()]))
    return run_c(module_place, "train.json", "methods.0.training.epochs=2", "name=from_c")


def test_progress_comes_after_each_epoch(trained):
    told = [line.split(" ", 2) for line in trained["progress"] if line.startswith("mlp")]
    assert [step[1] for step in told] == ["1/2", "2/2"]
    metrics = json.loads(told[-1][2])
    assert 0 < metrics["loss"] < 1
    assert 0 < metrics["validation/loss"] < 1


def test_a_run_says_what_it_holds(trained):
    (run,) = map(json.loads, trained["run"])
    assert [(method["name"], method["type"], method["status"], method["error"]) for method in run["methods"]] == [
        ("mlp", "pytorch", "done", ""),
        ("tree", "sklearn", "done", ""),
    ]
    assert run["folder"] == trained["folder"][0]
    assert run["best"] in ("mlp", "tree")
    assert run["stopped"] is False
    assert "/from_c/" in run["folder"]


def test_metrics_are_those_of_the_run_folder(trained):
    (metrics,) = map(json.loads, trained["metrics"])
    assert metrics == json.loads((Path(trained["folder"][0]) / "metrics.json").read_text())


def test_a_run_gives_its_models(trained):
    assert trained["model"] == ["3 features, score"]
    assert trained["no"] == ["model: the run has no method 'no_such_method'"]


def test_messages_come_to_the_callback(trained):
    assert any(re.fullmatch(r"1 sample 0 \('signal'\): \d+ events read .*", line) for line in trained["log"])


@pytest.mark.slow  # without Python: CRun.StopsWhereTheCallbackSaysSo
def test_a_callback_stops_a_training(place, events_file):
    place.write("train.json", config(by_label(events_file), [network(epochs=50), tree()]))
    lines = run_c(place, "train.json", "--stop-at", 2)
    (run,) = map(json.loads, lines["run"])
    assert [method["status"] for method in run["methods"]] == ["stopped", "not started"]
    assert run["stopped"] is True
    assert len(lines["progress"]) == 2


def test_an_exception_of_a_script_comes_with_its_traceback(place, events_file):
    place.write("broken.py", "def get_model(spec):\n    raise ValueError('no such layer')\n")
    place.write("train.json", config(by_label(events_file), [{"name": "broken", "type": "pytorch", "script": "broken.py"}]))
    lines = run_c(place, "train.json", status=1)
    kind, _, text = lines["failed"][0].partition(" ")
    assert kind == "4"
    assert "ValueError: no such layer" in text
    assert lines["traceback"][0] == "Traceback (most recent call last):"


def test_a_wrong_key_is_a_config_error(place, events_file):
    place.write("train.json", config(by_label(events_file), [tree()]))
    lines = run_c(place, "train.json", "methods.0.parms={}", status=1)
    assert lines["failed"] == ["2 train.json /methods/0/parms: unknown key 'parms'; did you mean 'params'?"]


@pytest.mark.parametrize("language", ["c", "fortran"])
def test_pi(place, language):
    program = place.program.file.parent / f"pi_{language}"
    if not program.is_file():
        pytest.skip(f"{program.name} is not built: there was no compiler for it")
    done = subprocess.run([program], cwd=place.path, env=place.program.environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    value, error = map(float, re.fullmatch(r"pi = (\S+) \+- (\S+)\n", done.stdout).groups())
    # Of 100,000 points: 4 sqrt(p (1 - p) / n) with p = π / 4, were each score 0 or 1; scores between are nearer to their mean.
    assert error == pytest.approx(4 * math.sqrt(math.pi / 4 * (1 - math.pi / 4) / 100_000), rel=0.1)
    assert abs(value - math.pi) < 4 * error
    assert (place / "pi.ophion").is_file()
