"""Models out of other programs' files: what they hold, names, damage, and files that would run code."""

import json
import pickle
import struct
import sys

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from neutral import scores
from sklearn import ensemble, linear_model, neighbors

from ophion.errors import DataError
from ophion.native import imported, ubjson
from ophion.native.found import in_its_own_process
from ophion.tools import import_model_tool

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def events():
    x = np.random.default_rng(1).standard_normal((400, 3)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 1)


@pytest.fixture(scope="module")
def files(events, tmp_path_factory):
    """Models by the names of their files, with what their trainer gives."""
    folder = tmp_path_factory.mktemp("models")
    x, three = events
    two = (three > 0).astype(int)
    few = {"n_estimators": 4, "n_jobs": 1}
    boosted = xgboost.XGBClassifier(**few).fit(x, two)
    light = lightgbm.LGBMClassifier(**few, verbose=-1).fit(x, three)
    forest = ensemble.RandomForestClassifier(**few).fit(x, np.array(["no", "yes", "very"])[three])
    ridge = linear_model.Ridge().fit(x, np.stack([x[:, 0], x[:, 1] - 3 * x[:, 2]], axis=1))
    boosted.save_model(folder / "two.json")
    boosted.save_model(folder / "two.ubj")
    light.booster_.save_model(folder / "three.txt")
    skops.io.dump(forest, folder / "forest.skops")
    skops.io.dump(ridge, folder / "ridge.skops")
    expected = {
        "two.json": boosted.predict_proba(x)[:, 1:],
        "two.ubj": boosted.predict_proba(x)[:, 1:],
        "three.txt": light.predict_proba(x),
        "forest.skops": forest.predict_proba(x),
        "ridge.skops": ridge.predict(x),
    }
    return {name: (folder / name, wanted) for name, wanted in expected.items()}


@pytest.mark.parametrize("name", ["two.json", "two.ubj", "three.txt", "forest.skops", "ridge.skops"])
def test_a_file_scores_as_its_trainer_did(files, events, name):
    file, expected = files[name]
    model = imported.read(str(file), NAMES)
    assert scores(model.form.members(), events[0]) == pytest.approx(expected, rel=3e-6, abs=2e-6)
    assert model.scores.shape == (len(model.x), expected.shape[1])
    assert model.spec.features == ("a", "b", "c")


def test_a_name_stands_once(files):
    for names, problem in (
        ((["a", "b", "a"],), "the feature 'a' is named twice"),
        ((NAMES, ["x", "y", "x"]), "the class 'x' is named twice"),
        ((NAMES, [], ["t", "t"]), "the target 't' is named twice"),
        ((NAMES, ["x", "y"], ["t"]), "classes and targets are named: a model has either"),
    ):
        with pytest.raises(DataError) as refusal:
            imported.read(str(files["two.json"][0]), *names)
        assert str(refusal.value) == f"{files['two.json'][0]}: {problem}"


def test_names_come_from_the_file_where_it_has_some(files):
    assert imported.read(str(files["forest.skops"][0]), NAMES).spec.classes == ("no", "very", "yes")
    assert imported.read(str(files["three.txt"][0]), NAMES, ["x", "y", "z"]).spec.classes == ("x", "y", "z")
    assert imported.read(str(files["two.json"][0]), NAMES).spec.classes == ("0", "1")
    assert imported.read(str(files["ridge.skops"][0]), NAMES).spec.targets == ("target_0", "target_1")


def test_features_named_in_the_file_can_be_left_out_but_not_shuffled(events, tmp_path):
    x, three = events
    data = lightgbm.Dataset(x, three > 0, feature_name=NAMES)
    lightgbm.train({"objective": "binary", "verbose": -1}, data, 2).save_model(tmp_path / "named.txt")
    file = str(tmp_path / "named.txt")
    assert imported.read(file).spec.features == ("a", "b", "c")
    assert imported.read(file, ["pt", "eta", "phi"]).spec.features == ("pt", "eta", "phi")
    with pytest.raises(DataError, match="named.txt: its features are, in this order, a, b, c"):
        imported.read(file, ["b", "a", "c"])


@pytest.mark.parametrize(
    "name, given, problem",
    [
        ("two.json", ([],), "two.json: its 3 features have no names: give them, in their order, with --features"),
        ("two.json", (["a"],), "two.json: XGBoost binary:logistic has 3 features, but 1 names are given"),
        ("two.json", (NAMES, ["a"]), "two.json: XGBoost binary:logistic has 2 classes, but 1 names are given"),
        ("three.txt", (NAMES, ["a", "b"]), "three.txt: LightGBM multiclass has 3 classes, but 2 names are given"),
        ("three.txt", (NAMES, [], ["t"]), "three.txt: LightGBM multiclass is a classification, which has no targets"),
        ("ridge.skops", (NAMES, ["a", "b"]), "ridge.skops: scikit-learn Ridge is a regression, which has no classes"),
        ("ridge.skops", (NAMES, [], ["t"]), "ridge.skops: scikit-learn Ridge has 2 targets, but 1 names are given"),
    ],
)
def test_names_that_do_not_fit_are_refused(files, name, given, problem):
    with pytest.raises(DataError) as error:
        imported.read(str(files[name][0]), *given)
    assert str(error.value).endswith(problem)


@pytest.mark.parametrize("name", ["two.json", "two.ubj", "three.txt", "forest.skops"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_file_that_is_cut_off_is_refused(files, tmp_path, name, share):
    content = files[name][0].read_bytes()
    file = tmp_path / name
    end = content.index(b"\nend of trees") if name == "three.txt" else len(content)
    file.write_bytes(content[: int(share * end)])
    with pytest.raises(DataError) as error:
        imported.read(str(file), NAMES)
    words = {"two.json": "is cut off, or no JSON", "two.ubj": "it ends", "three.txt": "it ends", "forest.skops": "no skops file"}
    assert str(error.value).startswith(f"{file}: ") and words[name] in str(error.value)


def tampered(files, tmp_path, change):
    document = json.loads(files["two.json"][0].read_text())
    change(document["learner"])
    (tmp_path / "x.json").write_text(json.dumps(document))
    return str(tmp_path / "x.json")


def first_tree(learner):
    return learner["gradient_booster"]["model"]["trees"][0]


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda one: one["objective"].update(name="rank:pairwise"), "XGBoost with the objective 'rank:pairwise'"),
        (lambda one: one.pop("gradient_booster"), "lacks the key 'gradient_booster'"),
        (lambda one: first_tree(one)["left_children"].__setitem__(0, 10**6), "tree 0: node 0 leads to node 1000000 of"),
        (lambda one: first_tree(one)["left_children"].__setitem__(1, 0), "tree 0: two ways lead to one node"),
        (lambda one: first_tree(one)["split_indices"].__setitem__(0, 3), "tree 0 asks for feature 3 of 3"),
        (lambda one: first_tree(one)["split_conditions"].pop(), "x.json: "),
        (lambda one: one["gradient_booster"]["model"].update(trees=[]), "x.json: XGBoost without trees"),
        (lambda one: one.update(objective=7), "x.json: "),
    ],
)
def test_a_wild_xgboost_file_is_refused_before_xgboost_sees_it(files, tmp_path, change, problem, monkeypatch):
    monkeypatch.setattr(imported, "_compare", lambda *_: pytest.fail("the trainer was asked"))
    with pytest.raises(DataError) as error:
        imported.read(tampered(files, tmp_path, change), NAMES)
    assert problem in str(error.value)


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("objective=multiclass", "objective=lambdarank", "x.txt: LightGBM with the objective 'lambdarank'"),
        ("left_child=1", "left_child=9999", "leads to node 9999 of"),
        ("num_leaves=", "num_leaves=1", "expected"),
        ("leaf_value=", "leaf_values=", "lacks the key 'leaf_value'"),
        ("\nTree=3", "\nTwig=3", "it ends within tree 10 of 12"),
    ],
)
def test_a_wild_lightgbm_file_is_refused(files, tmp_path, old, new, problem):
    text = files["three.txt"][0].read_text()
    assert old in text
    (tmp_path / "x.txt").write_text(text.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        imported.read(str(tmp_path / "x.txt"), NAMES)
    assert problem in str(error.value)


def test_a_file_without_its_best_iteration_uses_what_its_trainer_uses(events, tmp_path):
    x, three = events
    estimator = xgboost.XGBClassifier(n_estimators=30, n_jobs=1, early_stopping_rounds=4)
    estimator.fit(x, three > 0, eval_set=[(x, three == 0)], verbose=False)
    estimator.save_model(tmp_path / "early.json")
    model = imported.read(str(tmp_path / "early.json"), NAMES)
    assert len(model.form.arrays["roots"]) == 1 < len(estimator.get_booster().get_dump())
    assert scores(model.form.members(), x[:100]) == pytest.approx(estimator.predict_proba(x[:100])[:, 1:], abs=1e-6)


def test_what_would_run_code_is_refused(events, tmp_path):
    x, three = events
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(linear_model.Ridge().fit(x, three)))
    with pytest.raises(DataError, match="x.pkl: is a pickle, which runs code when it is read: save the model with skops.io.dump"):
        imported.read(str(tmp_path / "x.pkl"), NAMES)
    skops.io.dump(neighbors.KNeighborsClassifier().fit(x, three), tmp_path / "near.skops")
    with pytest.raises(DataError, match="near.skops: a skops file that holds what can't be checked: .*KNeighborsClassifier"):
        imported.read(str(tmp_path / "near.skops"), NAMES)
    skops.io.dump(xgboost.XGBClassifier(n_estimators=1).fit(x, three), tmp_path / "xgb.skops")
    with pytest.raises(DataError, match="xgb.skops: a skops file that holds what can't be checked: xgboost.core.Booster"):
        imported.read(str(tmp_path / "xgb.skops"), NAMES)


def test_other_files_are_no_models(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"\x89HDF")
    with pytest.raises(DataError, match="x.h5: is no model that is known: expected XGBoost's JSON or UBJ, LightGBM's text, a skops file or an"):
        imported.read(str(tmp_path / "x.h5"), NAMES)
    with pytest.raises(DataError, match="gone.json: No such file"):
        imported.read(str(tmp_path / "gone.json"), NAMES)
    (tmp_path / "deep.json").write_text('{"a":' + "[" * 100_000)
    with pytest.raises(DataError, match="deep.json: is nested too deeply"):
        imported.read(str(tmp_path / "deep.json"), NAMES)


def test_where_the_trainer_is_not_installed_its_scores_are_left_out(files, monkeypatch):
    monkeypatch.setattr(imported.importlib.util, "find_spec", lambda name: None)
    model = imported.read(str(files["two.json"][0]), NAMES)
    assert model.scores is None and model.checked_against == ""


def test_a_trainer_that_crashes_or_refuses_takes_nobody_along(files, tmp_path):
    with pytest.raises(ValueError, match="xgboost refuses it: .*Error"):
        in_its_own_process("xgboost", {"model": b"{}"}, "0")(np.zeros((1, 3), np.float32))
    broken = tmp_path / "xgboost.py"
    broken.write_text("import os; os.abort()")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(tmp_path), *sys.path])
        with pytest.raises(DataError, match=r"two.json: xgboost crashed on it \(signal 6\)"):
            imported.read(str(files["two.json"][0]), NAMES)


@pytest.mark.parametrize("name", ["two.json", "two.ubj", "three.txt"])
def test_damaged_files_are_refused_or_read_and_nothing_else(files, tmp_path, monkeypatch, name):
    monkeypatch.setattr(imported, "_compare", lambda *_: (None, ""))
    content = files[name][0].read_bytes()
    random = np.random.default_rng(11)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), random.integers(1, 4)):
            damaged[at : at + 1] = random.choice([b"9", b"-", b"", b"77777777", b"null", b"\x80"])
        (tmp_path / "x").write_bytes(damaged)
        try:
            imported.read(str(tmp_path / "x"), NAMES)
        except DataError:
            refused += 1
    assert refused > 5


def test_the_tool_says_what_it_found(files):
    arguments = {"file": str(files["two.ubj"][0]), "features": NAMES, "classes": ["background", "signal"], "targets": []}
    facts, data = import_model_tool.start({}).run(arguments, {})
    assert facts["origin"] == "XGBoost binary:logistic" and facts["task"] == "classification" and facts["missing"] == "keep"
    assert facts["backend"] == "native" and facts["classes"] == ["background", "signal"] and facts["members"] == ["arrays.safetensors", "model.json"]
    assert facts["versions"] == {"xgboost": xgboost.__version__} and facts["checked_against"] == f"xgboost {xgboost.__version__}"
    assert data["scores"].shape == (len(data["x"]), 1) and data["x"].dtype == np.float32
    assert json.loads(data["model.json"].tobytes())["link"] == "logistic"


@pytest.mark.parametrize(
    "content, value",
    [
        (b"{i\x01ai\x05i\x01bS i\x02hi}".replace(b" ", b""), {"a": 5, "b": "hi"}),
        (b"[TFZ]", [True, False, None]),
        (b"[$l#i\x02" + struct.pack(">ii", 7, -8), [7, -8]),
        (b"[#i\x02i\x01U\xff", [1, 255]),
        (b"{#i\x01i\x01xD" + struct.pack(">d", 0.5), {"x": 0.5}),
    ],
)
def test_universal_binary_json(content, value):
    found = ubjson.loads(content)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == value


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "it ends at byte 0"),
        (b"\x07", "the byte 0x07 at 0 begins nothing"),
        (b"[$l#l\x7f\xff\xff\xff", "it ends at byte 9"),
        (b"[$l]", "no count"),
        (b"[#i\xff", "no count"),
        (b"{i\x01aTi\x01aT}", "the key 'a' twice"),
        (b"[" * 100, "nested too deeply"),
        (b"TT", "1 bytes follow its end"),
    ],
)
def test_damaged_binary_json_is_refused(content, problem):
    with pytest.raises(ValueError, match=problem):
        ubjson.loads(content)
