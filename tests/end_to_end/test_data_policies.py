"""What reaches a method: weights, missing values, transforms, expressions, parts. A script keeps what it is given."""

import io
import zipfile

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from support import SCRIPTS, by_label, columns_of, config, line, part, two_gaussians, write_parquet


def remember(name="given", **more):
    return {"name": name, "type": "script", "script": str(SCRIPTS / "remember.py"), **more}


def given(run, name="given"):
    """What the script of that name was given."""
    with zipfile.ZipFile(run.model(name)) as archive:
        (member,) = (one for one in archive.namelist() if one.endswith("given.npz"))
        with np.load(io.BytesIO(archive.read(member))) as arrays:
            return dict(arrays)


def rows_of(run, events, name):
    """The raw events of a part, in the order of the run."""
    entry = part(run.scores, name)["entry"].astype(np.int64)
    return {key: values[entry] for key, values in events.items()}


@pytest.fixture(scope="module")
def holed(module_place):
    """Events of which each tenth lacks x1, and one has an infinite x2."""
    events = two_gaussians(400, seed=6)
    events["x1"][::10] = np.nan
    events["x2"][3] = np.inf
    return write_parquet(module_place / "holed.parquet", events), events


# --- Missing values -------------------------------------------------------------------------------


def test_missing_values_are_an_error_that_counts_them(place, holed):
    file, events = holed
    text = place.refused(config(by_label(file), [line()]))
    count = (np.isnan(events["x1"]) & (events["label"] == 1)).sum()
    assert "holed.parquet" in text and "'x1' is not finite" in text and f" in {count} of " in text and "at entry" in text


def test_dropped_events_are_counted_and_score_nan_at_predict(place, holed):
    file, events = holed
    run = place.train(config(by_label(file), [line()], missing="drop", spectators=["event"]))
    bad = ~np.isfinite(events["x1"]) | ~np.isfinite(events["x2"])
    assert sum(sample["dropped_missing"] for sample in run.metrics["data"]["samples"]) == bad.sum()
    assert sorted(run.scores["entry"]) == list(np.flatnonzero(~bad))
    scores = place.predict(run.model("line"), file, output="scores.parquet")
    assert np.array_equal(np.isnan(scores["score"]), bad), "the rows are kept, in their place"
    assert np.array_equal(scores["event"], events["event"])


def test_imputed_values_are_the_medians_of_the_training_part(place, holed):
    file, events = holed
    run = place.train(config(by_label(file), [remember(), line()], missing="impute"))
    raw = rows_of(run, events, "train")
    x = np.column_stack([raw["x0"], raw["x1"], raw["x2"]])
    x[~np.isfinite(x)] = np.nan
    expected = np.where(np.isnan(x), np.nanmedian(x, axis=0), x).astype(np.float32)
    assert np.isnan(x).any() and np.array_equal(given(run)["x"], expected)
    # The same values stand in at predict: an event without x1 scores as one with the median.
    lacking, filled = two_gaussians(40, seed=7), two_gaussians(40, seed=7)
    lacking["x1"][:] = np.nan
    filled["x1"][:] = np.nanmedian(x, axis=0)[1]
    write_parquet(place / "lacking.parquet", lacking)
    write_parquet(place / "filled.parquet", filled)
    scores = place.predict(run.model("line"), "lacking.parquet", "filled.parquet", output="scores.parquet")
    assert np.array_equal(scores["score"][:40], scores["score"][40:])


def test_kept_values_reach_the_method_as_nan(place, holed):
    file, events = holed
    boosting = {"name": "boosting", "type": "sklearn", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
                "params": {"max_iter": 5}}  # fmt: skip
    samples = [{**sample, "selection": sample["selection"] + " && x2 < 100"} for sample in by_label(file)]
    run = place.train(config(samples, [remember(), boosting], missing="keep"))
    assert np.array_equal(np.isnan(given(run)["x"][:, 1]), np.isnan(rows_of(run, events, "train")["x1"]))
    scores = place.predict(run.model("boosting"), file, output="scores.parquet")
    assert np.isfinite(scores["score"]).all()


def test_a_model_that_takes_no_missing_values_names_the_row(place, holed, events_file):
    file, _ = holed
    run = place.train(config(by_label(events_file), [line()]))
    done = place.run("predict", run.model("line"), file, "--output", "scores.parquet", status=1)
    assert "x1" in done.stderr and "row 0" in done.stderr and "Traceback" not in done.stderr
    assert not (place / "scores.parquet").exists()


# --- Weights --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def negative(module_place):
    events = two_gaussians(400, seed=3)
    events["weight"][::7] *= -1
    return write_parquet(module_place / "negative.parquet", events), events


def test_negative_weights_are_an_error_that_names_the_policies(place, negative):
    text = place.refused(config(by_label(negative[0], weight="weight"), [line()]))
    assert "negative.parquet" in text and "is negative" in text and "zero_in_training" in text


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("keep", lambda w: w), ("abs", np.abs), ("zero_in_training", lambda w: np.maximum(w, 0))],
)
def test_a_policy_changes_the_weights_of_the_loss_but_not_those_of_the_metrics(place, negative, policy, expected):
    file, events = negative
    normalise = {"keep": "none", "abs": "mean_one", "zero_in_training": "equal_class"}[policy]
    weights = {"negative": policy, "normalise": normalise}
    run = place.train(config(by_label(file, weight="2 * weight"), [remember()], weights=weights))
    for name, key in (("train", "w"), ("validation", "validation_w")):
        raw = rows_of(run, events, name)
        w = expected(2 * raw["weight"])
        if normalise == "mean_one":
            w = w / w.mean()
        if normalise == "equal_class":
            for k in (0, 1):
                w[raw["label"] == k] *= len(w) / 2 / w[raw["label"] == k].sum()
        assert given(run)[key] == pytest.approx(w, rel=1e-12)
    assert np.array_equal(run.scores["weight"], 2 * events["weight"][run.scores["entry"].astype(np.int64)])


def test_a_weight_that_is_no_number_is_refused(place):
    events = two_gaussians(100)
    events["weight"][5] = np.nan
    file = write_parquet(place / "events.parquet", events)
    text = place.refused(config(by_label(file, weight="weight"), [line()]))
    assert "weight" in text and "is not finite" in text and "entry 5" in text


# --- Transforms -----------------------------------------------------------------------------------


def test_transforms_are_scikit_learns_to_float32(place, events_file):
    quantile = {"type": "quantile", "n_quantiles": 50}
    methods = [
        remember("plain"),
        remember("standard", transform=["standard"]),
        remember("minmax", transform=[{"type": "minmax", "minimum": -1, "maximum": 3}]),
        remember("uniform", transform=[quantile]),
        remember("chain", transform=[{**quantile, "output": "normal"}, "standard"]),
    ]
    run = place.train(config(by_label(events_file), methods))
    x = {name: values.astype(np.float64) for name, values in (("x", given(run, "plain")["x"]),
                                                             ("validation_x", given(run, "plain")["validation_x"]))}  # fmt: skip
    raw = rows_of(run, columns_of(events_file), "train")
    assert np.array_equal(given(run, "plain")["x"], np.column_stack([raw["x0"], raw["x1"], raw["x2"]]))
    normal = QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=5).fit(x["x"])
    fitted = {
        "standard": StandardScaler().fit(x["x"]).transform,
        "minmax": MinMaxScaler((-1, 3)).fit(x["x"]).transform,
        "uniform": QuantileTransformer(n_quantiles=50, random_state=5).fit(x["x"]).transform,
    }
    after = StandardScaler().fit(normal.transform(x["x"]))
    fitted["chain"] = lambda values: after.transform(normal.transform(values))
    for name, transform in fitted.items():
        for key in ("x", "validation_x"):
            assert np.array_equal(given(run, name)[key], transform(x[key]).astype(np.float32)), (name, key)


# --- Expressions and parts ------------------------------------------------------------------------


def test_expressions_give_what_numpy_gives_in_training_and_in_use(place):
    raw = {**two_gaussians(2000), "number": np.arange(2000)}
    events_file = write_parquet(place / "events.parquet", raw)
    features = [
        {"name": "radius", "expr": "sqrt(x0^2 + pow(x1, 2))"},
        {"name": "larger", "expr": "x1 > x2 ? TMath::Max(x1, 0.5) : fabs(x2)"},
        "x2",
    ]
    x0, x1, x2 = (raw[name].astype(np.float64) for name in ("x0", "x1", "x2"))
    columns = np.column_stack([np.sqrt(x0**2 + x1**2), np.where(x1 > x2, np.maximum(x1, 0.5), abs(x2)), x2]).astype(np.float32)
    selection = "x2 > -1 && !(x1 > 2 || number % 10 == 3)"
    chosen = (raw["x2"] > -1) & ~((raw["x1"] > 2) | (raw["number"] % 10 == 3))
    samples = [{**one, "selection": f"({one['selection']}) && {selection}"} for one in by_label(events_file)]
    split = {"by": "number % 5", "validation": [3], "test": [0, 4]}
    run = place.train(config(samples, [remember(), line()], features=features, split=split, spectators=["number"]))
    assert sorted(run.scores["entry"]) == list(np.flatnonzero(chosen))
    expected = {3: 1, 0: 2, 4: 2}
    assert all(expected.get(number % 5, 0) == found for number, found in zip(run.scores["number"], run.scores["part"]))
    train = part(run.scores, "train")["entry"].astype(np.int64)
    assert given(run)["x"] == pytest.approx(columns[train], rel=1e-6)

    # In use: from the raw columns of the file, and from a file that holds the features themselves.
    at = run.scores["entry"].astype(np.int64)
    scores = place.predict(run.model("line"), events_file, output="raw.parquet")["score"]
    assert np.array_equal(scores[at], run.scores["line_score"])
    ready = dict(zip(("radius", "larger", "x2"), columns.T))
    write_parquet(place / "features.parquet", {name: np.ascontiguousarray(values) for name, values in ready.items()})
    assert np.array_equal(place.predict(run.model("line"), "features.parquet", output="ready.parquet")["score"], scores)


def test_wrong_columns_and_selections_name_file_and_nearest(place, events_file):
    text = place.refused(config(by_label(events_file), [line()], features=["x0", "x_1"]))
    assert "events.parquet" in text and "x_1" in text and "x1" in text.replace("x_1", "")
    samples = by_label(events_file)
    samples[0]["selection"] = "label == 1 && x0 > 1000"
    text = place.refused(config(samples, [line()]))
    assert "none of 2000 events is left after selection 'label == 1 && x0 > 1000'" in text
    text = place.refused(config(by_label(place / "no*.parquet"), [line()]))
    assert "no*.parquet" in text
    assert not (place / "runs").exists(), "no run folder for data that can't be used"


def test_globs_read_every_file_and_split_differently_in_each(place):
    for number in range(3):
        write_parquet(place / f"part_{number}.parquet", two_gaussians(200, seed=number))
    run = place.train(config(by_label("part_?.parquet"), [line()]))
    assert [sample["read"] for sample in run.metrics["data"]["samples"]] == [600, 600]
    assert len(run.metrics["data"]["samples"][0]["files"]) == 3
