"""Ophion in processes that it did not begin: plug-ins of plug-ins, a running Python, a Python that lacks something."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import by_label, config, line, network, tree

SITE = sysconfig.get_paths()["purelib"]
OTHER_PYTHON = Path("/usr/bin/python3")  # Debian's: its libpython is within the executable

# Loads the plug-in into this very Python and has it train and score.
IN_PYTHON = """\
import ctypes, sys
{before}
status = ctypes.PyDLL({plugin!r}).train_and_score({config!r}.encode()) if {holding} else \\
    ctypes.CDLL({plugin!r}).train_and_score({config!r}.encode())
import os
assert os.getcwd() == {folder!r}
sys.exit(status)
"""


@pytest.fixture
def train(place, events_file):
    """A training of NumPy alone."""
    return place.write("train.json", config(by_label(events_file), [line()]))


@pytest.fixture(scope="module")
def plugin(build_folder):
    file = build_folder / "tests" / "host" / "plugin_of_a_host.so"
    if not file.is_file():
        pytest.skip(f"{file} is not built")
    return file


def run(place, *command, status=0, **environment):
    done = subprocess.run(
        [*map(str, command)],
        cwd=place.path,
        env=place.program.environment(**environment),
        capture_output=True,
        text=True,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def in_python(place, plugin, train, python=sys.executable, before="", holding=False, status=0, **environment):
    code = IN_PYTHON.format(before=before, plugin=str(plugin), config=str(train), holding=holding, folder=str(place.path))
    return run(place, python, "-c", code, status=status, **environment)


def score_of(out):
    line = next(line for line in out.splitlines() if line.startswith("score "))
    return float(line.split()[1])


def test_a_host_that_knows_no_python_opens_a_plugin(place, build_folder, plugin, events_file):
    train = place.write("train.json", config(by_label(events_file), [tree()]))
    assert score_of(run(place, build_folder / "bin" / "plain_host", plugin, train)) > 0.5


def test_a_plugin_opens_a_plugin(place, build_folder, plugin, train):
    outer = plugin.with_name("plugin_of_a_plugin.so")
    assert score_of(run(place, build_folder / "bin" / "plain_host", outer, train, INNER_PLUGIN=plugin)) > 0.5


@pytest.mark.parametrize("holding", [False, True], ids=["without the GIL", "with the GIL"])
def test_inside_a_running_python(place, plugin, train, holding):
    assert score_of(in_python(place, plugin, train, holding=holding)) > 0.5


def test_beside_a_pytorch_that_was_there_first(place, plugin, events_file):
    place.write("train.json", config(by_label(events_file), [network(epochs=1)]))
    before = "import torch; net = torch.nn.Linear(2, 1); net(torch.zeros(3, 2)).sum().backward()"
    assert 0 < score_of(in_python(place, plugin, place / "train.json", before=before)) < 1


def test_beside_a_matplotlib_that_was_there_first(place, plugin, train):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    before = "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plot; plot.plot([1, 2]); plot.savefig('before.png')"
    assert score_of(in_python(place, plugin, train, before=before, PYTHONPATH=Path(matplotlib.__file__).parents[1])) > 0.5


def needs_other_python():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not OTHER_PYTHON.exists():
        pytest.skip(f"there is no {OTHER_PYTHON}")
    told = subprocess.run([OTHER_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
    if told.stdout.strip() != version:
        pytest.skip(f"{OTHER_PYTHON} is Python {told.stdout.strip()}, not {version}")


def test_inside_a_static_python_that_has_the_packages(place, plugin, train):
    needs_other_python()
    assert score_of(in_python(place, plugin, train, python=OTHER_PYTHON, PYTHONPATH=SITE)) > 0.5


def test_inside_a_python_without_numpy(place, plugin, train):
    needs_other_python()
    out = in_python(place, plugin, train, python=OTHER_PYTHON, before="sys.path = [p for p in sys.path if '-packages' not in p]", status=1)
    assert f"{OTHER_PYTHON}" in out and "can't import NumPy, which Ophion needs" in out
    assert "-m pip install numpy), or choose another Python by OPHION_PYTHON" in out


def python_of_another_minor_version():
    """One in PATH, or one that is installed beside this."""
    beside = Path(sys.base_prefix).parent.glob("*/bin/python3")
    for python in filter(None, [*(shutil.which(f"python3.{minor}") for minor in range(11, 16)), *sorted(map(str, beside))]):
        told = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True).stdout.split()
        if len(told) == 2 and told[0] == "3" and 11 <= int(told[1]) != sys.version_info.minor:
            return python, ".".join(told)
    pytest.skip("there is no Python of another minor version")


def test_a_python_of_another_minor_version_is_refused_and_both_named(place, train):
    python, version = python_of_another_minor_version()
    err = place.run("train", "train.json", status=1, env={"OPHION_PYTHON": python}).stderr
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"{python} ($OPHION_PYTHON): Ophion has no libophion_pymethods for Python {version}; there is one for Python {ours}" in err


def empty_environment(place, python):
    """An environment of that Python with no packages in it."""
    subprocess.run([python, "-m", "venv", "--without-pip", place / "empty"], check=True, timeout=120)
    return place / "empty"


def test_an_environment_without_numpy_is_named(place, train):
    environment = empty_environment(place, sys.executable)
    err = place.run("train", "train.json", status=1, env={"OPHION_PYTHON": environment}).stderr
    assert f"{environment}/bin/python3 (Python {sys.version.split()[0]}) can't import NumPy, which Ophion needs" in err
    assert f"Install it there ({environment}/bin/python3 -m pip install numpy)" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("present", "lacking"), [(["numpy"], "threadpoolctl"), (["numpy", "pyarrow", "threadpoolctl"], "s")])
def test_a_missing_package_is_named_with_the_python_that_lacks_it(place, events_file, present, lacking):
    place.write("train.json", config(by_label(events_file), [tree()]))
    environment = empty_environment(place, sys.executable)
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for one in Path(SITE).iterdir():
        if one.name.partition(".")[0].partition("-")[0] in present:
            (packages / one.name).symlink_to(one)
    err = place.run("train", "train.json", status=1, env={"OPHION_PYTHON": environment}).stderr
    assert f"{environment}/bin/python3 (Python " in err and f"has no package '{lacking}" in err, err
    assert "_method needs: install it there" in err or "_tool needs: install it there" in err


def test_another_build_of_the_same_python_brings_its_own_library(place, events_file):
    """Debian's Python with the packages of this one: other micro version, other build, its own standard library."""
    place.write("train.json", config(by_label(events_file), [tree()]))
    needs_other_python()
    environment = {"OPHION_PYTHON": OTHER_PYTHON, "PYTHONPATH": SITE}
    place.run("train", "train.json", env=environment)
    told = place.run("doctor", env=environment).stdout
    assert str(OTHER_PYTHON) in told and "/libpython" in told
