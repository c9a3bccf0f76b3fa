"""Whether two samples of scores have one distribution: the Kolmogorov-Smirnov test with weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from ophion.metrics.weighted import distribution, effective_count


class Sample(NamedTuple):
    """A sample's distribution function, all that the test needs of it.

    Attributes
    ----------
    values, below : ndarray of float64
        Distinct values, rising, and the share of the weights at or below each.
    effective_events : float
    """

    values: np.ndarray
    below: np.ndarray
    effective_events: float


def sample(values: np.ndarray, weights: np.ndarray) -> Sample | None:
    """None where the weights sum to zero."""
    if weights.sum() == 0:
        return None
    return Sample(*distribution(values, weights), effective_count(weights))


def kolmogorov_smirnov(one: Sample | None, other: Sample | None) -> dict[str, float | None]:
    """The largest distance of two distribution functions, and how often chance gives at least that.

    With effective counts n = (Σw)² / Σw² and m for numbers of events (as ROOT's TH1::KolmogorovTest), e = sqrt(n m / (n + m)),
    the p-value is Kolmogorov's Q((e + 0.12 + 0.11 / e) distance) (M. A. Stephens, J. R. Stat. Soc. B 32 (1970) 115). With
    weights it is an approximation; with negative ones, whose distribution functions may fall, a rough one.

    Returns
    -------
    dict
        {"distance", "p_value", "effective_events": [one's, other's]}
    """
    if one is None or other is None:
        return {"distance": None, "p_value": None, "effective_events": None}
    at = np.concatenate([one.values, other.values])
    functions = [np.r_[0.0, s.below][np.searchsorted(s.values, at, side="right")] for s in (one, other)]
    distance = float(np.abs(functions[0] - functions[1]).max())
    n, m = one.effective_events, other.effective_events
    e = np.sqrt(n * m / (n + m))
    p_value = float(special.kolmogorov((e + 0.12 + 0.11 / e) * distance))
    return {"distance": distance, "p_value": p_value, "effective_events": [n, m]}
