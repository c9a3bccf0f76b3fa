"""What pip installs: a wheel of the build that is tested, put into an empty environment elsewhere, and used there.

Its files are those of the build, so nothing is compiled again; the slow test at the end compiles it all as a user's pip would.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import ophion
import pytest
from conftest import BUILD, ROOT, counting_config
from elftools.elf.elffile import ELFFile
from test_process import SCORE, SCORES, SCRIPT, static_python

BUILD_WHEEL = "import sys; from scikit_build_core.build import build_wheel; build_wheel(sys.argv[1], dict(arg.split('=') for arg in sys.argv[2:]))"
VERSION = ophion.__version__
MINOR = VERSION.rpartition(".")[0]
NEEDED = ["numpy", "numpy.libs", "cffi", "_cffi_backend*", "pycparser"]  # what the wheel depends on


def environment(**changes):
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "OPHION_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX")}
    return {**kept, **changes}


def run(*command, cwd, status=0, **changes):
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=900)
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    settings = [f"cmake.define.OPHION_BUILT_IN={BUILD}", f"build-dir={folder / 'build'}"]
    run(sys.executable, "-c", BUILD_WHEEL, folder, *settings, cwd=ROOT)
    return next(folder.glob("*.whl"))


def installed(wheel, folder, python):
    """An environment without anything but the wheel and what it depends on; its Python."""
    run(python, "-m", "venv", "--without-pip", folder, cwd=folder)
    inside = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", inside, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    packages = Path(run(inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    for pattern in NEEDED:
        for found in Path(sysconfig.get_path("platlib")).glob(pattern):
            (packages / found.name).symlink_to(found)
    return inside


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    python, _ = static_python()
    return installed(wheel, tmp_path_factory.mktemp("elsewhere"), python or Path(sys.base_prefix) / "bin" / "python3")


def test_a_wheel_is_for_one_python_and_has_no_links_or_headers(wheel):
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name == f"ophion-{VERSION}-{tag}-{tag}-linux_{os.uname().machine}.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    libraries = sorted(name.removeprefix("ophion/lib/") for name in names if "/lib/lib" in name or "/libophion" in name)
    assert libraries == ["libophion_c.so.1", f"libophion_core.so.{MINOR}", f"ophion/{tag}/libophion_pymethods.so.{MINOR}"]
    tops = {"/".join(name.split("/")[:2]) for name in names if name.startswith("ophion/")}
    assert {"ophion/bin", "ophion/lib", "ophion/py.typed", "ophion/api.py", "ophion/sklearn.py", "ophion/methods"} <= tops
    assert not [name for name in names if name.endswith((".h", ".cmake", ".pc", ".pyc"))]


def test_the_documentation_lists_what_a_wheel_holds(wheel):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in zipfile.ZipFile(wheel).namelist():
        parts = name.removeprefix("ophion/").split("/")
        if name.startswith("ophion/") and parts[0] in ("bin", "lib"):
            shown = "/".join(parts[:3]) + "/" if parts[2:] and parts[2] in ("plugins", "schema") else "/".join(parts)
            assert f"`{shown}`".replace(f"cp{sys.version_info.major}{sys.version_info.minor}", "cp311") in page, shown


def test_nothing_in_a_wheel_is_linked_to_a_python_or_points_into_the_build(wheel, tmp_path):
    looked_at = 0
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                if file.read(4) != b"\x7fELF":
                    continue
                looked_at += 1
                dynamic = ELFFile(file).get_section_by_name(".dynamic")
                needed = [tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED"]
                paths = [tag.runpath for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_RUNPATH"]
                assert not [library for library in needed if "python" in library], name
                assert all(part.startswith("$ORIGIN") for path in paths for part in path.split(":")), f"{name}: {paths}"
    assert looked_at > 10


def test_it_scores_in_an_empty_environment(elsewhere, model_file, tmp_path):
    code = SCORE.format(first="", second="print(ophion.__file__)")
    file, scores = run(elsewhere, "-c", code, model_file, cwd=tmp_path).splitlines()
    assert scores == SCORES
    assert Path(file).is_relative_to(elsewhere.parents[1])


def test_its_program_runs(elsewhere, model_file, tmp_path):
    program = elsewhere.parent / "ophion"
    assert run(program, "--version", cwd=tmp_path) == f"ophion {VERSION}\n"
    assert "native" in run(program, "inspect", model_file, cwd=tmp_path)


def test_without_the_packages_of_training_it_says_which_extra_has_them(elsewhere, tmp_path):
    code = """
import json, ophion, sys
try:
    ophion.train(json.loads(sys.argv[1]), events={name: {"a": [1.0, 2.0], "c": [1.0, 2.0]} for name in "sb"})
except ophion.errors.PythonError as error:
    print(error, *error.__notes__)
"""
    printed = run(elsewhere, "-c", code, json.dumps(counting_config(tmp_path)), cwd=tmp_path)
    assert "No module named 'threadpoolctl'" in printed and "pip install 'ophion[train]'" in printed


def test_with_the_packages_of_training_it_trains_and_its_program_finds_them(elsewhere, tmp_path):
    code = """
import json, ophion, sys
run = ophion.train(json.loads(sys.argv[1]), events={name: {"a": [1.0] * 30, "c": [2.0] * 30} for name in "sb"})
print(run.best.predict({"a": [1.0], "c": [2.0]}), sys.modules["ophion.contract"].__file__)
"""
    method = {"name": "mean", "type": "script", "script": str(SCRIPT)}
    packages = sysconfig.get_path("purelib")
    printed = run(elsewhere, "-c", code, json.dumps(counting_config(tmp_path, methods=[method])), cwd=tmp_path, PYTHONPATH=packages)
    assert printed.startswith("[0.5] ") and str(elsewhere.parents[1]) in printed
    doctor = run(elsewhere.parent / "ophion", "doctor", cwd=tmp_path, PYTHONPATH=packages)
    assert "problem" not in doctor and str(elsewhere) in doctor


@pytest.mark.slow
def test_pip_compiles_a_wheel_that_brings_its_libraries(model_file, tmp_path):
    run(ROOT / "scripts" / "wheel.sh", tmp_path, cwd=ROOT)
    wheel = next(tmp_path.glob("*.whl"))
    assert "manylinux" in wheel.name
    (tmp_path / "environment").mkdir()
    python = installed(wheel, tmp_path / "environment", Path(sys.base_prefix) / "bin" / "python3")
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    linked = run("ldd", packages / "ophion" / "lib" / f"libophion_core.so.{MINOR}", cwd=tmp_path)
    assert all("ophion.libs" in line for line in linked.splitlines() if "libzip" in line or "libcrypto" in line)
    assert run(python, "-c", SCORE.format(first="", second=""), model_file, cwd=tmp_path).strip() == SCORES
    assert run(python.parent / "ophion", "--version", cwd=tmp_path) == f"ophion {VERSION}\n"
    shutil.rmtree(tmp_path / "environment")
