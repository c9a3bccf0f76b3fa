"""Networks as ONNX graphs: kept in the model file, written out, scored by ONNX Runtime without Python."""

import json
import subprocess
import zipfile

import numpy as np
import pytest
from support import by_label, config, network, two_gaussians, write_parquet

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

UNUSUAL = """
from torch import nn
def get_model(spec, hidden):
    return nn.Sequential(nn.Linear(spec.n_features, hidden), nn.Hardswish(), nn.LayerNorm(hidden), nn.Linear(hidden, spec.n_outputs))
"""


def rows_of(events):
    return np.stack([events[f"x{i}"] for i in range(3)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def events():
    return two_gaussians(1200, seed=8)


def asked(place, script="mlp.py", **more):
    net = network()
    if script != "mlp.py":
        net["script"] = str(place.write(script, UNUSUAL))
    return net | {"export": ["onnx"]} | more


def test_a_network_with_transforms_scores_without_python_and_elsewhere(place, events):
    data = config(by_label(write_parquet(place / "e.parquet", events)), [asked(place, "unusual.py", transform=["standard", "minmax"])])
    run = place.train(data)
    model, rows = run.model("mlp"), rows_of(events)
    payloads = {one["backend"]: one for one in json.loads(place.run("inspect", model, "--json").stdout)["payloads"]}
    assert set(payloads) == {"python", "onnx"}, "no native form of this network"
    assert payloads["onnx"]["transforms_itself"] and not payloads["onnx"]["carries_code"]
    own = place.program.score(model, rows, place.path, "python")
    by_runtime = place.program.score(model, rows, place.path, "onnx")  # it insists that there is no Python
    assert np.allclose(by_runtime, own, rtol=1e-5, atol=1e-6)

    threads = [place.program.file.parent / "many_threads_program", "rows.bin", "onnx", model]
    done = subprocess.run(threads, cwd=place.path, env=place.program.environment(), text=True, capture_output=True, timeout=120)
    assert done.stdout == "0 different, 0 failed\n", done.stderr

    assert place.run("export", model, "--onnx", "net.onnx").stdout == "onnx: net.onnx\n"
    graph = onnx.load(str(place / "net.onnx"))
    assert json.loads({one.key: one.value for one in graph.metadata_props}["features"]) == ["x0", "x1", "x2"]
    session = onnxruntime.InferenceSession(str(place / "net.onnx"), providers=["CPUExecutionProvider"])
    assert np.allclose(session.run(["scores"], {"features": rows})[0][:, 0], own, rtol=1e-5, atol=1e-6)

    again = place.run("export", model, "--onnx", "net.onnx", status=1)
    assert "net.onnx is there already; --overwrite replaces it" in again.stderr
    place.run("export", model, "--onnx", "net.onnx", "--overwrite")

    named = place.predict(model, place / "e.parquet", "--backend", "onnx", output="named.parquet")
    assert np.allclose(named["score"], own, rtol=1e-5, atol=1e-6)

    nowhere = place.run(
        "predict", model, place / "e.parquet", "--backend", "onnx", "--output", "n.parquet", status=1, env={"OPHION_ONNXRUNTIME": "/no/such.so"}
    )
    assert "ONNX Runtime was not found" in nowhere.stderr and "/no/such.so" in nowhere.stderr
    wrong = place.run(
        "predict", model, place / "e.parquet", "--backend", "onnx", "--output", "n.parquet", status=1, env={"OPHION_ONNXRUNTIME": "libm.so.6"}
    )
    assert "libm.so.6 is no ONNX Runtime: it has no OrtGetApiBase" in wrong.stderr


def test_what_cant_be_written_is_said_and_the_model_kept(place, events):
    data = config(by_label(write_parquet(place / "e.parquet", events)), [asked(place, transform=["quantile"])])
    run = place.train(data)
    assert "mlp: has no ONNX form:" in run.log and "the transform 'quantile' has no ONNX form" in run.log
    assert "no ONNX form:" in place.run("inspect", run.model("mlp")).stdout
    refused = place.run("export", run.model("mlp"), "--onnx", "net.onnx", status=1)
    assert "has no ONNX form: " in refused.stderr and "'quantile'" in refused.stderr


def damaged(model, to, change):
    """The same model with another graph, its hashes made to fit."""
    import hashlib

    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "payload/onnx/model.onnx"
    members[name] = change(members[name])
    manifest = json.loads(members["manifest.json"])
    manifest["members"][name] = {"size": len(members[name]), "sha256": hashlib.sha256(members[name]).hexdigest()}
    members["manifest.json"] = json.dumps(manifest).encode()
    members["manifest.sha256"] = f"{hashlib.sha256(members['manifest.json']).hexdigest()}  manifest.json\n".encode()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return to


def of_another_domain(graph):
    model = onnx.load_model_from_string(graph)
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    return model.SerializeToString()


def in_another_file(graph):
    model = onnx.load_model_from_string(graph)
    tensor = model.graph.initializer[-1]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return model.SerializeToString()


def with_other_features(graph):
    model = onnx.load_model_from_string(graph)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    return model.SerializeToString()


def test_a_graph_that_cant_be_is_an_error_that_says_so(place, events):
    run = place.train(config(by_label(write_parquet(place / "e.parquet", events)), [asked(place, isolation="process")]))
    model = run.model("mlp")
    rows_of(events)[:10].tofile(place / "rows.bin")
    cases = {
        "com": (of_another_domain, "it has operators of 'com.example', which are not ONNX's own"),
        "file": (in_another_file, "it has numbers in another file"),
        "features": (with_other_features, "model.onnx"),
        "half": (lambda graph: graph[: len(graph) // 2], "it is cut off"),
        "text": (lambda graph: b"not a graph", "it is no ONNX file"),
        "empty": (lambda graph: b"", "it is no ONNX file: it has no graph"),
    }
    for name, (change, expected) in cases.items():
        file = damaged(model, place / f"{name}.ophion", change)
        command = [place.program.score_file, file, "rows.bin", "scores.bin", "onnx"]
        done = subprocess.run(command, cwd=place.path, env=place.program.environment(), text=True, capture_output=True, timeout=120)
        assert done.returncode == 1, f"{name}: {done.stderr}"
        assert f"{name}.ophion: " in done.stderr and expected in done.stderr, f"{name}: {done.stderr}"
