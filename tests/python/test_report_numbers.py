"""The numbers that a report draws: bins, curves, and the summary of the events."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from ophion.errors import DataError
from ophion.metrics.roc import Ranking
from ophion.report import curves, storage
from ophion.report.binning import binning_of, facts_of, filled
from ophion.report.summarise import Summary

CLASSES = ["background", "signal"]


def two_gaussians(rng, count, distance):
    labels = rng.integers(0, 2, count)
    return rng.normal(size=count) + distance * labels, labels


@pytest.mark.parametrize("missing", [-999.0, 1e6])
def test_a_far_value_of_many_events_is_a_mark_outside_the_range(rng, missing):
    values = np.where(rng.random(5000) < 0.3, missing, rng.normal(50, 10, 5000))
    axis, mark = binning_of(values, "mass")
    assert mark == missing
    assert 0 < axis.edges[0] < 50 < axis.edges[-1] < 100
    assert facts_of(values, axis, mark)["marked"] == pytest.approx(0.3, abs=0.03)


def test_a_few_whole_numbers_get_a_bin_each_and_none_of_them_is_a_mark():
    axis, mark = binning_of(np.repeat([0.0, 1.0, 2.0, 9.0], 50), "jets")
    assert mark is None
    assert axis.size == 10
    assert filled(axis, np.array([9.0, 0.0]), np.ones(2)).values().tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_long_tail_ends_in_the_overflow_and_a_sharp_edge_stays(rng):
    axis, _ = binning_of(25 + rng.standard_exponential(20_000) ** 3, "pt")
    assert axis.edges[0] == pytest.approx(25, abs=0.01)
    assert axis.edges[-1] < 300  # the largest value is near 1000; 0.5 % of e^(-x) are beyond x = 5.3, 149


def test_the_highest_and_the_lowest_value_are_inside_the_range():
    values = np.linspace(0, 1, 1001)
    histogram = filled(binning_of(values, "x").axis, values, np.ones(1001))
    assert histogram.sum().value == 1001


@pytest.mark.parametrize("value", [0.0, 3.0, -2e7])
def test_a_constant_has_a_range_around_it(value):
    axis, mark = binning_of(np.full(10, value), "x")
    assert axis.edges[0] < value < axis.edges[-1]
    assert mark is None


def test_what_is_nan_or_infinite_everywhere_has_bins_and_says_so():
    axis, mark = binning_of(np.array([np.nan, np.inf]), "x")
    assert facts_of(np.full(4, np.nan), axis, mark)["missing"] == 1.0


def test_correlations_are_numpys_where_weights_are_positive(rng):
    x, weights = rng.normal(size=(500, 3)), rng.exponential(size=500)
    x[:, 2] += x[:, 0]
    covariance = np.cov(x.T, aweights=weights, ddof=0)
    expected = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert curves.correlations(x, weights) == pytest.approx(expected, abs=1e-10)


def test_correlations_of_far_values_keep_their_digits(rng):
    x = rng.normal(size=(500, 2))
    assert curves.correlations(x + 1e7, np.ones(500)) == pytest.approx(np.corrcoef(x.T), abs=1e-6)


def test_correlations_leave_out_missing_values_and_have_none_for_a_constant(rng):
    x = rng.normal(size=(400, 3))
    x[:100, 1] = np.nan
    x[:, 2] = 7
    found = curves.correlations(x, np.ones(400))
    assert found[0, 1] == pytest.approx(np.corrcoef(x[100:, 0], x[100:, 1])[0, 1], abs=1e-10)
    assert np.isnan(found[2]).all()


def test_the_roc_curve_of_two_gaussians_lies_in_its_band(rng):
    scores, labels = two_gaussians(rng, 20_000, 1.5)
    curve = curves.roc(Ranking(scores, labels == 1, np.ones(20_000)))
    background = np.array(curve["background"])[1:-1]
    truth = norm.sf(norm.isf(background) - 1.5)
    signal, low, high = (np.array(curve[key])[1:-1] for key in ("signal", "low", "high"))
    assert (np.abs(signal - truth) < 4 * np.maximum(high - signal, signal - low) + 1e-3).all()


def test_the_bands_width_is_that_of_pepes_formula(rng):
    scores, labels = two_gaussians(rng, 40_000, 1.0)
    curve = curves.roc(Ranking(scores, labels == 1, np.ones(40_000)))
    at = curve["background"].index(0.3)
    cut = norm.isf(0.3)
    e, slope = norm.sf(cut - 1), norm.pdf(cut - 1) / norm.pdf(cut)
    expected = np.sqrt(e * (1 - e) / (labels == 1).sum() + slope**2 * 0.3 * 0.7 / (labels == 0).sum())
    assert (curve["high"][at] - curve["low"][at]) / 2 == pytest.approx(expected, rel=0.2)


def test_a_roc_curve_of_one_class_is_empty():
    ranking = Ranking(np.array([0.1, 0.2]), np.array([True, True]), np.ones(2))
    assert curves.roc(ranking) == {"background": [], "signal": [], "low": [], "high": []}


def test_a_cut_lets_equal_scores_pass():
    ranking = Ranking(np.array([0.2, 0.5, 0.5, 0.8]), np.array([False, False, True, True]), np.array([1.0, 3.0, 1.0, 1.0]))
    scan = curves.cut_scan(ranking, 0.0, 1.0)
    at = dict(zip(np.round(scan["cut"], 6), zip(scan["signal"], scan["background"])))
    assert at[0.0] == (1, 1)
    assert at[0.5] == (1, 0.75)
    assert at[0.505] == (0.5, 0)
    assert at[1.0] == (0, 0)
    assert not any(scan["enough"])  # of four events there is no significance


def test_scores_that_are_probabilities_are_calibrated(rng):
    scores = rng.random(20_000)
    found = curves.calibration(scores, rng.random(20_000) < scores, np.ones(20_000))
    score, share, error = (np.array(found[key]) for key in ("score", "share", "error"))
    assert len(score) == 15
    assert (np.abs(share - score) < 4 * error).all()


def test_calibration_has_no_point_where_weights_are_negative_in_sum():
    scores = np.repeat([0.1, 0.9], 10)
    found = curves.calibration(scores, scores > 0.5, np.where(scores > 0.5, 1.0, -1.0))
    assert found == {"score": [pytest.approx(0.9)], "share": [1.0], "error": [0.0]}


def test_a_profile_is_the_weighted_mean_with_its_error():
    at, values = np.repeat([0.5, 1.5, 9.0], 5), np.array([1.0, 2, 3, 4, 5] * 3)
    found = curves.profile(np.array([0.0, 1.0, 2.0]), at, values, np.array([1.0] * 5 + [0, 0, 0, 0, 2.0] + [1.0] * 5))
    assert found["mean"] == pytest.approx([3, 5])
    assert found["error"] == pytest.approx([np.sqrt(2 / 5), 0])


def test_the_divergence_is_none_of_equal_shapes_one_of_apart_ones_and_known_between():
    assert curves.divergence(np.array([1.0, 3.0]), np.array([10.0, 30.0])) == pytest.approx(0)
    assert curves.divergence(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(1)
    assert curves.divergence(np.array([3.0, 1.0]), np.array([1.0, 3.0])) == pytest.approx(0.75 * np.log2(1.5) - 0.25)
    assert curves.divergence(np.array([0.0, -1.0]), np.array([1.0, 1.0])) is None


def test_the_response_of_a_biased_prediction_is_its_bias(rng):
    truth = rng.uniform(0, 10, 6000)
    found = curves.response(truth, truth + 2 + rng.normal(0, 0.5, 6000), np.ones(6000), 0, 10)
    assert found["mean"] == pytest.approx([2.0] * 12, abs=0.15)
    assert found["half_width"] == pytest.approx([0.5] * 12, rel=0.25)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def summary_of(data, **arguments):
    features = [{"name": "x"}, {"name": "y", "unit": "GeV"}]
    summary = Summary({"task": "classification", "classes": CLASSES, "features": features} | arguments)
    for part, columns in data.items():
        summary.add(part, columns)
    return summary


def part_of(rng, count=300, **more):
    labels = rng.integers(0, 2, count).astype(np.int32)
    x = rng.normal(size=(count, 2)).astype(np.float32)
    score = rng.random(count).astype(np.float32)
    return {"features": x, "weights": rng.normal(1, 1, count), "labels": labels, "scores:mlp": score} | more


def test_every_histogram_holds_all_weights_of_its_class(rng):
    data = part_of(rng, **{"spectator:mass": rng.normal(size=300)})
    summary = summary_of({"test": data})
    for name, number in (("background", 0), ("signal", 1)):
        expected = data["weights"][data["labels"] == number].sum()
        for feature in summary.facts["inputs"][0]["features"]:
            assert summary.histograms[feature["histograms"][name]].sum(flow=True).value == pytest.approx(expected)
        for histograms in (
            summary.facts["scores"]["test"]["mlp"]["outputs"]["signal"]["histograms"],
            summary.facts["spectators"]["test"]["mass"]["histograms"],
        ):
            assert summary.histograms[histograms[name]].sum(flow=True).value == pytest.approx(expected)
        squares = (data["weights"][data["labels"] == number] ** 2).sum()
        key = summary.facts["inputs"][0]["features"][0]["histograms"][name]
        assert summary.histograms[key].sum(flow=True).variance == pytest.approx(squares)
        counts = summary.facts["parts"]["test"][name]
        assert counts["weight"] == pytest.approx(expected)
        assert counts["events"] == (data["labels"] == number).sum()
        assert counts["negative"] == ((data["labels"] == number) & (data["weights"] < 0)).sum()


def test_parts_share_the_bins_of_the_first(rng):
    summary = summary_of({"train": part_of(rng), "test": part_of(rng, **{"scores:mlp": np.full(300, 0.5, np.float32)})})
    keys = [summary.facts["scores"][part]["mlp"]["outputs"]["signal"]["histograms"]["signal"] for part in ("train", "test")]
    assert keys == ["scores/train/mlp/signal/signal", "scores/test/mlp/signal/signal"]
    assert summary.histograms[keys[0]].axes[0] == summary.histograms[keys[1]].axes[0]


def test_events_without_a_score_are_counted_and_left_out(rng):
    scores = rng.random(300).astype(np.float32)
    scores[:7] = np.nan
    summary = summary_of({"test": part_of(rng, **{"scores:mlp": scores})})
    assert summary.facts["scores"]["test"]["mlp"]["unscored"] == 7


@pytest.mark.parametrize("count", [300, 7500, 30_000])  # 15, 39 and 40 bins
def test_a_spectators_profile_covers_all_of_its_bins(rng, count):
    summary = summary_of({"test": part_of(rng, count, **{"spectator:mass": rng.uniform(size=count)})})
    found = summary.facts["spectators"]["test"]["mass"]
    bins = summary.histograms[found["histograms"]["signal"]].axes[0].edges
    assert [found["edges"][0], found["edges"][-1]] == [bins[0], bins[-1]]
    assert len(found["methods"]["mlp"]["profiles"]["signal"]["mean"]) == len(found["edges"]) - 1


def test_a_score_that_follows_a_spectator_sculpts_it_and_another_does_not(rng):
    mass, noise = rng.random(4000), rng.random(4000).astype(np.float32)
    data = part_of(rng, 4000, weights=np.ones(4000))
    data |= {"spectator:mass": mass, "scores:mlp": mass.astype(np.float32), "scores:fair": noise}
    methods = summary_of({"test": data}).facts["spectators"]["test"]["mass"]["methods"]
    assert methods["mlp"]["divergence"]["0.5"] > 0.95
    assert methods["fair"]["divergence"]["0.5"] < 0.02
    profile = [value for value in methods["mlp"]["profiles"]["background"]["mean"] if value is not None]
    assert profile == sorted(profile)


def test_methods_with_equal_transforms_share_a_group(rng):
    data = part_of(rng)
    changed = data["features"] * 2
    data |= {"transformed:mlp": changed, "transformed:tree": changed.copy(), "transformed:other": changed + 1}
    groups = summary_of({"train": data}, transformed={"mlp": ["a", "b"]}).facts["inputs"]
    assert [group["methods"] for group in groups] == [None, ["mlp", "tree"], ["other"]]
    assert [feature["name"] for feature in groups[1]["features"]] == ["a", "b"]


def test_a_wrong_number_of_scores_is_told_by_part_and_name(rng):
    text = r"part 'test': expected 300 events of 1 columns in 'scores:mlp', found an array of shape \(299,\)"
    with pytest.raises(DataError, match=text):
        summary_of({"test": part_of(rng, **{"scores:mlp": np.zeros(299, np.float32)})})


def test_a_part_is_summarised_once(rng):
    with pytest.raises(DataError, match="part 'test' was summarised before"):
        summary = summary_of({"test": part_of(rng)})
        summary.add("test", part_of(rng))


def test_what_is_kept_is_read_again_bit_for_bit(rng, tmp_path):
    summary = summary_of({"test": part_of(rng)}, features=[{"name": "a/b;1"}, {"name": "a_b;1"}])
    storage.save(tmp_path, summary.facts, summary.histograms)
    facts, histograms = storage.load(tmp_path)
    assert facts == {"format": storage.FORMAT, **json.loads(json.dumps(summary.facts))}
    assert set(histograms) == set(summary.histograms)
    assert {"inputs/a_b_1/signal", "inputs/a_b_1/signal_2"} <= set(histograms)
    for key, histogram in summary.histograms.items():
        assert np.array_equal(histogram.view(flow=True), histograms[key].view(flow=True))
        assert np.array_equal(histogram.axes[0].edges, histograms[key].axes[0].edges)


def test_a_folder_without_a_summary_is_told(tmp_path):
    with pytest.raises(DataError, match=r"summary.json: is missing: a report is drawn from it"):
        storage.load(tmp_path)
    (tmp_path / "summary.json").write_text('{"format": 99}')
    with pytest.raises(DataError, match=r"summary.json: expected format 1, found 99"):
        storage.load(tmp_path)
    (tmp_path / "summary.json").write_text('{"format": 1}')
    (tmp_path / "histograms.root").write_text("no ROOT file")
    with pytest.raises(DataError, match=r"histograms.root: cannot be read"):
        storage.load(tmp_path)


def test_a_history_ends_before_a_half_line(tmp_path):
    path = tmp_path / "mlp.jsonl"
    path.write_text('{"epoch":1,"loss":0.5}\n{"epoch":2,"lo')
    assert storage.read_history(path) == [{"epoch": 1, "loss": 0.5}]
    assert storage.read_history(tmp_path / "none.jsonl") == []
