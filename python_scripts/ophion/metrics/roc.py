"""The ROC curve: its area, the points on it that people quote, and the errors of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ophion.metrics.weighted import effective_count, group_starts

BACKGROUND_EFFICIENCIES = (0.01, 0.1, 0.3)  # TMVA's working points
# 0.3: the usual number of jet taggers (Kasieczka et al., arXiv:1902.09914); 0.5 and 0.7: the middle and common tight working
# points of flavour tagging; 0.9: a loose preselection, which must lose little.
SIGNAL_EFFICIENCIES = (0.3, 0.5, 0.7, 0.9)


class Auc(NamedTuple):
    """An area and what each event adds to it.

    Attributes
    ----------
    value, error : float or None
    influence : ndarray of float64, shape (n,)
        Its sum of squares is error²; influences of several areas on the same events add up with their correlations.
    """

    value: float | None
    error: float | None
    influence: np.ndarray


class Passed(NamedTuple):
    """What passes each cut, the hardest first; entry 0 is the cut that nothing passes, the last one lets all pass.

    Attributes
    ----------
    weights, squares : ndarray of float64, shape (cuts + 1,)
        Sums of weights and of their squares.
    """

    weights: np.ndarray
    squares: np.ndarray

    @property
    def total(self) -> float:
        return float(self.weights[-1])


class Ranking:
    """Events of two kinds in the order of their scores: sorted once, for every number that follows from the order.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Finite or infinite; no NaN.
    positive : ndarray of bool, shape (n,)
        True is signal, False background.
    weights : ndarray of float64, shape (n,)
        Of either sign.

    Attributes
    ----------
    cuts : ndarray of float64, shape (cuts,)
        The distinct scores, falling; what scores as much or more passes.
    signal, background : Passed
    defined : bool
        Whether there are events of both kinds, and neither's weights sum to zero.
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray):
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        starts = group_starts(ordered)
        self._positive, self._weights = positive, weights
        self._order, self._starts = order, starts
        self.cuts = ordered[starts]
        self.signal = self._passed(np.where(positive, weights, 0.0))
        self.background = self._passed(np.where(positive, 0.0, weights))
        both = bool(positive.any()) and not positive.all()
        self.defined = both and self.signal.total != 0 and self.background.total != 0

    def _passed(self, weights: np.ndarray) -> Passed:
        if len(weights) == 0:
            return Passed(np.zeros(1), np.zeros(1))
        of_groups = np.add.reduceat(weights[self._order], self._starts)
        squares = np.add.reduceat((weights * weights)[self._order], self._starts)
        return Passed(np.r_[0.0, np.cumsum(of_groups)], np.r_[0.0, np.cumsum(squares)])

    def auc(self) -> Auc:
        """Area under the ROC curve, ties counting half, and its error.

        With scores s, weights u of positive events i and v of negative events j, U = Σu_i, V = Σv_j::

            A    = Σ_i Σ_j u_i v_j ψ(s_i, s_j) / (U V),         ψ = 1, ½, 0 for s_i >, =, < s_j      (Mann and Whitney)
            P_i  = Σ_j v_j ψ(s_i, s_j) / V,    N_j = Σ_i u_i ψ(s_i, s_j) / U
            σ²   = c(u) Σ_i (u_i (P_i − A) / U)² + c(v) Σ_j (v_j (N_j − A) / V)²,    c(w) = n / (n − 1),  n = (Σw)² / Σw²

        For weights of one these are the components and the variance of DeLong, DeLong and Clarke-Pearson, Biometrics 44
        (1988) 837; the weighted form replaces means by weighted means and counts by effective counts. c = 1 where n ≤ 1,
        as weights of both signs can give. One sort instead of all pairs: Sun and Xu, IEEE Signal Processing Letters 21
        (2014) 1389.
        """
        if not self.defined:
            return Auc(None, None, np.zeros(len(self._weights)))
        total_u, total_v = self.signal.total, self.background.total
        above = (self.signal.weights[1:] + self.signal.weights[:-1]) / (2 * total_u)  # half of the group itself
        below = 1 - (self.background.weights[1:] + self.background.weights[:-1]) / (2 * total_v)
        value = float(np.diff(self.signal.weights) @ below / total_u)
        group = np.empty(len(self._order), np.intp)
        group[self._order] = np.repeat(np.arange(len(self._starts)), np.diff(np.r_[self._starts, len(self._order)]))
        u, v = self._weights[self._positive], self._weights[~self._positive]
        scale_u, scale_v = np.sqrt(_correction(u)) / total_u, np.sqrt(_correction(v)) / total_v
        influence = self._weights * np.where(
            self._positive, scale_u * (below[group] - value), scale_v * (above[group] - value)
        )
        return Auc(value, float(np.sqrt(influence @ influence)), influence)

    def signal_efficiency(self, background: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signal efficiencies of the cuts that let fractions of the background pass, and their errors.

        The convention of TMVA's table of results (TMVA Users Guide, arXiv:physics/0703039), on the exact curve instead of a
        histogram's: from the highest score down, linear between the last cut that passes no more than that fraction and
        the next one, so events of equal score pass in part. Negative weights can make the curve turn: its first crossing
        counts. The error is that of passing p_i of weights w_i with efficiency e,
        sqrt(Σ w_i² (p_i (1 − e)² + (1 − p_i) e²)) / |Σ w_i|, which is sqrt(e (1 − e) / n) for weights of one; the cut itself
        is taken as exact, as TMVA does.
        """
        return _passing(self.background, self.signal, background)

    def background_efficiency(self, signal: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Background efficiencies of the cuts that let fractions of the signal pass, and their errors: as above."""
        return _passing(self.signal, self.background, signal)

    def working_points(self) -> dict[str, Any]:
        """The points that people quote: {"efficiency": {"0.01": {"value", "error"}, …}, "rejection": {"0.3": …}}.

        Rejection is 1 / background efficiency, its error by propagation; None where no background passes.
        """
        efficiency, rejection = {}, {}
        for points, measure, of in (
            (BACKGROUND_EFFICIENCIES, self.signal_efficiency, efficiency),
            (SIGNAL_EFFICIENCIES, self.background_efficiency, rejection),
        ):
            for point, (value, error) in zip(points, _pairs(points, measure, self.defined), strict=True):
                if of is rejection:
                    value, error = (1 / value, error / value**2) if value is not None and value > 0 else (None, None)
                of[str(point)] = {"value": value, "error": error}
        return {"efficiency": efficiency, "rejection": rejection}


def auc(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> Auc:
    """The area under one ROC curve: Ranking.auc."""
    return Ranking(scores, positive, weights).auc()


def signal_efficiency(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray, background: float
) -> tuple[float | None, float | None]:
    """One point of one ROC curve and its error: Ranking.signal_efficiency."""
    ranking = Ranking(scores, positive, weights)
    return _pairs([background], ranking.signal_efficiency, ranking.defined)[0]


def _pairs(points: Sequence[float], measure: Any, defined: bool) -> list[tuple[float | None, float | None]]:
    if not defined:
        return [(None, None)] * len(points)
    return [(float(value), float(error)) for value, error in zip(*measure(points), strict=True)]


def _passing(
    fixed: Passed, measured: Passed, fractions: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    fractions = np.asarray(fractions, np.float64)
    curve = fixed.weights / fixed.total
    after = np.searchsorted(np.maximum.accumulate(curve), fractions, side="right")
    after = np.minimum(after, len(curve) - 1)  # at a fraction of one, all pass
    gap = curve[after] - curve[after - 1]
    share = np.divide(fractions - curve[after - 1], gap, out=np.ones_like(fractions), where=gap != 0)

    def at_cut(sums: np.ndarray) -> np.ndarray:
        return sums[after - 1] + share * (sums[after] - sums[after - 1])

    total = measured.total
    efficiency, squares = at_cut(measured.weights) / total, at_cut(measured.squares)
    variance = squares * (1 - efficiency) ** 2 + (measured.squares[-1] - squares) * efficiency**2
    return efficiency, np.sqrt(variance) / abs(total)


def _correction(weights: np.ndarray) -> float:
    count = effective_count(weights)
    return count / (count - 1) if count > 1 else 1.0
