"""Which bins a column of numbers gets, so that its histogram shows what most events do."""

from __future__ import annotations

from typing import Any, NamedTuple

import hist
import numpy as np

MOST_BINS = 40
SAMPLE = 50_000  # values that a range is taken from: quantiles of more would look the same
FEW_VALUES, GAP = 20, 0.25  # a mark is told by a gap of that share of the others' range; where there are few values all have gaps
TAIL = 0.005  # share of events beyond each end that a long tail may leave outside


class Binning(NamedTuple):
    """Bins of one column.

    Attributes
    ----------
    axis : hist.axis.Regular
    mark : float or None
        A value far from all others, such as the -999 of "not measured": outside the range, and said beside the histogram.
    """

    axis: hist.axis.Regular
    mark: float | None = None


def regular(low: float, high: float, label: str, bins: int) -> hist.axis.Regular:
    """Equal bins; the highest value is inside the last one."""
    return hist.axis.Regular(bins, float(low), float(high) + 1e-9 * (float(high) - float(low)), name="x", label=label)


def binning_of(values: np.ndarray, label: str) -> Binning:
    """Bins for a column: whole numbers get a bin each, long tails end in the overflow, a far mark such as -999 is left out.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN and infinities are passed over.
    """
    step = max(1, len(values) // SAMPLE)
    seen = np.asarray(values[::step], np.float64)
    seen = np.sort(seen[np.isfinite(seen)])
    if len(seen) == 0:
        return Binning(regular(0, 1, label, 10))
    seen, mark = _without_mark(seen)
    low, high = seen[0], seen[-1]
    if low == high:
        half = 0.5 if abs(low) < 1e6 else abs(low) * 1e-3
        return Binning(regular(low - half, low + half, label, 11), mark)
    if high - low <= 30 and np.array_equal(seen, np.round(seen)):
        return Binning(regular(low - 0.5, high + 0.5, label, int(high - low) + 1), mark)
    return Binning(regular(*_core(seen), label, bins_for(len(values))), mark)


def bins_for(events: int) -> int:
    """2 n^(1/3) bins (Rice's rule), at least 15."""
    return int(np.clip(2 * np.cbrt(events), 15, MOST_BINS))


def _core(seen: np.ndarray) -> tuple[float, float]:
    """The range without long tails; an end that is close stays where it is."""
    low, high = np.quantile(seen, [TAIL, 1 - TAIL])
    width = high - low
    if width == 0:
        return float(seen[0]), float(seen[-1])
    near = 0.15 * width
    return (
        float(seen[0] if low - seen[0] <= near else low),
        float(seen[-1] if seen[-1] - high <= near else high),
    )


def _without_mark(seen: np.ndarray) -> tuple[np.ndarray, float | None]:
    """Sorted values without an end value of many events that lies far off from all others."""
    for end in (0, -1):
        others = seen[seen != seen[end]]
        if len(seen) - len(others) < max(2, 1e-3 * len(seen)) or len(np.unique(others)) < FEW_VALUES:
            continue
        low, high = np.quantile(others, [TAIL, 1 - TAIL])
        if np.abs(others - seen[end]).min() > GAP * (high - low):
            return others, float(seen[end])
    return seen, None


def score_axis(scores: np.ndarray, label: str) -> hist.axis.Regular:
    """Bins of scores: from 0 to 1 where they look like probabilities."""
    finite = scores[np.isfinite(scores)]
    if len(finite) and finite.min() >= 0 and finite.max() <= 1 and finite.max() - finite.min() > 0.2:
        return regular(0, 1, label, bins_for(len(finite)))
    return binning_of(scores, label).axis


def filled(axis: hist.axis.Regular, values: np.ndarray, weights: np.ndarray) -> hist.Hist:
    """A histogram of sums of weights and of their squares; NaN is left out, what is outside is in the flow bins."""
    histogram = hist.Hist(axis, storage=hist.storage.Weight())
    known = ~np.isnan(values)
    if known.all():
        return histogram.fill(values, weight=weights)
    return histogram.fill(values[known], weight=weights[known])


def facts_of(values: np.ndarray, axis: hist.axis.Regular, mark: float | None) -> dict[str, Any]:
    """What the histogram does not show: shares of the events (not of their weights) that are missing, marked or outside."""
    count = max(1, len(values))
    missing = np.isnan(values)
    marked = values == mark if mark is not None else np.zeros(len(values), bool)
    outside = ~missing & ~marked & ((values < axis.edges[0]) | (values >= axis.edges[-1]))
    return {
        "missing": float(missing.sum() / count),
        "mark": mark,
        "marked": float(marked.sum() / count),
        "outside": float(outside.sum() / count),
    }
