"""init, validate, inspect, methods, doctor: before and beside the training."""

import json
import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest
import uproot
from support import (
    USER_SCRIPTS,
    Run,
    assert_plain,
    auc,
    by_label,
    config,
    line,
    network,
    part,
    tree,
    two_gaussians,
    write_parquet,
)


def write_trees(path, **trees):
    with uproot.recreate(path) as file:
        for name, events in trees.items():
            file.mktree(name, {key: values.dtype for key, values in events.items()}).extend(events)


def classes_apart(n=800):
    events = two_gaussians(n)
    label = events.pop("label")
    return [{name: values[label == k] for name, values in events.items()} for k in (0, 1)]


def trained_from_init(place, *files, expected, report=False):
    """The config of init trains as it is, but for the figures unless they are asked for; its samples, and the AUC on test."""
    place.run("init", *files, "--output", "start.json")
    text = (place / "start.json").read_text()
    done = place.run("train", "start.json", "--json", "--set", "methods.0.params.max_iter=10", "--set", "threads=1",
                     "--set", f"report.enabled={json.dumps(report)}")
    run = Run(place / json.loads(done.stdout)["folder"])
    score = next(name for name in run.scores if name.endswith("_score"))
    rows = part(run.scores, "test")
    assert max(auc(rows[score], rows["label"]), auc(-rows[score], rows["label"])) > 0.78
    resolved = json.loads((run.folder / "config.resolved.json").read_text())
    assert [sample["class"] for sample in resolved["data"]["samples"]] == expected
    assert resolved["data"]["features"] == ["x0", "x1", "x2"]
    assert resolved["data"]["spectators"] == ["event"]
    assert {sample["weight"] for sample in resolved["data"]["samples"]} == {"weight"}
    return text


def test_init_takes_no_weight_for_a_feature(place):
    for name, events in zip(("background", "signal"), classes_apart()):
        weights = {"Weight": events.pop("weight"), "KaggleWeight": events["x1"], "weight_pileup_up": events["x2"]}
        write_parquet(place / f"{name}.parquet", events | weights)
    place.run("init", "signal.parquet", "background.parquet", "--output", "start.json")
    data = json.loads(place.run("validate", "start.json", "--json").stdout)["data"]
    assert data["features"] == ["x0", "x1", "x2"]
    assert data["spectators"] == ["event", "KaggleWeight", "weight_pileup_up"]
    assert {sample["weight"] for sample in data["samples"]} == {"Weight"}


@pytest.mark.parametrize("leak, warned", [("label * 1.5", True), ("x0 + label", False)])
def test_a_feature_that_is_the_class_is_warned_of(place, events_file, leak, warned):
    features = ["x1", {"name": "leak", "expr": leak}]
    run = place.train(config(by_label(events_file), [line()], features=features))
    assert ("feature 'leak' tells the classes apart by itself (separation 1)" in run.log) == warned
    assert "feature 'x1' tells" not in run.log


def test_init_of_two_files_trains(place):
    background, signal = classes_apart()
    write_trees(place / "signal.root", events=signal)
    write_trees(place / "zz.root", events=background)
    text = trained_from_init(place, "signal.root", "zz.root", expected=["signal", "zz"], report=True)
    assert "// signal.root, tree 'events', " in text and "x0 (float32)" in text
    done = place.run("init", "signal.root", "zz.root", "--output", "start.json", status=1)
    assert_plain(done)
    assert "start.json is there already" in done.stderr
    assert place.run("init", "signal.root", "zz.root").stdout == text, "without --output it goes to stdout"


def test_init_of_one_file_with_two_trees_trains(place):
    background, signal = classes_apart()
    write_trees(place / "both.root", signal=signal, background=background)
    trained_from_init(place, "both.root", expected=["signal", "background"])


def test_init_of_one_file_with_a_label_trains(place, events_file):
    text = trained_from_init(place, events_file, expected=["signal", "background"])
    assert '"label == 1"' in text


def test_init_of_odd_names_is_a_valid_config(place):
    """Files of one name, names that no class or run may have, columns that expressions must quote, arrays."""
    columns = {"jet pt": np.ones(20), "a-b": np.ones(20), "a_b": np.ones(20), "pi": np.ones(20), "größe": np.ones(20)}
    for folder in ("signal", "zz"):
        (place / folder).mkdir()
        with h5py.File(place / folder / "évents 4l.v2.h5", "w") as file:
            for name, values in {**columns, "p4": np.ones((20, 2))}.items():
                file[name] = values
    place.run("init", *(f"{folder}/évents 4l.v2.h5" for folder in ("signal", "zz")), "--output", "start.json")
    assert place.run("validate", "start.json").stdout == "start.json: a valid config of 1 method\n"
    resolved = json.loads(place.run("validate", "start.json", "--json").stdout)
    assert [sample["class"] for sample in resolved["data"]["samples"]] == ["vents_4l_v2", "vents_4l_v2_2"]
    assert resolved["name"] == "vents_4l_v2"
    features = {one if isinstance(one, str) else one["name"]: one if isinstance(one, str) else one["expr"] for one in resolved["data"]["features"]}
    assert features == {"a_b_2": "`a-b`", "a_b": "a_b", "gr__e": "`größe`", "jet_pt": "`jet pt`", "p4_0": "p4[0]", "p4_1": "p4[1]", "pi_2": "`pi`"}


def test_init_of_one_class_says_what_is_missing(place):
    place.write("one.csv", "x,y0\n1,2\n3,4\n")
    assert "// One sample is one class, and training needs two or more" in place.run("init", "one.csv").stdout


def test_init_names_what_it_cannot_read(place):
    done = place.run("init", "nothing.root", status=1)
    assert_plain(done)
    assert "nothing.root" in done.stderr


def changed(start, *path, to):
    """A copy of a config with one value changed; `to` None: removed."""
    copy = json.loads(json.dumps(start))
    at = copy
    for key in path[:-1]:
        at = at[key]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return copy


def mistakes(file):
    """(a config or its text, the pointer that is named, what else is said)."""
    good = config(by_label(file), [tree()], spectators=["event"])
    text = json.dumps(good)
    deep = config(by_label(file), [network()])
    method, training = ("methods", 0), ("methods", 0, "training")
    forest = "sklearn.ensemble.RandomForestClassifer"
    broken = {**network(), "script": "broken.py"}
    yield "twice", text.replace('"seed": 5', '"seed": 5, "seed": 6'), "/seed", "seed"
    yield "trailing text", text + " }", "", "train.json"
    yield "cut off", text[:100], "", "train.json"
    yield "nesting bomb", "[" * 100_000, "", "train.json"
    yield "empty", "", "", "train.json"
    yield "unknown key", changed(good, "sede", to=1), "/sede", "did you mean 'seed'"
    yield "wrong type", changed(good, "seed", to="5"), "/seed", "expected"
    yield "out of range", changed(deep, *training, "epochs", to=-3), "/methods/0/training/epochs", "found -3"
    yield "unknown choice", changed(good, "task", to="clasification"), "/task", "did you mean 'classification'"
    yield "missing key", changed(good, "methods", to=None), "", "methods"
    yield "newer version", changed(good, "version", to=2), "/version", "2"
    yield "unknown method", changed(good, *method, "type", to="sklern"), "/methods/0/type", "did you mean 'sklearn'"
    yield "unknown training key", changed(deep, *training, "epoch", to=3), "/methods/0/training/epoch", "epochs"
    yield "unknown optimizer", changed(deep, *training, "optimizer", to="adm"), "/methods/0/training/optimizer", "adm"
    yield "optimizer's argument", changed(deep, *training, "optimizer", to={"type": "sgd", "momentun": 1}), \
        "/methods/0/training/optimizer/momentun", "momentum"  # fmt: skip
    yield "selection syntax", changed(good, "data", "samples", 0, "selection", to="x0 >"), "/data/samples/0/selection", "x0 >"
    yield "feature syntax", changed(good, "data", "features", 0, to={"name": "f", "expr": "sqr(x0)"}), \
        "/data/features/0/expr", "sqrt"  # fmt: skip
    yield "feature twice", changed(good, "data", "features", to=["x0", "x0"]), "/data/features/1", "x0"
    yield "one class", changed(good, "data", "samples", 1, "class", to="signal"), "/data/samples", "class"
    yield "estimator", changed(good, *method, "estimator", to=forest), "/methods/0/estimator", "RandomForestClassifier"
    yield "package", changed(good, *method, "estimator", to="nopackage.Model"), "/methods/0/estimator", "nopackage"
    yield "estimator's parameter", changed(good, *method, "params", to={"max_dept": 1}), "/methods/0/params/max_dept", "max_depth"
    yield "parameter's value", changed(good, *method, "params", to={"max_depth": 0}), "/methods/0/params/max_depth", "max_depth"
    yield "regressor", changed(good, *method, "estimator", to="sklearn.tree.DecisionTreeRegressor"), "/methods/0/estimator", "regressor"
    yield "no script", changed(deep, *method, "script", to="gone.py"), "/methods/0/script", "gone.py"
    yield "broken script", changed(deep, "methods", to=[broken]), "/methods/0/script", "broken.py"
    yield "script without get_model", changed(deep, *method, "script", to="empty.py"), "/methods/0/script", "get_model"
    yield "script's argument", changed(deep, *method, "params", to={"hiden": 8}), "/methods/0/params/hiden", "hidden"
    yield "no CUDA here", changed(deep, *method, "device", to="cuda"), "/methods/0/device", "CUDA"


def torch_finds_cuda():
    import torch

    return torch.cuda.is_available()


NEEDS_PYTHON = {"estimator", "parameter's value", "broken script", "no CUDA here"}
SLOW = {"package", "estimator's parameter", "regressor", "no script", "script without get_model", "optimizer's argument",
        "script's argument"}  # the last one: test_a_script_is_checked_before_any_data_is_read


def named_mistakes():
    for name, *_ in mistakes("events.parquet"):
        yield pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.mark.parametrize("name", list(named_mistakes()))
def test_validate_finds_a_mistake_and_where_it_is(place, events_file, name):
    _, document, pointer, said = next(one for one in mistakes(events_file) if one[0] == name)
    if name == "no CUDA here" and torch_finds_cuda():
        pytest.skip("there is a CUDA device")
    place.write("broken.py", "def get_model(spec:\n")
    place.write("empty.py", "")
    # What needs no Python is found without one: this one does not exist.
    environment = {} if name in NEEDS_PYTHON | SLOW else {"OPHION_PYTHON": "/no/such/python"}
    place.write("train.json", document)
    done = place.run("validate", "train.json", status=2, env=environment)
    assert_plain(done)
    assert pointer in done.stderr and said in done.stderr and "train.json" in done.stderr, done.stderr
    assert not (place / "runs").exists()


def test_validate_takes_a_good_config(place, events_file):
    place.write("train.json", config(by_label(events_file), [line()]))
    assert place.run("validate", "train.json").stdout == "train.json: a valid config of 1 method\n"
    resolved = json.loads(place.run("validate", "train.json", "--json", "--set", "seed=8").stdout)
    assert resolved["seed"] == 8 and resolved["data"]["missing"] == "error"


def test_a_config_in_another_encoding_is_refused(place, events_file):
    text = json.dumps(config(by_label(events_file), [tree()]))
    (place / "wide.json").write_bytes(text.encode("utf-16"))
    (place / "latin.json").write_bytes(text.replace('"toy"', '"t\u00f6y"').encode("latin-1"))
    for name in ("wide.json", "latin.json"):
        done = place.run("validate", name, status=2)
        assert_plain(done)
        assert name in done.stderr and "UTF-8" in done.stderr


@pytest.fixture(scope="module")
def model(module_place, events_file):
    return module_place.train(config(by_label(events_file), [tree()], spectators=["event"])).model("tree")


def test_inspect_shows_a_model_without_any_python(place, model):
    nowhere = {"OPHION_PYTHON": "/no/such/python"}
    text = place.run("inspect", model, env=nowhere).stdout
    for line in (r"model +tree", r"classes +background, signal", r"features +x0, x1, x2", r"spectators +event", r"outputs +score"):
        assert re.search(f"^{line}$", text, re.M), line
    manifest = json.loads(place.run("inspect", model, "--json", env=nowhere).stdout)
    assert manifest["classes"] == ["background", "signal"]
    assert manifest["payloads"][0]["carries_code"] is False
    done = place.run("inspect", place.write("text.ophion", "no model"), status=1)
    assert_plain(done)
    assert "text.ophion" in done.stderr


def test_methods_lists_every_plugin_without_any_python(place):
    nowhere = {"OPHION_PYTHON": "/no/such/python"}
    text = place.run("methods", env=nowhere).stdout
    plugins = json.loads(place.run("methods", "--json", env=nowhere).stdout)
    assert {plugin["name"] for plugin in plugins if plugin["kind"] == "method"} >= {"pytorch", "sklearn", "script"}
    assert {plugin["name"] for plugin in plugins if plugin["kind"] == "reader"} >= {"root", "parquet", "csv", "hdf5", "npy"}
    assert all(plugin["problem"] == "" for plugin in plugins)
    assert all(re.search(rf"^{plugin['kind']} +{plugin['name']}\b", text, re.M) for plugin in plugins)


def test_doctor_says_which_python_and_why(place):
    done = place.run("doctor", env={"OPHION_PYTHON": sys.executable})
    assert "all is well" in done.stdout and "OPHION_PYTHON" in done.stdout and sys.executable in done.stdout
    report = json.loads(place.run("doctor", "--json", env={"OPHION_PYTHON": sys.executable}).stdout)
    assert report["python"]["executable"] == sys.executable and report["python"]["problems"] == []
    assert report["plugins"] >= 11 and report["broken_plugins"] == []


def test_a_python_that_is_not_there_is_named(place, model, events_file):
    nowhere = {"OPHION_PYTHON": "/no/such/python"}
    done = place.run("doctor", env=nowhere, status=1)
    assert "/no/such/python" in done.stdout and "all is well" not in done.stdout
    assert json.loads(place.run("doctor", "--json", env=nowhere, status=1).stdout)["python"]["problems"]
    done = place.run("predict", model, events_file, "--output", "scores.csv", env=nowhere, status=1)
    assert_plain(done)
    assert "/no/such/python" in done.stderr and "OPHION_PYTHON" in done.stderr


def test_a_python_that_is_none_is_named(place, model, events_file):
    script = place.write("fake_python", "#!/bin/sh\necho no Python at all\nexit 3\n")
    os.chmod(script, 0o755)
    done = place.run("predict", model, events_file, "--output", "scores.csv", env={"OPHION_PYTHON": script}, status=1)
    assert_plain(done)
    assert "fake_python" in done.stderr


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """A virtual environment of this Python without a single package."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    base = os.path.join(sys.base_prefix, "bin", "python3")
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    return folder / "bin" / "python3"


def test_a_python_without_numpy_is_no_use_and_says_so(place, model, events_file, bare_python):
    environment = {"OPHION_PYTHON": bare_python}
    done = place.run("doctor", env=environment, status=1)
    assert str(bare_python) in done.stdout and re.search(r"^problem: .*numpy", done.stdout, re.M | re.I)
    done = place.run("predict", model, events_file, "--output", "scores.csv", env=environment, status=1)
    assert done.stdout == "" and "No module named 'numpy'" in done.stderr
    assert not (place / "scores.csv").exists()


def test_one_program_follows_the_users_environment(place, events_file, bare_python):
    """Without OPHION_PYTHON the active virtual environment is taken."""
    done = place.run("doctor", env={"VIRTUAL_ENV": bare_python.parents[1], "OPHION_PYTHON": None}, status=1)
    assert "VIRTUAL_ENV" in done.stdout and str(bare_python.parents[1]) in done.stdout


def test_a_script_is_checked_before_any_data_is_read(place):
    """The data file does not exist, but the slip in the config is found first."""
    document = config(by_label("no_such.parquet"), [network(script=USER_SCRIPTS / "mlp.py")])
    document["methods"][0]["params"] = {"hiden": 3}
    text = place.refused(document, status=2)
    assert "/methods/0/params/hiden" in text and "did you mean 'hidden'" in text
    document["methods"][0]["params"] = {}
    assert "no_such.parquet" in place.refused(document, status=1)


def test_validate_looks_for_the_files_and_their_columns(place, events_file):
    document = config(by_label(events_file), [line()], features=["x0", "x_1"])
    text = place.refused(document, verb="validate")
    assert "events.parquet: no column 'x_1', which feature 'x_1' needs; did you mean 'x1'" in text
    assert "no_such.parquet" in place.refused(config(by_label("no_such.parquet"), [line()]), verb="validate")
    assert not (place / "runs").exists()
