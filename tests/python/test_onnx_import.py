"""ONNX graphs of other programs: which become the ONNX form, with the scores they had, and which are refused."""

import json

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from ophion.errors import DataError  # noqa: E402
from ophion.native import imported  # noqa: E402
from ophion.tools import import_model_tool  # noqa: E402

NAMES = ["a", "b", "c"]
CLASSES = ["background", "signal"]
TYPES = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE, np.int64: TensorProto.INT64}
WEIGHT = np.array([[1, -2], [0.5, 0.25], [-1, 3]])
BIAS = np.array([0.1, -0.2])
X = np.random.default_rng(5).standard_normal((50, 3)).astype(np.float32)


def port(name, shape, kind=np.float32):
    return helper.make_tensor_value_info(name, TYPES[kind], shape)


def saved(file, nodes, inputs, outputs, constants=None, opsets=(("", 17),), ir_version=8, told=None):
    """A graph in a file; `constants` are arrays by their names, `told` is its metadata."""
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*one) for one in opsets], ir_version=ir_version)
    helper.set_model_props(model, told or {})
    file.write_bytes(model.SerializeToString())
    return str(file)


def linear(kind=np.float32, weight=WEIGHT, bias=BIAS):
    """The node x @ weight + bias = "numbers", and its constants."""
    constants = {"weight": weight.astype(kind), "bias": bias.astype(kind)}
    return helper.make_node("Gemm", ["x", "weight", "bias"], ["numbers"]), constants


def softmax(file, rows="n", columns=3, kind=np.float32, **more):
    node, constants = linear(kind)
    nodes = [node, helper.make_node("Softmax", ["numbers"], ["y"], axis=1)]
    return saved(file, nodes, [port("x", [rows, columns], kind)], [port("y", [rows, 2], kind)], constants, **more)


def signal(x=X):
    """What the softmax above says of the second class."""
    powers = np.exp(x.astype(np.float64) @ WEIGHT + BIAS)
    return powers[:, 1:] / powers.sum(axis=1, keepdims=True)


def scores(model, x=X):
    """Of the form that goes into the model file, as docs/onnx.md describes it."""
    session = onnxruntime.InferenceSession(model.form.members()["model.onnx"], providers=["CPUExecutionProvider"])
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("features", "tensor(float)", ["rows", 3])
    assert (made.name, made.type, made.shape) == ("scores", "tensor(float)", ["rows", model.spec.n_outputs])
    return session.run(None, {"features": x})[0]


def refusal(file, *names):
    with pytest.raises(DataError) as problem:
        imported.read(file, *names)
    text = str(problem.value)
    assert text.startswith(f"{file}: ")
    return text.removeprefix(f"{file}: ")


def test_of_two_columns_the_second_is_the_score(tmp_path):
    model = imported.read(softmax(tmp_path / "two.onnx"), NAMES, CLASSES)
    assert scores(model) == pytest.approx(signal(), abs=1e-6)
    assert scores(model, X[:1]) == pytest.approx(signal(X[:1]), abs=1e-6)
    assert model.scores == pytest.approx(signal(model.x), abs=1e-6)
    assert model.checked_against == f"onnxruntime {onnxruntime.__version__}"
    assert model.spec.classes == ("background", "signal") and model.missing == "error" and model.found.backend == "onnx"
    described = {one.key: one.value for one in onnx.load_model_from_string(model.form.content).metadata_props}
    assert described == {"features": '["a", "b", "c"]', "outputs": '["score"]', "missing": "error"}


def test_float64_and_one_number_of_rows_become_float32_and_any(tmp_path):
    wide = imported.read(softmax(tmp_path / "double.onnx", kind=np.float64), NAMES, CLASSES)
    assert scores(wide) == pytest.approx(signal(), abs=1e-7)
    for rows in (1, 7):
        fixed = imported.read(softmax(tmp_path / f"fixed{rows}.onnx", rows=rows), NAMES, CLASSES)
        assert scores(fixed) == pytest.approx(signal(), abs=1e-6)
        assert fixed.scores == pytest.approx(signal(fixed.x), abs=1e-6)


@pytest.mark.parametrize("shape", [["n"], ["n", 1], None, ["n", None]], ids=["flat", "a column", "of no shape", "of no width"])
def test_one_number_is_the_score_of_the_second_class_or_a_target(tmp_path, shape):
    flat = shape == ["n"]
    node, constants = linear(weight=WEIGHT[:, :1], bias=BIAS[:1])
    nodes = [node, helper.make_node("Squeeze" if flat else "Identity", ["numbers"], ["one"]), helper.make_node("Sigmoid", ["one"], ["y"])]
    if flat:
        nodes[1].input.append("axes")
        constants["axes"] = np.array([1])
    file = saved(tmp_path / "one.onnx", nodes, [port("x", ["n", 3])], [port("y", shape)], constants)
    expected = 1 / (1 + np.exp(-(X @ WEIGHT[:, :1] + BIAS[0])))
    assert scores(imported.read(file, NAMES, CLASSES)) == pytest.approx(expected, abs=1e-6)
    target = imported.read(file, NAMES, [], ["efficiency"])
    assert scores(target) == pytest.approx(expected, abs=1e-6)
    assert target.spec.task == "regression" and target.spec.targets == ("efficiency",)


def forest(file, outputs, labels, kind="classlabels_int64s", zipped=False):
    """One tree, as converters of scikit-learn's forests write it: x[:, 0] <= 0.25 is surely of the first class, others 1:3."""
    tree = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "probabilities"], domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.25, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        class_treeids=[0] * 4, class_nodeids=[1, 1, 2, 2], class_ids=[0, 1, 0, 1], class_weights=[1.0, 0.0, 0.25, 0.75],
        post_transform="NONE", **{kind: labels},
    )  # fmt: skip
    nodes = [tree]
    if zipped:
        nodes.append(helper.make_node("ZipMap", ["probabilities"], ["maps"], domain="ai.onnx.ml", **{kind: labels}))
    return saved(file, nodes, [port("x", ["n", 3])], outputs, opsets=(("ai.onnx.ml", 1),))


def test_a_classifier_with_a_label_gives_its_probabilities_and_names(tmp_path):
    expected = np.where(X[:, :1] <= 0.25, 0, 0.75)
    label = port("label", ["n"], np.int64)
    plain = imported.read(forest(tmp_path / "plain.onnx", [label, port("probabilities", ["n", 2])], [7, 9]), NAMES)
    assert scores(plain) == pytest.approx(expected)
    assert plain.spec.classes == ("7", "9")
    assert scores(imported.read(str(tmp_path / "plain.onnx"), NAMES, CLASSES)) == pytest.approx(expected)

    of_text = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    maps = helper.make_value_info("maps", helper.make_sequence_type_proto(of_text))
    label = helper.make_tensor_value_info("label", TensorProto.STRING, ["n"])
    zipped = imported.read(forest(tmp_path / "zipped.onnx", [label, maps], ["no", "yes"], "classlabels_strings", zipped=True), NAMES)
    assert scores(zipped) == pytest.approx(expected)
    assert zipped.spec.classes == ("no", "yes")
    form = onnx.load_model_from_string(zipped.form.content)
    assert [node.op_type for node in form.graph.node] == ["Cast", "TreeEnsembleClassifier", "Gather", "Cast"]
    assert "is a classification, which has no targets" in refusal(str(tmp_path / "plain.onnx"), NAMES, [], ["y"])
    assert "has 2 classes, but 3 names are given" in refusal(str(tmp_path / "plain.onnx"), NAMES, ["a", "b", "c"])


def test_three_classes_and_two_targets_keep_their_columns(tmp_path):
    weight = np.column_stack([WEIGHT, [1, 1, 1]])
    node, constants = linear(weight=weight, bias=np.zeros(3))
    nodes = [node, helper.make_node("Softmax", ["numbers"], ["y"], axis=1)]
    file = saved(tmp_path / "three.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 3])], constants)
    powers = np.exp(X @ weight)
    model = imported.read(file, NAMES, ["top", "w", "qcd"])
    assert scores(model) == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-6)
    assert model.spec.classes == ("top", "w", "qcd")
    assert "has 3 classes, but 2 names are given" in refusal(file, NAMES, CLASSES)
    told = {"outputs": '["score_top", "score_w", "score_qcd"]'}
    file = saved(tmp_path / "told.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 3])], constants, told=told)
    assert imported.read(file, NAMES).spec.classes == ("top", "w", "qcd")

    node, constants = linear()
    file = saved(tmp_path / "targets.onnx", [node], [port("x", ["n", 3])], [port("numbers", ["n", 2])], constants)
    assert scores(imported.read(file, NAMES, [], ["px", "py"])) == pytest.approx(X @ WEIGHT + BIAS, abs=1e-5)
    assert "has 2 targets, but 1 names are given" in refusal(file, NAMES, [], ["px"])


def test_a_graph_may_say_its_names_itself(tmp_path):
    told = {"features": json.dumps(NAMES), "outputs": '["score"]', "missing": "drop"}
    node, constants = linear(weight=WEIGHT[:, :1], bias=BIAS[:1])
    nodes = [node, helper.make_node("Sigmoid", ["numbers"], ["scores"])]
    ports = [port("x", ["n", 3])], [port("scores", ["n", 1])]
    own = imported.read(saved(tmp_path / "own.onnx", nodes, *ports, constants, told=told))
    assert (own.spec.task, own.spec.features, own.spec.classes, own.missing) == ("classification", ("a", "b", "c"), ("0", "1"), "drop")
    assert "its features are, in this order, a, b, c" in refusal(str(tmp_path / "own.onnx"), ["b", "a", "c"])
    target = imported.read(saved(tmp_path / "pred.onnx", nodes, *ports, constants, told=told | {"outputs": '["pred_mass"]'}))
    assert (target.spec.task, target.spec.targets) == ("regression", ("mass",))
    odd = saved(tmp_path / "odd.onnx", nodes, *ports, constants, told={"features": "mass and charge", "outputs": "{}", "missing": "never"})
    assert imported.read(odd, NAMES, CLASSES).missing == "error"
    assert refusal(odd) == "its 3 features have no names: give them, in their order, with --features"
    assert refusal(odd, NAMES) == "it does not say whether its scores are of classes or of a regression: give --classes or --targets"


def test_names_inside_a_graph_may_be_those_of_the_form(tmp_path):
    """And a branch sees what stands around it: constants, inputs and results."""
    one = port("branch", ["n", 1])
    branches = {
        "then_branch": helper.make_graph([helper.make_node("Add", ["scores", "features"], ["branch"])], "then", [], [one]),
        "else_branch": helper.make_graph([helper.make_node("Identity", ["scores"], ["branch"])], "else", [], [one]),
    }
    nodes = [
        helper.make_node("Gemm", ["network/features", "Gather"], ["scores"]),
        helper.make_node("If", ["yes"], ["Reshape"], **branches),
    ]
    constants = {"Gather": WEIGHT[:, :1].astype(np.float32), "features": np.array([[5]], np.float32), "yes": np.array(True)}
    ports = [port("network/features", ["n", 3])], [port("Reshape", ["n", 1])]
    model = imported.read(saved(tmp_path / "names.onnx", nodes, *ports, constants), NAMES, [], ["y"])
    assert scores(model) == pytest.approx(X @ WEIGHT[:, :1] + 5, abs=1e-5)


def test_inputs_with_a_value_or_without_a_reader_dont_count(tmp_path):
    node, constants = linear()
    inputs = [port("bias", [2]), port("x", [None, None]), port("training", [1])]
    file = saved(tmp_path / "old.onnx", [node], inputs, [port("numbers", ["n", 2])], constants, ir_version=3)
    assert scores(imported.read(file, NAMES, [], ["px", "py"])) == pytest.approx(X @ WEIGHT + BIAS, abs=1e-5)
    assert refusal(file, [], [], ["px", "py"]) == "its features have no names: give them, in their order, with --features"
    assert "onnxruntime refuses it: " in refusal(file, ["a", "b"], [], ["px", "py"])


def test_what_gives_no_probabilities_is_no_classification(tmp_path):
    node, constants = linear()
    file = saved(tmp_path / "logits.onnx", [node], [port("x", ["n", 3])], [port("numbers", ["n", 2])], constants)
    text = refusal(file, NAMES, CLASSES)
    assert text.startswith("gives no probabilities: ") and "Sigmoid or Softmax" in text and "--targets" in text
    nodes = [linear(weight=np.zeros((3, 3)), bias=np.zeros(3))[0], helper.make_node("Sigmoid", ["numbers"], ["y"])]
    constants = linear(weight=np.zeros((3, 3)), bias=np.zeros(3))[1]
    file = saved(tmp_path / "sum.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 3])], constants)
    assert "gives no probabilities of classes: their sum is 1.5 for a made-up event" in refusal(file, NAMES, ["x", "y", "z"])
    file = saved(
        tmp_path / "nan.onnx", [helper.make_node("Div", ["none", "none"], ["nan"]), helper.make_node("Mul", ["x", "nan"], ["y"])],
        [port("x", ["n", 3])], [port("y", ["n", 3])], {"none": np.zeros((1, 3), np.float32)},
    )  # fmt: skip
    assert refusal(file, NAMES, [], NAMES) == "gives no number for any of 1024 made-up events"


def test_logarithms_of_some_made_up_events_dont_matter(tmp_path):
    node, constants = linear()
    node.input[0] = "log"
    nodes = [helper.make_node("Log", ["x"], ["log"]), node, helper.make_node("Softmax", ["numbers"], ["y"], axis=1)]
    file = saved(tmp_path / "log.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 2])], constants)
    x = np.abs(X)
    assert scores(imported.read(file, NAMES, CLASSES), x) == pytest.approx(signal(np.log(x)), abs=1e-6)


def test_an_event_has_one_score_whatever_it_is_scored_along_with(tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    mixed = saved(tmp_path / "mixed.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 3])])
    assert refusal(mixed, NAMES, [], NAMES) == "gives an event other scores when it is scored along with others"
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    one = saved(tmp_path / "one.onnx", [node], [port("x", [2, 3])], [port("y", [2, 3])], {"shape": np.array([2, 3])})
    text = refusal(one, NAMES, [], NAMES)
    assert text.startswith("takes 2 events at a time, no other number (") and "Reshape" in text and "dynamic number of rows" in text


def test_other_inputs_and_outputs_are_named(tmp_path):
    add = helper.make_node("Add", ["x", "z"], ["y"])
    two = saved(tmp_path / "two.onnx", [add], [port("x", ["n", 3]), port("z", ["n", 3])], [port("y", ["n", 3])])
    assert refusal(two, NAMES, [], NAMES) == "needs the inputs 'x', 'z': expected one, of rows × features"
    for shape, shown in (([1, 3, 4], "1 × 3 × 4"), ([3], "3"), ([], "one number")):
        file = saved(tmp_path / "x.onnx", [helper.make_node("Abs", ["x"], ["y"])], [port("x", shape)], [port("y", shape)])
        assert refusal(file, NAMES, [], NAMES) == f"its input 'x' has the shape {shown}: expected rows × features"
    file = saved(tmp_path / "x.onnx", [helper.make_node("Abs", ["x"], ["y"])], [port("x", ["n", 3], np.int64)], [port("y", ["n", 3])])
    assert refusal(file, NAMES, [], NAMES) == "its input 'x' is int64: expected float32 or float64"

    nodes = [helper.make_node("Abs", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    file = saved(tmp_path / "x.onnx", nodes, [port("x", ["n", 3])], [port("y", ["n", 3]), port("z", ["n", 3])])
    assert refusal(file, NAMES).startswith("has the outputs 'y', 'z': expected one, of scores, or a classifier's two")
    file = saved(tmp_path / "x.onnx", nodes, [port("x", ["n", 3])], [])
    assert refusal(file, NAMES).startswith("has the outputs none: ")
    label = helper.make_node("ArgMax", ["x"], ["y"], axis=1)
    file = saved(tmp_path / "x.onnx", [label], [port("x", ["n", 3])], [port("y", ["n", 1], np.int64)])
    assert refusal(file, NAMES) == "its output 'y' is int64: expected float32 or float64"
    assert "has 3 features, but 2 names are given" in refusal(softmax(tmp_path / "x.onnx"), ["a", "b"], CLASSES)


def test_what_asks_for_more_than_the_file_is_refused_before_it_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr("ophion.native.onnx_graph.in_its_own_process", lambda *_: pytest.fail("it was run"))
    file = tmp_path / "x.onnx"
    softmax(file)
    model = onnx.load(file)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    file.write_bytes(model.SerializeToString())
    text = refusal(str(file), NAMES, CLASSES)
    assert text.startswith("has numbers in another file: ") and "external_data=False" in text

    ports = [port("x", ["n", 3])], [port("y", ["n", 3])]
    saved(file, [helper.make_node("Own", ["x"], ["y"], domain="com.example")], *ports, opsets=(("", 17), ("com.example", 1)))
    assert refusal(str(file), NAMES, [], NAMES) == "has operators of 'com.example', which are not ONNX's own"
    inside = helper.make_graph([helper.make_node("Own", ["x"], ["z"], domain="com.example")], "in", [], [port("z", ["n", 3])])
    branch = helper.make_node("If", ["yes"], ["y"], then_branch=inside, else_branch=inside)
    saved(file, [branch], *ports, {"yes": np.array(True)}, opsets=(("", 17), ("com.example", 1)))
    assert "has operators of 'com.example'" in refusal(str(file), NAMES, [], NAMES)

    saved(file, [helper.make_node("Twice", ["x"], ["y"], domain="mine")], *ports, opsets=(("", 17), ("mine", 1)))
    model = onnx.load(file)
    body = [helper.make_node("Add", ["x", "x"], ["y"])]
    model.functions.append(helper.make_function("mine", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 17)]))
    file.write_bytes(model.SerializeToString())
    assert "has functions of its own, such as 'Twice': put them in by onnx.inliner.inline_local_functions" in refusal(str(file), NAMES)


def test_versions_that_the_runtime_does_not_know_are_its_error(tmp_path):
    assert "Unsupported model IR version: 77" in refusal(softmax(tmp_path / "ir.onnx", ir_version=77), NAMES, CLASSES)
    text = refusal(softmax(tmp_path / "opset.onnx", opsets=(("", 99),)), NAMES, CLASSES)
    assert text.startswith("onnxruntime refuses it: ") and "Opset 99" in text


def test_files_that_are_no_graphs_say_so(tmp_path):
    (tmp_path / "empty.onnx").write_bytes(b"\x08\x07")
    assert refusal(str(tmp_path / "empty.onnx"), NAMES) == "is no ONNX file: it has no graph"
    (tmp_path / "half.onnx").write_bytes((tmp_path / softmax(tmp_path / "x.onnx")).read_bytes()[:150])
    assert refusal(str(tmp_path / "half.onnx"), NAMES).startswith("is cut off, or no ONNX file: ")
    (tmp_path / "text.onnx").write_text("not a graph")
    assert "is no model that is known: expected " in refusal(str(tmp_path / "text.onnx"), NAMES)


def test_names_that_are_no_text_and_widths_that_cant_be_are_damage(tmp_path):
    content = (tmp_path / softmax(tmp_path / "x.onnx")).read_bytes()
    (tmp_path / "name.onnx").write_bytes(content.replace(b"numbers", b"\xffumbers"))
    assert refusal(str(tmp_path / "name.onnx"), NAMES, CLASSES) == "is damaged: a name in it is no text"
    wide = saved(tmp_path / "wide.onnx", [helper.make_node("Abs", ["x"], ["y"])], [port("x", ["n", 3])], [port("y", ["n", 1 << 40])])
    assert "says that it gives 1099511627776 numbers for an event: at most 65536 are taken" in refusal(wide, NAMES)


def test_damaged_graphs_are_refused_or_read_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(imported, "_compare", lambda *_: (None, ""))
    content = bytearray((tmp_path / softmax(tmp_path / "x.onnx")).read_bytes())
    random = np.random.default_rng(11)
    refused = 0
    for _ in range(100):
        damaged = content.copy()
        for at in random.integers(1, len(content), random.integers(1, 4)):
            damaged[at] = random.integers(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            imported.read(str(tmp_path / "damaged"), NAMES, CLASSES)
        except DataError:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_not_installed_is_named_where_it_is_needed(tmp_path, monkeypatch, package):
    find = imported.importlib.util.find_spec
    monkeypatch.setattr(imported.importlib.util, "find_spec", lambda name: None if name == package else find(name))
    file = softmax(tmp_path / "x.onnx")
    if package == "onnx":
        assert refusal(file, NAMES) == "is an ONNX graph: to read it, the Python package onnx is needed, which is not installed (ophion[onnx] has it)"
        return
    model = imported.read(file, NAMES, CLASSES)
    assert model.scores is None and model.checked_against == ""
    node = helper.make_node("Sigmoid", ["x"], ["y"])
    unknown = saved(tmp_path / "unknown.onnx", [node], [port("x", ["n", 3])], [port("y", None)])
    assert "does not say how many numbers it gives for an event, and the Python package onnxruntime" in refusal(unknown, NAMES)
    fixed = softmax(tmp_path / "fixed.onnx", rows=1)
    assert "takes 1 event at a time" in refusal(fixed, NAMES, CLASSES)


def test_the_tool_says_what_it_found(tmp_path):
    file = softmax(tmp_path / "x.onnx")
    arguments = {"file": file, "features": NAMES, "classes": CLASSES, "targets": []}
    facts, data = import_model_tool.start({}).run(arguments, {})
    assert facts["origin"] == "ONNX graph" and facts["backend"] == "onnx" and facts["missing"] == "error"
    assert facts["members"] == ["model.onnx"] and data["scores"].shape == (1024, 1)
    assert data["scores"].flags.c_contiguous and data["model.onnx"].dtype == np.uint8
