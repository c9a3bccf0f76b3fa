"""Methods that Python packages bring by the entry-point group "ophion.methods": the example, installed, and packages that are wrong."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support import assert_plain, by_label, columns_of, config

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "python_method"
FEATURES = ["x0", "x1", "x2"]

# A method that keeps a text which its `load` evaluates.
OPAQUE = """\
import numpy as np

def check(context): pass
def train(data, context): return "x[:, 0]"
def predict(model, x): return eval(model)
def save(model): return {"formula.txt": model.encode()}
def load(members, context): return members["formula.txt"].decode()
def carries_code(members): return True
"""


def add_package(site, name, entries, files, version="1.0"):
    """A package as an installer would leave it: its files, and what it says of itself."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[ophion.methods]\n" + "".join(f"{one}\n" for one in entries))
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which pip has installed the example; beside it lies a package that carries code."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, folder / "source")  # pip builds where the source is
    offline = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, "--target", folder / "site", folder / "source"], check=True, timeout=240)
    add_package(folder / "site", "Opaque_Method", ["opaque = opaque_method"], {"opaque_method.py": OPAQUE, "opaque_method.schema.json": "{}"})
    return folder / "site"


@pytest.fixture(scope="module")
def run(module_place, events_file, site):
    """Trained once, the example in this process and isolated."""
    methods = [
        {"name": "bayes", "type": "naive_bayes", "priors": "equal"},
        {"name": "apart", "type": "naive_bayes", "priors": "equal", "isolation": "process", "drop_rights": True},
        {"name": "opaque", "type": "opaque"},
    ]
    return module_place.train(config(by_label(events_file), methods, split={"validation": 0, "test": 0.5}), env={"PYTHONPATH": site})


@pytest.fixture(scope="module")
def events(events_file):
    columns = columns_of(events_file)
    return np.stack([columns[name] for name in FEATURES], axis=1)


@pytest.fixture(scope="module")
def scores(module_place, run, site, events_file, tmp_path_factory):
    """Of all events, by another process of somebody who has accepted no model."""
    stranger = {"PYTHONPATH": site, "XDG_DATA_HOME": tmp_path_factory.mktemp("stranger")}
    return module_place.predict(run.model("bayes"), events_file, output="scores.parquet", env=stranger)["score"]


def manifest_of(place, model):
    return json.loads(place.run("inspect", model, "--json").stdout)


def listed(place, **environment):
    """Methods of packages as `ophion methods` lists them."""
    plugins = json.loads(place.run("methods", "--json", env=environment).stdout)
    return {(one["name"], one["package"]): one for one in plugins if one["package"]}


def test_another_process_scores_as_the_package_alone_would(run, site, scores, events, monkeypatch):
    monkeypatch.syspath_prepend(site)
    from ophion_naive_bayes import method

    with zipfile.ZipFile(run.model("bayes")) as archive:
        model = np.load(io.BytesIO(archive.read("payload/0/model.npy")))
    assert np.array_equal(scores, method.predict(model, events).astype(np.float32))
    # Two unit Gaussians 1.5 apart: Φ(1.5/√2) = 0.856; its error for 500 + 500 events is about 0.012.
    assert run.metrics["methods"]["bayes"]["metrics"]["test"]["auc"] == pytest.approx(0.856, abs=0.03)


def test_it_is_trained_and_scores_in_worker_processes_without_rights(run):
    assert np.array_equal(run.scores["apart_score"], run.scores["bayes_score"])


def test_the_model_file_keeps_package_and_version(module_place, run):
    for name in ("bayes", "apart"):
        manifest = manifest_of(module_place, run.model(name))
        assert manifest["method"]["options"]["smoothing"] == 1e-9, "the schema's default"
        assert manifest["method"]["package"] == "ophion-naive-bayes"
        assert manifest["payloads"][0]["versions"]["ophion-naive-bayes"] == "1.0"
        assert manifest["selftest"]["versions"]["ophion-naive-bayes"] == "1.0"
    told = module_place.run("inspect", run.model("bayes")).stdout
    assert "bayes (naive_bayes, of the Python package ophion-naive-bayes)" in told and "ophion-naive-bayes 1.0" in told


def test_where_the_package_is_missing_the_error_says_what_to_install(module_place, run, events_file):
    done = module_place.run("predict", run.model("bayes"), events_file, "--output", "none.parquet", status=1)
    assert_plain(done)
    assert "needs the method 'naive_bayes' of the Python package ophion-naive-bayes: no method 'naive_bayes'" in done.stderr
    assert done.stderr.rstrip().endswith("to install it: pip install ophion-naive-bayes")


def test_a_payload_that_carries_code_needs_trust(module_place, run, site, events_file, tmp_path):
    stranger = {"PYTHONPATH": site, "XDG_DATA_HOME": tmp_path}
    refused = module_place.run("predict", run.model("opaque"), events_file, "--output", "opaque.parquet", env=stranger, status=1)
    assert_plain(refused)
    assert "formula.txt" in refused.stderr and "ophion trust" in refused.stderr


def test_methods_are_listed_with_their_packages(place, site):
    found = listed(place, PYTHONPATH=site)
    assert set(found) == {("naive_bayes", "ophion-naive-bayes"), ("opaque", "opaque-method")}
    bayes = found["naive_bayes", "ophion-naive-bayes"]
    assert (bayes["kind"], bayes["own_version"], bayes["module"], bayes["problem"]) == ("method", "1.0", "ophion_naive_bayes.method", "")
    assert "ophion-naive-bayes 1.0: Gaussian naive Bayes" in place.run("methods", env={"PYTHONPATH": site}).stdout
    assert not listed(place), "another environment has other packages"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"priorz": "equal"}, "/methods/0/priorz: unknown key 'priorz'; did you mean 'priors'?"),
        ({"smoothing": 0}, "/methods/0/smoothing: expected more than 0, found 0"),
        ({"type": "naive_bays"}, "/methods/0/type: no method 'naive_bays'; did you mean 'naive_bayes'? (found: "),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, dict) else "",
)
def test_what_is_wrong_in_a_config_is_said_before_any_file_is_looked_for(place, site, change, problem):
    place.write("train.json", config(by_label("missing.parquet"), [{"name": "bayes", "type": "naive_bayes"} | change]))
    done = place.run("train", "train.json", status=2, env={"PYTHONPATH": site})
    assert problem in done.stderr and "missing.parquet" not in done.stderr


def test_the_module_says_its_tasks(place, site):
    place.write("train.json", config([{"files": "missing.parquet"}], [{"name": "bayes", "type": "naive_bayes"}], task="regression", targets=["weight"]))
    assert "/methods/0/type: 'naive_bayes' does no regression" in place.run("train", "train.json", status=2, env={"PYTHONPATH": site}).stderr


def test_inside_a_running_python_its_own_packages_count(place, site, events_file):
    code = f"""\
import sys
sys.path.insert(0, {str(site)!r})
import ophion
import pyarrow.parquet as pq
table = pq.read_table({str(events_file)!r})
chosen = {{name: table.filter([bool(label == (name == "signal")) for label in table["label"].to_pylist()]) for name in ("signal", "background")}}
config = {{"version": 1, "name": "toy", "task": "classification", "data": {{"features": {FEATURES!r}}},
          "methods": [{{"name": "bayes", "type": "naive_bayes"}}], "report": {{"enabled": False}}, "evaluation": {{"importance_events": 0}}}}
print(ophion.train(config, events=chosen).best.predict(table)[:5].tolist())
try:
    ophion.train(config, events=chosen, overrides={{"methods.0.type": "naive_bays"}})
except ophion.errors.ConfigError as error:
    print(error.problem)
"""
    package = place.program.file.parents[1] / "lib" / "ophion" / "python"
    environment = place.program.environment(PYTHONPATH=package)
    done = subprocess.run([sys.executable, "-c", code], cwd=place.path, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    scores, problem = done.stdout.splitlines()
    assert len(json.loads(scores)) == 5 and 0 < min(json.loads(scores)) < max(json.loads(scores)) < 1
    assert "did you mean 'naive_bayes'?" in problem and problem.endswith("and among the packages of the Python of this process)")


def test_an_environment_is_asked_for_what_is_installed_in_it(place):
    """Its packages are in site-packages or, as an editable install leaves them, named there by a .pth file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True, timeout=120)
    packages = next((place / "venv").glob("lib/python3*/site-packages"))
    add_package(packages, "in-place", ["in_place = in_place"], {"in_place.py": OPAQUE, "in_place.schema.json": "{}"})
    add_package(packages, "elsewhere", ["elsewhere = pack.inner.method"], {"elsewhere.pth": f"{place / 'source'}\n"})
    for file, text in {"__init__.py": "raise SystemExit('imported')", "inner/method.py": OPAQUE, "inner/method.schema.json": "{}"}.items():
        (place / "source" / "pack" / file).parent.mkdir(parents=True, exist_ok=True)
        (place / "source" / "pack" / file).write_text(text)
    found = listed(place, OPHION_PYTHON=place / "venv")
    assert {name: one["problem"] for (name, _), one in found.items()} == {"elsewhere": "", "in_place": ""}


def without(function):
    return "".join(line for line in OPAQUE.splitlines(keepends=True) if not line.startswith(f"def {function}("))


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A folder of packages with something wrong."""
    folder = tmp_path_factory.mktemp("broken")
    add_package(folder, "absent", ["absent = absent_method.method"], {"absent_method/__init__.py": ""})
    add_package(folder, "object-of", ["object_of = plain:method"], {"plain.py": OPAQUE})
    add_package(folder, "no-schema", ["no_schema = no_schema.method"], {"no_schema/method.py": OPAQUE})
    add_package(folder, "bad-schema", ["bad_schema = bad_schema"], {"bad_schema.py": OPAQUE, "bad_schema.schema.json": '{"properties": {"k": {"typ": 1}}}'})
    add_package(folder, "bad-name", ["Bad-Name = bad_schema"], {})
    add_package(folder, "shadow", ["sklearn = shadow"], {"shadow.py": OPAQUE, "shadow.schema.json": "{}"})
    add_package(folder, "first", ["twice = first"], {"first.py": OPAQUE, "first.schema.json": "{}"})
    add_package(folder, "second", ["twice = second"], {"second.py": OPAQUE, "second.schema.json": "{}"}, version="2.0")
    add_package(folder, "no-import", ["no_import = no_import"], {"no_import.py": "import what_nobody_has\n", "no_import.schema.json": "{}"})
    add_package(folder, "no-save", ["no_save = no_save"], {"no_save.py": without("save"), "no_save.schema.json": "{}"})
    add_package(folder, "no-task", ["no_task = no_task"], {"no_task.py": OPAQUE + "TASKS = ['ranking']\n", "no_task.schema.json": "{}"})
    return folder


def test_broken_entries_are_listed_with_what_is_wrong(place, broken):
    problems = {key: one["problem"] for key, one in listed(place, PYTHONPATH=broken).items()}
    assert problems["absent", "absent"] == "names a module that is not there: absent_method.method"
    assert problems["object_of", "object-of"] == "names no module: expected a name such as package.module, found 'plain:method'"
    assert problems["no_schema", "no-schema"] == f"has no schema: expected {broken}/no_schema/method.schema.json"
    assert "bad_schema.schema.json" in problems["bad_schema", "bad-schema"] or "unknown keyword 'typ'" in problems["bad_schema", "bad-schema"]
    assert problems["Bad-Name", "bad-name"] == "has a name that no config can say: expected [a-z][a-z0-9_]*"
    assert problems["sklearn", "shadow"].startswith("comes after the plug-in of this name, ") and problems["sklearn", "shadow"].endswith("/sklearn_method.so")
    assert problems["twice", "first"] == "has the name of another, of second 2.0 (second): uninstall one of the two"
    doctor = place.run("doctor", env={"PYTHONPATH": broken}, status=1).stdout
    assert "problem: absent 1.0, method 'absent': names a module that is not there: absent_method.method" in doctor


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("absent", 2, "method 'absent' of the Python package absent 1.0 (absent = absent_method.method) names a module that is not there"),
        ("twice", 2, "method 'twice' of the Python package first 1.0 (twice = first) has the name of another, of second 2.0"),
        ("no_import", 1, "importing no_import (method 'no_import' of the Python package no-import 1.0): ModuleNotFoundError: "),
        ("no_save", 1, "importing no_save (method 'no_save' of the Python package no-save 1.0): TypeError: no_save has no function save()"),
        ("no_task", 1, "asking no_task (method 'no_task' of the Python package no-task 1.0) for its tasks: TypeError: no_task.TASKS is ['ranking'], expected "),
    ],
    ids=lambda one: one if isinstance(one, str) and len(one) < 10 else "",
)
def test_a_broken_entry_that_a_config_names_is_an_error_that_names_it(place, broken, name, status, said):
    place.write("train.json", config(by_label("missing.parquet"), [{"name": "toy", "type": name}]))
    done = place.run("validate", "train.json", status=status, env={"PYTHONPATH": broken})
    assert said in done.stderr, done.stderr


@pytest.mark.slow
def test_the_examples_config_is_valid(place, site):
    place.run("validate", EXAMPLE / "train.json", env={"PYTHONPATH": site})
