"""What every method found must do, whoever wrote it."""

import math
import pkgutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import (
    ROOT,
    SCRIPTS,
    auc,
    best_auc,
    classification,
    context,
    events,
    gaussians,
    linear_targets,
    regression,
)

import ophion.methods
from ophion import contract
from ophion.contract import TrainingData

MODULES = {
    one.name.removesuffix("_method"): f"ophion.methods.{one.name}"
    for one in pkgutil.iter_modules(ophion.methods.__path__)
    if one.name.endswith("_method")
} | {"naive_bayes": "ophion_naive_bayes.method"}  # of a Python package: examples/python_method
METHODS = sorted(MODULES)

# Options with which a method learns the toys below, and those for regression; a new method adds its own here.
TOYS = {
    "pytorch": (
        {
            "script": str(SCRIPTS / "mlp.py"),
            "params": {"hidden": 8},
            "training": {"epochs": 12, "batch_size": 64, "learning_rate": 0.02},
        },
        {"training": {"epochs": 60, "batch_size": 64, "learning_rate": 0.02}},
    ),
    "sklearn": (
        {"estimator": "sklearn.linear_model.LogisticRegression"},
        {"estimator": "sklearn.linear_model.LinearRegression"},
    ),
    "script": ({"script": str(SCRIPTS / "centres.py")}, {}),
    "naive_bayes": ({}, {}),
}


def face_of(method):
    return contract.face(MODULES[method], "method")


def trained(method, spec, data, **more):
    options = dict(TOYS[method][0])
    if spec.task == "regression":
        options |= TOYS[method][1]
    face = face_of(method)
    ctx = context(method, spec, **(options | more))
    face.check(ctx)
    return face, ctx, face.train(data, ctx)


def reloaded(face, ctx, model):
    """As in another process: only bytes go across."""
    members = face.save(model)
    assert all(isinstance(name, str) and isinstance(content, bytes) for name, content in members.items())
    assert isinstance(face.carries_code(members), bool)
    return face.load(members, contract.Context(ctx.name, ctx.spec, ctx.options, seed=ctx.seed))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_every_function(method):
    face = face_of(method)
    assert isinstance(face.PACKAGES, list) and all(contract.versions(SimpleNamespace(PACKAGES=face.PACKAGES), None).values())


def test_versions_are_of_the_face_and_of_the_model():
    face = SimpleNamespace(PACKAGES=["numpy"], packages=lambda model: [model])
    assert contract.versions(face, "torch").keys() == {"python", "numpy", "torch"}


def test_a_face_without_a_function_is_named():
    with pytest.raises(TypeError, match="ophion.errors has no function check"):
        contract.face("ophion.errors", "method")


@pytest.mark.parametrize("method", METHODS)
def test_two_gaussians_are_told_apart_as_well_as_can_be(method):
    d = 1.5
    data = TrainingData(gaussians(2000, d, seed=1), gaussians(1000, d, seed=2))
    test = gaussians(20000, d, seed=3)
    face, ctx, model = trained(method, classification(), data)
    scores = np.asarray(face.predict(model, test.x))
    assert scores.shape == (len(test),)
    # The error of an AUC from 10,000 + 10,000 events is below 0.0035; five of them.
    assert best_auc(d) - 0.0175 < auc(scores, test.y) < best_auc(d) + 0.0175
    assert np.array_equal(face.predict(reloaded(face, ctx, model), test.x), scores)


@pytest.mark.parametrize("method", METHODS)
def test_event_weights_reach_the_fit(method):
    # Both classes lie at the same place; weights of 3 to 1 make the positive one's probability 3/4 everywhere.
    random = np.random.default_rng(5)
    y = np.tile([0, 1], 1000).astype(np.int32)
    x = random.standard_normal((2000, 2)) * 0.1
    data = TrainingData(events(x, y, np.where(y == 1, 3.0, 1.0)))
    face, _, model = trained(method, classification(), data)
    assert np.mean(np.asarray(face.predict(model, data.train.x))) == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_three_classes_give_three_scores_an_event(method):
    spec = classification(("a", "b", "c"))
    data = TrainingData(
        gaussians(3000, 3, classes=spec.classes, seed=1), gaussians(600, 3, classes=spec.classes, seed=2)
    )
    test = gaussians(9000, 3, classes=spec.classes, seed=3)
    face, ctx, model = trained(method, spec, data)
    scores = np.asarray(face.predict(model, test.x))
    assert scores.shape == (len(test), 3)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    # Means at 0, 3, 6: the outer classes lose one tail beyond 1.5 sigma, the middle one two.
    right = 1 - 4 / 3 * 0.5 * math.erfc(1.5 / math.sqrt(2))
    assert np.mean(scores.argmax(axis=1) == test.y) == pytest.approx(right, abs=0.02)
    assert np.array_equal(face.predict(reloaded(face, ctx, model), test.x), scores)


@pytest.mark.parametrize("said", [("classification",), ["regression", "classification"]])
def test_a_face_says_its_tasks(said):
    assert contract.tasks(SimpleNamespace(TASKS=said)) == list(said)
    assert contract.tasks(SimpleNamespace()) == ["classification", "regression"]


@pytest.mark.parametrize("said", ["classification", (), ("ranking",)])
def test_tasks_that_there_are_not_are_refused(said):
    with pytest.raises(TypeError, match=r"toy\.TASKS is .*, expected a list of classification and regression, or one of them"):
        contract.tasks(SimpleNamespace(__name__="toy", TASKS=said))


@pytest.mark.parametrize("targets", [("one",), ("one", "two")])
@pytest.mark.parametrize("method", METHODS)
def test_several_targets_are_learnt(method, targets):
    if "regression" not in contract.tasks(face_of(method)):
        pytest.skip(f"{method} does no regression")
    data = linear_targets(3000, n_targets=len(targets))
    face, ctx, model = trained(method, regression(targets), data)
    scores = np.asarray(face.predict(model, data.validation.x))
    assert scores.reshape(len(scores), -1).shape == (1500, len(targets))
    assert np.sqrt(np.mean((scores.reshape(1500, -1) - data.validation.y) ** 2)) < 0.15
    assert np.array_equal(face.predict(reloaded(face, ctx, model), data.validation.x), scores)


@pytest.mark.parametrize("method", METHODS)
def test_the_hosts_arrays_are_neither_kept_nor_changed(method):
    data = TrainingData(gaussians(500), gaussians(300, seed=9))
    arrays = [data.train.x, data.train.y, data.train.w, data.validation.x]
    copies = [one.copy() for one in arrays]
    before = [sys.getrefcount(one) for one in arrays]
    face, _, model = trained(method, classification(), data)
    face.predict(model, data.train.x)
    assert [sys.getrefcount(one) for one in arrays] == before
    assert all(np.array_equal(one, copy) for one, copy in zip(arrays, copies))


@pytest.mark.parametrize("method", METHODS)
def test_memory_of_any_layout_is_scored(method):
    face, _, model = trained(method, classification(), TrainingData(gaussians(300), gaussians(100, seed=9)))
    x = gaussians(100).x
    wide = np.zeros((100, 6), np.float32)
    wide[:, ::3] = x
    for layout in (np.asfortranarray(x), wide[:, ::3], x[::-1].copy()[::-1]):
        assert np.allclose(face.predict(model, layout), face.predict(model, x), atol=1e-6)
    assert len(face.predict(model, x[:1])) == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_scores_and_leaves_the_generators_alone(method):
    data = TrainingData(gaussians(300), gaussians(100, seed=9))
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    face, _, model = trained(method, classification(), data)
    np.random.seed(4)
    np.random.random(10)
    _, _, again = trained(method, classification(), data)
    assert np.array_equal(face.predict(model, data.train.x), face.predict(again, data.train.x))
    np.random.seed(3)
    trained(method, classification(), data)
    assert np.array_equal(np.random.get_state()[1], before)


def test_importing_ophion_imports_no_machine_learning():
    code = (
        "import ophion, ophion.contract, ophion.methods, sys\n"
        "sys.exit(bool({'torch', 'sklearn', 'skops'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "python_scripts")}).returncode == 0
    )
