"""The expected significance of a counting experiment behind a cut on the score, and the best cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ophion.metrics.roc import Passed, Ranking

# A cut that leaves less is not looked at: a few events of simulation that happen to be missing there would win the scan.
MINIMUM_EFFECTIVE_EVENTS = 10.0


def s_over_sqrt_b(signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """S / √B."""
    return signal / np.sqrt(background)


def s_over_sqrt_sb(signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """S / √(S + B)."""
    return signal / np.sqrt(signal + background)


def asimov(signal: np.ndarray, background: np.ndarray, background_uncertainty: float = 0.0) -> np.ndarray:
    """Median discovery significance of S on B ± σ, σ = background_uncertainty · B.

    Without uncertainty sqrt(2 ((S + B) ln(1 + S / B) − S)): Cowan, Cranmer, Gross and Vitells, arXiv:1007.1727, eq. (97).
    With it, from G. Cowan, "Discovery sensitivity for a counting experiment with background uncertainty" (2012)::

        Z² = 2 [(S + B) ln((S + B)(B + σ²) / (B² + (S + B) σ²)) − B²/σ² ln(1 + σ² S / (B (B + σ²)))]
    """
    s, b = np.asarray(signal, np.float64), np.asarray(background, np.float64)
    if background_uncertainty == 0:
        squared = 2 * ((s + b) * np.log1p(s / b) - s)
    else:
        variance = (background_uncertainty * b) ** 2
        gain = (s + b) * np.log1p(s * b / (b * b + (s + b) * variance))  # the same logarithm, exact for small s
        loss = b * b / variance * np.log1p(variance * s / (b * (b + variance)))
        squared = 2 * (gain - loss)
    return np.sqrt(np.maximum(squared, 0.0))  # rounding can leave −1e-17


class Significance:
    """Significances of the cuts on one ranking.

    Parameters
    ----------
    ranking : Ranking
    yields : (float, float) or None
        Signal and background that are expected in all; None: the ranking's own sums of weights. A cut's yields are its
        efficiencies times these.
    scale : float
        Multiplies the yields.
    background_uncertainty : float
        Of "asimov", relative to the background that passes.
    """

    def __init__(
        self,
        ranking: Ranking,
        yields: tuple[float, float] | None = None,
        scale: float = 1.0,
        background_uncertainty: float = 0.1,
    ):
        self._ranking = ranking
        self._functions: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "s_over_sqrt_b": s_over_sqrt_b,
            "s_over_sqrt_sb": s_over_sqrt_sb,
            "asimov": lambda signal, background: asimov(signal, background, background_uncertainty),
        }
        expected = yields or (ranking.signal.total, ranking.background.total)
        self.signal, self.background = (
            passed.weights[1:] * (scale * total / passed.total) if ranking.defined else np.zeros(len(ranking.cuts))
            for passed, total in zip((ranking.signal, ranking.background), expected, strict=True)
        )
        self._looked_at = np.flatnonzero(
            (self.signal > 0)
            & (self.background > 0)
            & (_effective(ranking.signal) >= MINIMUM_EFFECTIVE_EVENTS)
            & (_effective(ranking.background) >= MINIMUM_EFFECTIVE_EVENTS)
        )

    def curve(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(cuts, significances): the cuts that are looked at, falling."""
        rows = self._looked_at
        return self._ranking.cuts[rows], self._functions[name](self.signal[rows], self.background[rows])

    def best(self) -> dict[str, dict[str, float | None]]:
        """For each kind {"value", "cut", "signal", "background"}: score ≥ cut passes; None where no cut is looked at."""
        best = {}
        for name in self._functions:
            cuts, values = self.curve(name)
            best[name] = self._at(float(cuts[np.argmax(values)]) if len(cuts) else None, name)
        return best

    def at(self, cuts: Mapping[str, float | None]) -> dict[str, dict[str, float | None]]:
        """The same for given cuts, such as those that were best on other events."""
        return {name: self._at(cut, name) for name, cut in cuts.items()}

    def _at(self, cut: float | None, name: str) -> dict[str, float | None]:
        # the lowest of the distinct scores that passes; -1 where none does
        row = -1 if cut is None else int(np.searchsorted(-self._ranking.cuts, -cut, side="right")) - 1
        if row not in self._looked_at:
            return {"value": None, "cut": cut, "signal": None, "background": None}
        signal, background = self.signal[row], self.background[row]
        value = self._functions[name](signal, background)
        return {"value": float(value), "cut": cut, "signal": float(signal), "background": float(background)}


def _effective(passed: Passed) -> np.ndarray:
    weights, squares = passed.weights[1:], passed.squares[1:]
    return np.divide(weights**2, squares, out=np.zeros_like(weights), where=squares > 0)
