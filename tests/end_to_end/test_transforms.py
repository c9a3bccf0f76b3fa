"""A long chain of transforms, each on features of its own, from the config to scores by every way there is."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, QuantileTransformer, RobustScaler
from support import SCRIPTS, assert_plain, by_label, config, network, part, tree, write_parquet
from test_data_policies import given, rows_of
from test_without_python import scores_of_header

FEATURES = ["pt", "eta", "njet", "phi", "a", "b"]
CHAIN = [
    {"type": "log", "features": ["pt"], "offset": 1},
    {"type": "onehot", "features": ["njet"]},
    {"type": "decorrelate", "features": ["pt", "eta"], "class": "signal"},
    {"type": "robust", "features": ["phi"], "lower": 0.1, "upper": 0.9},
    {"type": "clip", "features": ["phi"], "minimum": -0.4, "upper": 0.95},
    {"type": "pca", "features": ["b", "a"], "n_components": 1},
]
NAMES = ["pt", "eta", "phi", "njet=0", "njet=1", "njet=2", "njet=4", "pca_0"]
LOGISTIC = {"type": "sklearn", "estimator": "sklearn.linear_model.LogisticRegression"}


def made_up(n, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    eta = rng.normal(0, 2, n)
    a = rng.normal(size=n)
    columns = {
        "pt": rng.lognormal(3 + 0.5 * label, 0.4 + 0.02 * np.abs(eta)),
        "eta": eta,
        "njet": rng.choice([0, 1, 2, 4], n, p=[0.4, 0.3, 0.2, 0.1]),
        "phi": rng.uniform(-3, 3, n) + label,
        "a": a,
        "b": 2 * a + rng.normal(size=n) + label,
    }
    return {name: column.astype(np.float32) for name, column in columns.items()} | {"label": label}


def matrix(events):
    return np.column_stack([events[name] for name in FEATURES])


def plain(rows, signal):
    """The same by scikit-learn alone, in float64."""
    logarithm = np.column_stack([np.log(rows[signal, 0] + 1), rows[signal, 1]])
    mean, root = logarithm.mean(axis=0), np.linalg.inv(np.real(sqrtm(np.cov(logarithm, rowvar=False))))
    pair = FunctionTransformer(lambda x: (np.column_stack([np.log(x[:, 0] + 1), x[:, 1]]) - mean) @ root)
    robust = RobustScaler(quantile_range=(10, 90)).fit(rows[:, [3]])
    clip = FunctionTransformer(lambda x, high=np.quantile(robust.transform(rows[:, [3]]), 0.95): np.clip(x, -0.4, high))
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [("pair", pair, [0, 1]), ("phi", make_pipeline(robust, clip), [3]), ("njet", encoder, [2]), ("pca", PCA(1), [5, 4])]
    return ColumnTransformer(steps).fit(rows)


@pytest.fixture(scope="module")
def done(module_place):
    events = made_up(1500, seed=3)
    file = write_parquet(module_place / "events.parquet", events)
    methods = [
        {"name": "given", "type": "script", "script": str(SCRIPTS / "remember.py"), "transform": CHAIN},
        {"name": "logistic", **LOGISTIC, "transform": [*CHAIN, "gauss"]},
        tree("tree") | {"transform": CHAIN},
        network("net", epochs=2) | {"transform": CHAIN, "export": ["onnx"]},
    ]
    samples = by_label(file)
    run = module_place.train(config(samples, methods, features=FEATURES, weights={"normalise": "none"}))
    train = rows_of(run, events, "train")
    rows, signal = matrix(train).astype(np.float64), part(run.scores, "train")["label"] == 1
    return SimpleNamespace(run=run, events=events, rows=rows, signal=signal, expected=plain(rows, signal), others=made_up(300, seed=4))


def test_a_method_sees_what_scikit_learn_makes_of_the_training_part(done):
    seen = given(done.run)["x"]
    assert seen.dtype == np.float32 and seen.shape[1] == len(NAMES)
    np.testing.assert_allclose(seen, done.expected.transform(done.rows), rtol=2e-7, atol=1e-9)
    validation = matrix(rows_of(done.run, done.events, "validation")).astype(np.float64)
    np.testing.assert_allclose(given(done.run)["validation_x"], done.expected.transform(validation), rtol=2e-7, atol=1e-9)


def test_the_model_file_says_what_the_columns_are(module_place, done):
    manifest = json.loads(module_place.run("inspect", done.run.model("tree"), "--json").stdout)
    assert [feature["name"] for feature in manifest["features"]] == FEATURES
    assert [step["type"] for step in manifest["transforms"]] == [step["type"] for step in CHAIN]
    assert [step.get("names") for step in manifest["transforms"]] == [None, NAMES[3:7], None, None, None, NAMES[7:]]
    shown = module_place.run("inspect", done.run.model("tree")).stdout
    hot = ", ".join(NAMES[3:7])
    chain = f"log (pt); onehot (njet: {hot}); decorrelate (pt, eta); robust (phi); clip (phi); pca (b, a: pca_0)"
    assert f"transforms  {chain}\n" in shown
    assert f"transforms  {chain}; quantile\n" in module_place.run("inspect", done.run.model("logistic")).stdout


def test_a_loaded_model_scores_as_a_pipeline_of_scikit_learn(module_place, done):
    gauss = QuantileTransformer(n_quantiles=min(1000, len(done.rows)), output_distribution="normal", random_state=5)
    pipeline = make_pipeline(done.expected, gauss, FunctionTransformer(lambda x: x.astype(np.float32)), LogisticRegression())
    pipeline.fit(done.rows, done.signal)
    rows = matrix(done.others)
    rows[0, 2], rows[1, 2] = 3, 0.5  # no categories
    scores = module_place.program.score(done.run.model("logistic"), rows, module_place.path, "--trust")
    np.testing.assert_allclose(scores, pipeline.predict_proba(rows.astype(np.float64))[:, 1], atol=1e-5)


def test_forms_without_python_score_as_with_it(module_place, done):
    rows, model = matrix(done.others), done.run.model("net")
    expected = module_place.program.score(model, rows, module_place.path, "--trust", "python")
    for form in ("native", "onnx"):
        found = module_place.program.score(model, rows, module_place.path, form)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=form)


@pytest.mark.parametrize("method", ["tree", "net"])
def test_a_header_of_plain_cpp_transforms_too(module_place, done, method):
    rows, model = matrix(done.others), done.run.model(method)
    module_place.run("export", model, "--cpp", f"{method}.h")
    expected = module_place.program.score(model, rows, module_place.path, "native")
    rows[0, 0] = -2
    found = scores_of_header(module_place, module_place / f"{method}.h", method, rows)[:, 0]
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-5, atol=1e-6)
    assert np.isnan(found[0]), "ln(-2 + 1), where an event that lacks a number is an error"


def test_an_event_without_a_logarithm_is_named(module_place, done):
    events = {name: column.copy() for name, column in done.others.items()}
    events["pt"][7] = -2
    file = write_parquet(module_place / "bad.parquet", events)
    refused = module_place.run("predict", done.run.model("tree"), file, "--output", "never.parquet", status=1)
    assert_plain(refused)
    assert "row 7, feature 'pt': the transform 'log' has no result for -2" in refused.stderr


def test_workers_see_the_same_columns(module_place, done):
    rows = write_parquet(module_place / "others.parquet", done.others)
    here, there = (
        module_place.predict(done.run.model("given"), rows, "--isolation", isolation, output=f"{isolation}.parquet")["score"]
        for isolation in ("none", "process")
    )
    np.testing.assert_array_equal(here, there)
    np.testing.assert_allclose(here, done.expected.transform(matrix(done.others).astype(np.float64))[:, 0], rtol=2e-7, atol=1e-9)


def test_a_feature_that_is_not_there_is_refused_before_anything_is_read(place):
    method = tree() | {"transform": [*CHAIN[:2], {"type": "standard", "features": ["njet"]}]}
    text = place.refused(config(by_label("nowhere.parquet"), [method], features=FEATURES), verb="validate", status=2)
    assert "train.json /methods/0/transform/2/features/0: there is no feature 'njet' at that point" in text


def test_what_the_events_forbid_names_transform_and_feature(module_place, done):
    method = tree() | {"transform": [{"type": "onehot", "features": ["phi"]}]}
    text = module_place.refused(config(by_label(module_place / "events.parquet"), [method], features=FEATURES), name="refused.json")
    assert "transform 'onehot': feature 'phi' is " in text and "it takes whole numbers" in text
