#!/usr/bin/env python3
"""Check ``higgs4l.root`` and the physics of ``generate.py`` and ``four_leptons.py``.

Prints one line for each check and exits with status 1 if one fails.  It needs
scikit-learn besides the packages of ``generate.py``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import uproot
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

import four_leptons
import generate

SEED = 2026
MAX_BYTES = 4_000_000
ANGLES = ("cos_theta_star", "cos_theta1", "cos_theta2", "phi", "phi1")
MASSES = ("mZ1", "mZ2")
LEPTONS = tuple(f"{name}{rank}" for name in ("pt", "eta") for rank in (1, 2, 3, 4))
FEATURES = (*ANGLES, *MASSES, "m4l", *LEPTONS)


class Report:
    """Prints checks and counts those that failed."""

    def __init__(self):
        self.failures = 0

    def __call__(self, passed, text):
        """Print one check.

        Parameters
        ----------
        passed : bool
        text : str
        """
        print("ok    " if passed else "FAILED", text)
        self.failures += not passed


def flatness(values, low, high, bins=20):
    """Chi-square per degree of freedom of values against a flat distribution.

    Parameters
    ----------
    values : ndarray of float
    low, high : float
        Range of the flat distribution.
    bins : int, optional

    Returns
    -------
    float
    """
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    expected = len(values) / bins
    return np.sum((counts - expected) ** 2) / expected / (bins - 1)


def check_file(path, trees, report):
    """Check size, types, ranges, weights and event numbers."""
    size = path.stat().st_size
    report(size <= MAX_BYTES, f"file size {size} bytes")
    types = {name: np.dtype(np.float32) for name in FEATURES}
    types |= {"w": np.dtype(np.float64), "event": np.dtype(np.int64)}
    first_event = 0
    for name, tree in trees.items():
        n = len(tree["event"])
        found = {branch: values.dtype for branch, values in tree.items()}
        report(found == types, f"{name}: {len(found)} branches, {n} events")
        finite = all(np.isfinite(values).all() for values in tree.values())
        report(finite, f"{name}: all values are finite")
        report(
            np.array_equal(tree["event"], first_event + np.arange(n)),
            f"{name}: event {tree['event'][0]} to {tree['event'][-1]}",
        )
        first_event += n
        report(
            tree["w"][0] > 0 and np.all(tree["w"] == tree["w"][0]),
            f"{name}: w = {tree['w'][0]:.6e}, sum {tree['w'].sum():.3f}",
        )
        rows = np.column_stack([tree[feature] for feature in FEATURES])
        unique = len(np.unique(rows, axis=0))
        report(unique == n, f"{name}: {unique} different rows of features")
        for feature in FEATURES:
            values = tree[feature]
            low, high = allowed_range(feature)
            report(
                values.min() >= low and values.max() <= high,
                f"{name}: {feature} from {values.min():.4f} to {values.max():.4f}",
            )


def allowed_range(feature):
    """Limits of a feature, as float32, from its definition and the selection."""
    if feature.startswith("cos"):
        limits = (-1.0, 1.0)
    elif feature.startswith("phi"):
        limits = (-np.pi, np.pi)
    elif feature.startswith("eta"):
        limits = (-four_leptons.MAX_ABS_ETA, four_leptons.MAX_ABS_ETA)
    elif feature.startswith("pt"):
        limits = (four_leptons.MIN_PT_BY_RANK[int(feature[-1]) - 1], np.inf)
    else:
        limits = {
            "mZ1": four_leptons.Z1_MASS_RANGE,
            "mZ2": four_leptons.Z2_MASS_RANGE,
            "m4l": four_leptons.M4L_RANGE,
        }[feature]
    return np.float32(limits[0]), np.float32(limits[1])


def check_peaks(trees, report):
    """Check the four-lepton and Z1 masses of the selected events."""
    m4l = trees["signal"]["m4l"]
    low, median, high = np.percentile(m4l, [15.865, 50.0, 84.135])
    width = (high - low) / 2
    report(abs(median - 125.0) < 0.5, f"signal: median of m4l {median:.2f} GeV")
    report(1.5 < width < 2.0, f"signal: half the central 68.27% of m4l {width:.2f} GeV")
    counts, edges = np.histogram(trees["signal"]["mZ1"], bins=80, range=(40, 120))
    peak = (edges[counts.argmax()] + edges[counts.argmax() + 1]) / 2
    report(
        abs(peak - 91.2) < 1.5, f"signal: highest 1 GeV bin of mZ1 at {peak:.1f} GeV"
    )


def check_angles(report):
    """Recover random angles from four-vectors that were built with them."""
    rng = np.random.default_rng(SEED)
    n = 1000
    m_x, m_1, m_2 = 125.0, 91.0, 28.0
    true = {
        "cos_theta_star": rng.uniform(-1, 1, n),
        "cos_theta1": rng.uniform(-1, 1, n),
        "cos_theta2": rng.uniform(-1, 1, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "phi1": rng.uniform(-np.pi, np.pi, n),
    }
    # Axes in the rest frame of X: Z1 flies along e3, the normal of the
    # production plane is e2.
    azimuth = rng.uniform(-np.pi, np.pi, n)
    e3 = direction(true["cos_theta_star"], azimuth)
    e2 = four_leptons.unit(np.cross([0.0, 0.0, 1.0], e3))
    e1 = np.cross(e2, e3)
    azimuth1 = np.pi - true["phi1"]
    azimuth2 = azimuth1 - true["phi"]

    e_1 = (m_x**2 + m_1**2 - m_2**2) / (2 * m_x)
    q = np.sqrt(e_1**2 - m_1**2)
    momentum = rng.normal(0.0, [20.0, 20.0, 300.0], (n, 3))
    x = np.column_stack([np.sqrt(m_x**2 + np.sum(momentum**2, axis=1)), momentum])
    leptons = []
    for m, sign, cos_theta, phi in (
        (m_1, 1.0, true["cos_theta1"], azimuth1),
        (m_2, -1.0, -true["cos_theta2"], azimuth2),
    ):
        local = direction(cos_theta, phi)
        along = local[:, :1] * e1 + local[:, 1:2] * e2 + local[:, 2:] * e3
        z = np.column_stack([np.full(n, np.hypot(m, q)), sign * q * e3])
        for side in (1.0, -1.0):
            at_rest = np.column_stack([np.full(n, m / 2), side * m / 2 * along])
            leptons.append(boost_from_rest(boost_from_rest(at_rest, z), x))
    found = four_leptons.decay_angles(*leptons)
    for name in ANGLES:
        difference = found[name] - true[name]
        if name.startswith("phi"):
            difference = (difference + np.pi) % (2 * np.pi) - np.pi
        worst = np.abs(difference).max()
        report(worst < 1e-6, f"built four-vectors: {name} recovered to {worst:.1e}")


def direction(cos_theta, phi):
    """Build unit vectors, shape (n, 3), from polar angles."""
    sin_theta = np.sqrt(1 - cos_theta**2)
    return np.column_stack(
        [sin_theta * np.cos(phi), sin_theta * np.sin(phi), cos_theta]
    )


def boost_from_rest(p, frame):
    """Boost four-vectors `p` from the rest frame of `frame`; shapes (n, 4)."""
    reversed_frame = frame * [1.0, -1.0, -1.0, -1.0]
    momentum = four_leptons.boost_to_rest(p, reversed_frame)
    m = four_leptons.mass(p)
    energy = np.sqrt(m**2 + np.sum(momentum**2, axis=1))
    return np.column_stack([energy, momentum])


def check_before_selection(report):
    """Check that a scalar decays without a preferred direction."""
    n = 20_000
    pythia = generate.make_pythia("signal", SEED)
    flavour, momentum = generate.generate_leptons(pythia, n)
    energy = np.linalg.norm(momentum, axis=-1, keepdims=True)
    leptons = np.concatenate([energy, momentum], axis=-1)
    columns = four_leptons.observables(flavour, leptons)
    for name, low, high in (("cos_theta_star", -1, 1), ("phi1", -np.pi, np.pi)):
        chi2 = flatness(columns[name], low, high)
        report(
            chi2 < 2,
            f"signal before selection: {name} flat, chi2/ndf {chi2:.2f} ({n} events)",
        )
    off = np.abs(columns["m4l"] - 125.0).max()
    report(off < 1.0, f"signal before resolution: |m4l - 125| below {off:.3f} GeV")
    mean = np.cos(2 * columns["phi"]).mean()
    report(mean > 0, f"signal before selection: mean of cos(2 phi) {mean:.4f}")


def check_reproducible(report):
    """Check that the same seed gives the same arrays, and another seed others."""
    for process in generate.PROCESS_SETTINGS:
        first, again, other = (
            generate.generate_process(process, 500, seed) for seed in (7, 7, 8)
        )
        same = all(np.array_equal(first[name], again[name]) for name in first)
        report(same, f"{process}: 500 events twice with one seed are equal")
        differs = not np.isin(other["m4l"], first["m4l"]).all()
        report(differs, f"{process}: another seed gives other events")


def check_separation(trees, report):
    """Train boosted trees and look at the separation of single features."""
    signal, background = trees["signal"], trees["background"]
    labels = np.repeat([1, 0], [len(signal["w"]), len(background["w"])])
    columns = {
        name: np.concatenate([signal[name], background[name]]) for name in FEATURES
    }
    for name, values in columns.items():
        auc = roc_auc_score(labels, values)
        print("      ", f"AUC of {name} alone {max(auc, 1 - auc):.4f}")
    aucs = []
    for text, names in (
        ("angles", ANGLES),
        ("angles, mZ1, mZ2", ANGLES + MASSES),
        ("angles, mZ1, mZ2, pt, eta", ANGLES + MASSES + LEPTONS),
    ):
        x = np.column_stack([columns[name] for name in names])
        x_train, x_test, y_train, y_test = train_test_split(
            x, labels, test_size=0.5, random_state=SEED, stratify=labels
        )
        model = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=200, random_state=SEED
        ).fit(x_train, y_train)
        aucs.append(roc_auc_score(y_test, model.predict_proba(x_test)[:, 1]))
        print("      ", f"test AUC of boosted trees, {text}: {aucs[-1]:.4f}")
    report(0.79 < aucs[-1] < 0.85, "the last AUC is between 0.79 and 0.85")
    report(aucs == sorted(aucs), "each added group of features raises the AUC")


def main():
    """Run the command line.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=generate.DEFAULT_OUTPUT)
    path = parser.parse_args().file
    if not path.is_file():
        parser.error(f"no such file: {path}")
    with uproot.open(path) as file:
        trees = {
            name: file[name].arrays(library="np") for name in generate.PROCESS_SETTINGS
        }
    report = Report()
    check_file(path, trees, report)
    check_peaks(trees, report)
    check_angles(report)
    check_before_selection(report)
    check_reproducible(report)
    check_separation(trees, report)
    print(f"{report.failures} failed")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
