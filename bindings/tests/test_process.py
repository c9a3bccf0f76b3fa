"""The library in somebody else's interpreter: it uses the one that runs, starts and ends none, and gets along with its other packages."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import BUILD, PACKAGE, ROOT, counting_config, in_python

SCRIPT = Path(__file__).parent / "scripts" / "patient.py"
SCORES = "[0.20000000298023224, 0.4000000059604645, 0.6000000238418579, 0.800000011920929]"  # what counting gives, as float32
SCORE = """
import sys, numpy as np
{first}
import ophion
{second}
print(ophion.Model.load(sys.argv[1]).predict(np.float32([[-1, 4], [-1, 8], [1, 4], [1, 8]])).tolist())
"""
TRAIN = """
import atexit, ctypes, json, os, signal, sys
atexit.register(lambda: print("the end"))
import ophion
def libraries():
    return sorted({line.split()[-1] for line in open("/proc/self/maps") if "/libpython3" in line})
before = libraries()
run = ophion.train(json.loads(sys.argv[1]), events={"signal": {"a": [1.0] * 30, "c": [2.0] * 30}, "background": {"a": [2.0] * 30, "c": [2.0] * 30}})
assert libraries() == before, libraries()
assert not hasattr(ctypes.CDLL(None), "zip_open")  # our libraries' libraries are nobody else's: Python may have an OpenSSL of its own
assert run.best.backend == "python"
print(run.best.predict({"a": [1.0], "c": [2.0]}).tolist())
print(open(sys.argv[2]).read())
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
import ophion.contract  # which C++ has imported
assert os.path.dirname(ophion.contract.__file__) == os.path.dirname(ophion.__file__)
"""


def test_torch_may_come_before_or_after(model_file):
    """Both orders at once: the import takes seconds."""
    codes = [SCORE.format(first="import torch", second=""), SCORE.format(first="", second="import torch")]
    command = [sys.executable, "-c"]
    started = [
        subprocess.Popen([*command, code, model_file], env={"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True)
        for code in codes
    ]
    for process in started:
        assert process.communicate(timeout=300)[0].strip() == SCORES
        assert process.returncode == 0


def patient(folder):
    params = {"begun": str(folder / "begun")}
    config = counting_config(folder, methods=[{"name": "mean", "type": "script", "script": str(SCRIPT), "params": params}])
    return json.dumps(config)


def test_the_running_interpreter_trains_and_ends_as_it_would(tmp_path):
    printed = in_python(TRAIN, patient(tmp_path), tmp_path / "begun").splitlines()
    assert printed == ["[0.5]", sys.executable, "False", "the end"]


def static_python():
    """Debian's python3, which holds Python itself; None, and why, where it is another or of another minor version."""
    python = Path("/usr/bin/python3")
    if not python.exists():
        return None, "there is no /usr/bin/python3"
    version = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True).stdout
    if version.split() != [str(part) for part in sys.version_info[:2]]:
        return None, f"/usr/bin/python3 is Python {version.strip()}"
    if "libpython" in subprocess.run(["ldd", python], capture_output=True, text=True, check=True).stdout:
        return None, "/usr/bin/python3 is linked to a libpython"
    return python, ""


def test_a_statically_linked_python_scores_and_trains(model_file, tmp_path):
    python, reason = static_python()
    if python is None:
        pytest.skip(reason)
    packages = sysconfig.get_path("purelib")
    score = SCORE.format(first="", second="")
    assert in_python(score, model_file, python=python, more_path=[packages]).strip() == SCORES
    printed = in_python(TRAIN, patient(tmp_path), tmp_path / "begun", python=python, more_path=[packages]).splitlines()
    assert printed == ["[0.5]", str(python), "False", "the end"]


@pytest.mark.slow
def test_onnxruntime_of_this_environment_scores(tmp_path):
    """A network is trained and kept as an ONNX graph too; the runtime is found by the interpreter that runs."""
    pytest.importorskip("onnxruntime")
    code = """
import sys, numpy as np, ophion
open("net.py", "w").write("from torch import nn\\ndef get_model(spec): return nn.Linear(spec.n_features, spec.n_outputs)\\n")
x = np.random.default_rng(1).normal(size=(200, 2))
method = {"name": "net", "type": "pytorch", "script": "net.py", "export": ["onnx"], "training": {"epochs": 1}}
config = {"version": 1, "name": "onnx", "task": "classification", "data": {"features": ["a", "b"]}, "methods": [method], "report": {"enabled": False}}
run = ophion.train(config, events={name: {"a": x[:, 0] + k, "b": x[:, 1]} for k, name in enumerate("sb")})
run.best.save("net.ophion")
one, other = (ophion.Model.load("net.ophion", backend=backend) for backend in ("onnx", "python"))
print(one.backend, np.abs(one.predict(x) - other.predict(x)).max() < 1e-6)
"""
    assert in_python(code, cwd=tmp_path).split() == ["onnx", "True"]


def test_scoring_natively_imports_no_training_package(model_file):
    code = SCORE.format(first="", second="") + "print(sorted({'sklearn', 'torch', 'pandas', 'scipy', 'threadpoolctl'} & set(sys.modules)))"
    assert in_python(code, model_file).splitlines() == [SCORES, "[]"]


def test_importing_the_package_alone_loads_nothing():
    code = "import sys, ophion; print([name for name in sys.modules if name.startswith(('ophion.', 'numpy', 'cffi'))], 'train' in dir(ophion))"
    assert in_python(code).strip() == "[] True"
    assert "module 'ophion' has no attribute 'tran'" in in_python("import ophion\ntry: ophion.tran\nexcept AttributeError as e: print(e)")


def test_the_program_is_the_compiled_one():
    version = in_python("import runpy, sys; sys.argv = ['ophion', '--version']; runpy.run_module('ophion', run_name='__main__')")
    assert version == subprocess.run([BUILD / "bin" / "ophion", "--version"], capture_output=True, text=True, check=True).stdout
    assert "ophion 0." in version


def test_without_its_compiled_module_the_package_says_so(tmp_path):
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'python_scripts')!r})\nimport ophion\ntry: ophion.train\nexcept ImportError as e: print(e)"
    text = in_python(code)
    assert "this copy of the package serves the C++ library alone" in text and "`pip install .`" in text
