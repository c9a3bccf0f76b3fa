"""ONNX forms of networks: from features as they are to the scores that the network gives after the transforms."""

import importlib.util
import json

import numpy as np
import pytest
from conftest import classification, context, gaussians, linear_targets, regression

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from ophion import contract  # noqa: E402
from ophion.contract import TrainingData  # noqa: E402
from ophion.errors import DataError, OptionError  # noqa: E402
from ophion.methods import pytorch_method  # noqa: E402
from ophion.tools import onnx_form_tool  # noqa: E402

MLP = """
from torch import nn
def get_model(spec):
    return nn.Sequential(nn.Linear(spec.n_features, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, spec.n_outputs))
"""
OWN_PREDICT = MLP + "def predict(model, x, spec): return model(x).abs().squeeze(1).tanh()\n"


def trained(script, text=MLP, spec=None, data=None, **options):
    spec = spec or classification()
    data = data or TrainingData(gaussians(200, classes=spec.classes), None)
    given = context("pytorch", spec, script=script("net.py", text), training={"epochs": 1}, export=["onnx"], **options)
    return pytorch_method.train(data, given), given


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A trained network, its context, and its graph."""
    folder = tmp_path_factory.mktemp("usual")

    def write(name, text):
        (folder / name).write_text(text)
        return str(folder / name)

    model, given = trained(write)
    graph, problem = contract.export_onnx(pytorch_method, model, given)
    assert problem == ""
    return model, given, graph


def whole(graph, spec, missing="error", transforms=(), arrays=None):
    """The bytes of the form, as core asks for it."""
    outputs = ["score"] if spec.n_outputs == 1 else [f"score_{k}" for k in range(spec.n_outputs)]
    described = [{"type": kind, "settings": settings} for kind, settings in transforms]
    job = onnx_form_tool.start({"features": list(spec.features), "outputs": outputs, "missing": missing, "transforms": described})
    _, made = job.run({}, {"graph": np.frombuffer(graph, np.uint8)} | (arrays or {}))
    job.finish()
    return made["graph"].tobytes()


def scores(form, x):
    session = onnxruntime.InferenceSession(form, providers=["CPUExecutionProvider"])
    return session.run(["scores"], {"features": x})[0]


@pytest.mark.parametrize("text", [MLP, OWN_PREDICT], ids=["usual", "its own predict"])
def test_the_graph_scores_any_number_of_rows_as_the_network_does(script, text):
    model, given = trained(script, text)
    graph, problem = contract.export_onnx(pytorch_method, model, given)
    assert problem == ""
    form = whole(graph, given.spec)
    for n in (1, 3, 500):
        x = gaussians(n, seed=n).x
        assert scores(form, x)[:, 0] == pytest.approx(model.predict(x), abs=1e-6)


def test_more_classes_and_several_targets(script):
    for spec, data in (
        (classification(("a", "b", "c")), None),
        (regression(("sum", "difference")), linear_targets(200)),
    ):
        model, given = trained(script, spec=spec, data=data)
        x = gaussians(50).x
        form = whole(contract.export_onnx(pytorch_method, model, given)[0], spec)
        assert scores(form, x) == pytest.approx(model.predict(x), abs=1e-6)


def test_transforms_are_in_the_graph(usual):
    model, given, graph = usual
    mean, scale = np.array([100.0, -3.0]), np.array([7.0, 0.5])
    form = whole(
        graph,
        given.spec,
        transforms=[("standard", {}), ("minmax", {"clip": "true"})],
        arrays={
            "0.mean": mean,
            "0.scale": scale,
            "1.scale": np.array([0.5, 0.25]),
            "1.min": np.array([0.1, 0.2]),
            "1.range": np.array([0.0, 1.0]),
        },
    )
    x = gaussians(300).x * np.float32(9) + np.float32(95)
    changed = np.clip((x.astype(np.float64) - mean) / scale * [0.5, 0.25] + [0.1, 0.2], 0, 1).astype(np.float32)
    assert scores(form, x)[:, 0] == pytest.approx(model.predict(changed), abs=1e-6)


def identity(n_columns):
    """A graph that gives what it gets: what the transforms make of the features."""
    from onnx import TensorProto, helper

    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", n_columns]) for name in ("features", "scores")]
    graph = helper.make_graph([helper.make_node("Identity", ["features"], ["scores"])], "identity", ports[:1], ports[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def transformed(transforms, x, arrays, width, missing="keep"):
    spec = classification(tuple(f"c{k}" for k in range(width)))
    features = [f"x{j}" for j in range(x.shape[1])]
    described = [{"type": kind, "settings": settings} for kind, settings in transforms]
    job = onnx_form_tool.start({"features": features, "outputs": list(spec.classes), "missing": missing, "transforms": described})
    data = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
    _, made = job.run({}, {"graph": np.frombuffer(identity(width), np.uint8)} | data)
    return scores(made["graph"].tobytes(), x)


def test_each_transform_is_in_the_graph():
    x = np.random.default_rng(3).normal(2, 3, (200, 3)).astype(np.float32)
    wide = x.astype(np.float64)
    one = np.ones(3)
    matrix = np.array([[1, 2, 3], [0.5, -1, 4], [2, 2, 1]])
    for kind, settings, arrays, expected in (
        ("robust", {}, {"center": [1, 2, 3], "scale": [2, 0.5, 4]}, (wide - [1, 2, 3]) / [2, 0.5, 4]),
        ("clip", {}, {"low": -one, "high": [1, 2, 3]}, np.clip(wide, -1, [1, 2, 3])),
        ("clip", {}, {"high": one}, np.minimum(wide, 1)),
        ("log", {"form": "symmetric"}, {}, np.sign(wide) * np.log1p(np.abs(wide))),
        ("log", {"form": "plain"}, {"offset": 20 * one}, np.log(wide + 20)),
        ("log", {}, {"offset": 0 * one, "outside": 7 * one}, np.where(wide > 0, np.log(np.abs(wide)), 7)),
        ("decorrelate", {}, {"mean": [1, 2, 3], "matrix": matrix.ravel()}, (wide - [1, 2, 3]) @ matrix.T),
        ("pca", {}, {"mean": [1, 2, 3], "components": matrix[:2].ravel()}, (wide - [1, 2, 3]) @ matrix[:2].T),
    ):
        found = transformed([(kind, settings)], x, {f"0.{name}": array for name, array in arrays.items()}, expected.shape[1])
        np.testing.assert_allclose(found, expected.astype(np.float32), rtol=2e-7, atol=1e-12, err_msg=kind)


def test_transforms_of_some_columns_are_in_the_graph():
    x = np.random.default_rng(3).integers(0, 4, (100, 4)).astype(np.float32)
    wide = x.astype(np.float64)
    chain = [("standard", {}), ("onehot", {}), ("pca", {}), ("clip", {})]
    arrays = {
        "0.columns": [3, 1], "0.mean": [1, 2], "0.scale": [2, 4],
        "1.columns": [2, 0], "1.categories": [1, 3, 2], "1.counts": [2, 1],
        "2.columns": [4, 1], "2.mean": [0.5, 1], "2.components": [2, 3],
        "3.columns": [3, 0], "3.high": [0, 0.2],
    }  # fmt: skip
    hot = [wide[:, 2] == 1, wide[:, 2] == 3, wide[:, 0] == 2]
    scaled = [(wide[:, 1] - 2) / 4, (wide[:, 3] - 1) / 2]
    projected = 2 * (hot[2] - 0.5) + 3 * (scaled[1] - 1)
    expected = np.column_stack([np.minimum(scaled[0], 0.2), hot[0], hot[1], np.minimum(projected, 0)])
    np.testing.assert_allclose(transformed(chain, x, arrays, 4), expected.astype(np.float32), rtol=2e-7)


def test_a_row_without_a_logarithm_has_no_score():
    x = np.array([[1, 2], [-1, 2], [np.nan, 2], [3, 4]], np.float32)
    found = transformed([("log", {}), ("clip", {})], x, {"0.offset": [0, 0], "1.low": [-9, -9]}, 2, missing="drop")
    assert np.isnan(found[1:3]).all()
    np.testing.assert_allclose(found[[0, 3]], np.log(x[[0, 3]]), rtol=2e-7)


def test_several_imputations_are_in_one_graph():
    x = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    found = transformed([("impute", {}), ("impute", {})], x, {"0.columns": [1], "0.value": [5], "1.value": [6, 7]}, 2)
    np.testing.assert_array_equal(found, [[1, 5], [6, 2]])


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_a_row_that_lacks_a_number_has_no_score(usual, missing):
    _, given, graph = usual
    form = whole(graph, given.spec, missing)
    x = np.array([[1, 2], [np.nan, 2], [1, -np.inf], [3, 4]], np.float32)
    assert list(np.isnan(scores(form, x)[:, 0])) == [False, True, True, False]


def test_missing_numbers_are_imputed_in_the_graph(usual):
    model, given, graph = usual
    form = whole(graph, given.spec, "impute", [("impute", {})], {"0.value": np.array([0.25, 0.5])})
    x = np.array([[1, 2], [np.nan, 2], [1, -np.inf]], np.float32)
    filled = np.array([[1, 2], [0.25, 2], [1, 0.5]], np.float32)
    assert scores(form, x)[:, 0] == pytest.approx(model.predict(filled), abs=1e-6)


def test_the_file_says_what_it_is(usual):
    _, given, graph = usual
    form = onnx.load_model_from_string(whole(graph, given.spec))
    said = {entry.key: entry.value for entry in form.metadata_props}
    assert json.loads(said["features"]) == ["x0", "x1"]
    assert json.loads(said["outputs"]) == ["score"] and said["missing"] == "error"
    assert form.producer_name == "ophion"
    assert [(one.domain, one.version) for one in form.opset_import] == [("", 17)]
    assert [port.name for port in (*form.graph.input, *form.graph.output)] == ["features", "scores"]
    assert form.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "rows"


def test_a_transform_without_a_form_is_named(usual):
    _, given, graph = usual
    with pytest.raises(DataError) as refusal:
        whole(graph, given.spec, transforms=[("quantile", {"output": "uniform"})])
    assert str(refusal.value) == (
        "the transform 'quantile' has no ONNX form; those that have: standard, robust, minmax, clip, log, impute, decorrelate, pca, onehot"
    )


def test_a_network_that_cant_be_written_is_not_lost(script):
    text = MLP + "import numpy, torch\ndef predict(model, x, spec): return torch.fft.fft(model(x).squeeze(1)).abs().sigmoid()\n"
    model, given = trained(script, text)
    graph, problem = contract.export_onnx(pytorch_method, model, given)
    assert graph == b""
    assert problem.startswith("its export failed: ") and "fft" in problem


def test_nothing_is_written_that_nobody_asked_for(usual, monkeypatch):
    model, given, _ = usual
    monkeypatch.setitem(given.options, "export", [])
    assert contract.export_onnx(pytorch_method, model, given) == (b"", "")


def test_a_missing_package_is_named_before_the_training(usual, monkeypatch):
    _, given, _ = usual
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else find(name, *rest))
    with pytest.raises(OptionError) as refusal:
        pytorch_method.check(given)
    assert str(refusal.value) == '/export: "onnx" needs the Python package onnxruntime, which is not installed'
