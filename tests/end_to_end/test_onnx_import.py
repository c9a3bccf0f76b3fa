"""ONNX graphs that were written elsewhere score in C++, without Python, as ONNX Runtime scores them."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import by_label, config, network, two_gaussians, write_parquet

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FEATURES = "x0,x1,x2"
HIDDEN = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "onnxruntime" else find(name, *more)
"""


@pytest.fixture(scope="module")
def x():
    events = two_gaussians(600, seed=4)
    return np.stack([events[f"x{i}"] for i in range(3)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def exported(module_place, x):
    """A graph that Ophion wrote, and the model it is of."""
    events = two_gaussians(600, seed=4)
    data = config(by_label(write_parquet(module_place / "e.parquet", events)), [network() | {"export": ["onnx"]}])
    model = module_place.train(data).model("mlp")
    module_place.run("export", model, "--onnx", "own.onnx")
    return model


@pytest.fixture(scope="module")
def graphs(module_place):
    """Graphs as other programs write them: a forest's with label and map, and a network's for one event that ends in logits."""
    pair = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    features = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 3])
    label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
    trees = helper.make_node(
        "TreeEnsembleClassifier", ["X"], ["label", "probabilities"], domain="ai.onnx.ml",
        nodes_treeids=[0] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0, 0, 2, 0, 0], nodes_values=[0.25, 0.0, -0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 3, 0, 0],
        nodes_falsenodeids=[2, 0, 4, 0, 0], class_treeids=[0] * 6, class_nodeids=[1, 1, 3, 3, 4, 4], class_ids=[0, 1] * 3,
        class_weights=[0.9, 0.1, 0.25, 0.75, 0.4, 0.6], post_transform="NONE", classlabels_int64s=[0, 1],
    )  # fmt: skip
    zipped = helper.make_node("ZipMap", ["probabilities"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    maps = helper.make_value_info("maps", helper.make_sequence_type_proto(pair))
    write(module_place / "forest.onnx", [trees, zipped], [features], [label, maps], [], ("ai.onnx.ml", 1))

    weight = numpy_helper.from_array(np.array([[3, -3], [0.5, 0.25], [-1, 3]]), "weight")
    line = helper.make_node("MatMul", ["X", "weight"], ["numbers"])
    one_event = helper.make_tensor_value_info("X", TensorProto.DOUBLE, [1, 3])
    numbers = helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [1, 2])
    write(module_place / "logits.onnx", [line], [one_event], [numbers], [weight], ("", 17))
    ports = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, columns]) for name, columns in (("X", 3), ("numbers", 2))]
    write(module_place / "newer.onnx", [line], ports[:1], ports[1:], [weight], ("", 99))
    (module_place / "half.onnx").write_bytes((module_place / "forest.onnx").read_bytes()[:200])
    module_place.write("text.onnx", "not a graph")


def write(file, nodes, inputs, outputs, constants, opset):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=constants)
    opsets = [helper.make_opsetid(*opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="other", producer_version="1.2")
    file.write_bytes(model.SerializeToString())


def test_what_ophion_exported_comes_back_with_its_names_and_scores(module_place, exported, x):
    done = module_place.run("import", "own.onnx", "--output", "own.ophion")
    assert done.stdout == f"own.ophion: ONNX graph of ophion of 3 features; scores as onnxruntime {onnxruntime.__version__} does\n"
    expected = module_place.program.score(exported, x, module_place.path, "onnx")
    scores = module_place.program.score(module_place / "own.ophion", x, module_place.path, "onnx")  # it insists that there is no Python
    assert np.array_equal(scores, expected) and np.ptp(scores) > 0.1
    ours, theirs = (json.loads(module_place.run("inspect", file, "--json").stdout) for file in ("own.ophion", exported))
    assert [one["name"] for one in ours["features"]] == [one["name"] for one in theirs["features"]]
    assert ours["outputs"] == theirs["outputs"] and ours["missing"] == theirs["missing"]
    module_place.run("export", "own.ophion", "--onnx", "again.onnx")
    again = onnx.load(str(module_place / "again.onnx"))
    assert again.metadata_props == onnx.load(str(module_place / "own.onnx")).metadata_props


def test_a_forest_with_label_and_map_scores_files_by_the_names_it_was_given(module_place, graphs, x):
    names = ["--features", "pt,eta,a phi", "--classes", "background,signal", "--name", "trees"]
    done = module_place.run("import", "forest.onnx", *names, "--output", "forest.ophion", "--json")
    assert json.loads(done.stdout) == {
        "output": "forest.ophion",
        "origin": "ONNX graph of other 1.2",
        "checked_against": f"onnxruntime {onnxruntime.__version__}",
    }
    expected = np.where(x[:, 0] <= 0.25, 0.1, np.where(x[:, 2] <= -0.5, 0.75, 0.6))
    scores = module_place.program.score(module_place / "forest.ophion", x, module_place.path, "onnx")
    assert np.allclose(scores, expected, rtol=1e-6)
    file = write_parquet(module_place / "named.parquet", {"eta": x[:, 1], "a phi": x[:, 2], "pt": x[:, 0]})
    named = module_place.predict("forest.ophion", file, output="named_scores.parquet")
    assert list(named) == ["score"] and np.allclose(named["score"], expected, rtol=1e-6)

    manifest = json.loads(module_place.run("inspect", "forest.ophion", "--json").stdout)
    assert manifest["name"] == "trees" and manifest["missing"] == "error" and manifest["selftest"]["rows"] == 32
    assert manifest["classes"] == ["background", "signal"] and manifest["provenance"]["imported"]["file"] == "forest.onnx"
    assert manifest["versions"]["other"] == "1.2"
    assert [(one["backend"], one["members"], one["carries_code"]) for one in manifest["payloads"]] == [("onnx", ["model.onnx"], False)]
    for backend in ("python", "native"):
        arguments = ["predict", "forest.ophion", file, "--backend", backend, "--output", "no.parquet"]
        assert f"forest.ophion: has no backend '{backend}'; it has onnx" in module_place.run(*arguments, status=1).stderr
    assert "has no native form" in module_place.run("export", "forest.ophion", "--cpp", "no.h", status=1).stderr


def test_a_graph_for_one_event_scores_any_number_of_them(module_place, graphs, x):
    module_place.run("import", "logits.onnx", "--features", FEATURES, "--targets", "px,py", "--output", "targets.ophion")
    scores = module_place.program.score(module_place / "targets.ophion", x, module_place.path, "onnx")
    expected = x.astype(np.float64) @ [[3, -3], [0.5, 0.25], [-1, 3]]
    assert np.allclose(np.reshape(scores, (-1, 2)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["forest.onnx", "--features", "a,b"], "forest.onnx: ONNX graph of other 1.2 has 3 features, but 2 names are given"),
        (["forest.onnx", "--features", "a,b,a"], "forest.onnx: the feature 'a' is named twice"),
        (["forest.onnx"], "forest.onnx: its 3 features have no names: give them, in their order, with --features"),
        (["logits.onnx", "--features", FEATURES], "logits.onnx: it does not say whether its scores are of classes or of a regression"),
        (["logits.onnx", "--features", FEATURES, "--classes", "b,s"], "logits.onnx: gives no probabilities: "),
        (["newer.onnx", "--features", FEATURES, "--classes", "b,s"], "Opset 99 is under development"),
        (["half.onnx", "--features", FEATURES], "half.onnx: is cut off, or no ONNX file: "),
        (["text.onnx", "--features", FEATURES], "text.onnx: is no model that is known: expected "),
        (["gone.onnx", "--features", FEATURES], "gone.onnx: No such file or directory"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing_behind(module_place, graphs, arguments, problem):
    refused = module_place.run("import", *arguments, "--output", "none.ophion", status=1)
    assert problem in refused.stderr and arguments[0] in refused.stderr and "Traceback" not in refused.stderr
    assert not (module_place / "none.ophion").exists()


def test_a_graph_that_cannot_be_loaded_in_cpp_is_named(module_place, graphs):
    """Where there is the shared library alone, without the Python package, or neither."""
    arguments = ["import", "forest.onnx", "--features", FEATURES, "--output", "none.ophion"]
    nowhere = module_place.run(*arguments, status=1, env={"OPHION_ONNXRUNTIME": "/no/such.so"})
    assert "ONNX Runtime was not found" in nowhere.stderr and "/no/such.so" in nowhere.stderr

    module_place.write("sitecustomize.py", HIDDEN)
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
    alone = {"PYTHONPATH": str(module_place.path), "OPHION_ONNXRUNTIME": str(library)}
    newer = module_place.run("import", "newer.onnx", *arguments[2:], "--targets", "px,py", status=1, env=alone)
    assert "newer.onnx: " in newer.stderr and "model.onnx can't be loaded: " in newer.stderr and "Opset 99" in newer.stderr
    assert not (module_place / "none.ophion").exists()
    assert "could not be compared" in module_place.run(*arguments, env=alone).stdout
