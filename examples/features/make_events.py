"""Writes events.csv: pairs of jets, half of them from a resonance of 91 GeV, half by chance."""

from pathlib import Path

import numpy as np

EVENTS = 4000


def events(seed):
    """Columns of made-up events; a resonance fixes the second jet's momentum by its mass (without the jets' own)."""
    rng = np.random.default_rng(seed)
    resonance = rng.integers(0, 2, EVENTS)
    pt1, chance = rng.exponential(30, EVENTS) + 20, rng.exponential(30, EVENTS) + 20
    eta1, eta2 = rng.normal(0, 1.2, (2, EVENTS))
    phi1, phi2 = rng.uniform(-np.pi, np.pi, (2, EVENTS))
    decay = 2 * pt1 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2))
    pt2 = np.where(resonance == 1, rng.normal(91, 5, EVENTS) ** 2 / decay, chance)
    columns = {"resonance": resonance, "pt1": pt1, "eta1": eta1, "phi1": phi1, "pt2": pt2, "eta2": eta2, "phi2": phi2}
    return {name: numbers.astype(np.float32) for name, numbers in columns.items()}


if __name__ == "__main__":
    columns = events(1)
    np.savetxt(Path(__file__).parent / "events.csv", np.column_stack(list(columns.values())), "%.9g", ",", header=",".join(columns), comments="")
