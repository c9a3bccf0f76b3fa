#!/usr/bin/env python3
"""Generate the Higgs-to-four-leptons sample ``higgs4l.root``.

Two processes are generated with Pythia 8 (Bierlich et al., arXiv:2203.11601)
for proton-proton collisions at 13 TeV and written as two TTrees of one ROOT
file:

``signal``
    g g -> H -> Z Z* -> 4 leptons, with a Higgs boson mass of 125 GeV.
``background``
    q qbar -> Z/gamma* Z/gamma* -> 4 leptons, with the full Z/gamma*
    interference.

Leptons are electrons and muons.  ``four_leptons.py`` has what happens to them
then: the momentum resolution, the observables and the selection.

Units are GeV for energies, momenta and masses and fb for cross sections.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pythia8mc
import uproot

from four_leptons import MIN_PT, observables, select, smear

DEFAULT_EVENTS = 20_000
DEFAULT_SEED = 125
DEFAULT_OUTPUT = Path(__file__).resolve().parent / "higgs4l.root"

# Pythia takes seeds up to 900,000,000 and each run uses two of them.
MAX_SEED = 449_999_999
BATCH_EVENTS = 2_000

LUMINOSITY = 140.0  # 1/fb
FB_PER_MB = 1e12

COMMON_SETTINGS = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    # The initial-state shower gives the four-lepton system its transverse
    # momentum.  Without the final-state shower the leptons are Born leptons.
    "PartonLevel:ISR = on",
    "PartonLevel:FSR = off",
    "PartonLevel:MPI = off",
    "HadronLevel:all = off",
    "23:mMin = 10.",
    "23:onMode = off",
    "23:onIfAny = 11 13",
    # Wider than the selection's M4L_RANGE by several times the mass resolution.
    "PhaseSpace:mHatMin = 95.",
    "PhaseSpace:mHatMax = 155.",
)

PROCESS_SETTINGS = {
    "signal": (
        "HiggsSM:gg2H = on",
        "25:m0 = 125.",
        "25:onMode = off",
        "25:onIfMatch = 23 23",
    ),
    "background": (
        "WeakDoubleBoson:ffbar2gmZgmZ = on",
        "WeakZ0:gmZmode = 0",
    ),
}

TREE_TITLES = {
    "signal": "gg -> H(125) -> ZZ* -> 4l, 13 TeV",
    "background": "qqbar -> Z/gamma* Z/gamma* -> 4l, 13 TeV",
}


def make_pythia(process, pythia_seed):
    """Create an initialised Pythia generator.

    Parameters
    ----------
    process : str
        A key of ``PROCESS_SETTINGS``.
    pythia_seed : int
        Seed of Pythia's random numbers, 1 to 900,000,000.

    Returns
    -------
    pythia8mc.Pythia
    """
    pythia = pythia8mc.Pythia("", False)
    settings = COMMON_SETTINGS + PROCESS_SETTINGS[process]
    for line in (*settings, "Random:setSeed = on", f"Random:seed = {pythia_seed}"):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia refused the setting '{line}'")
    if not pythia.init():
        raise RuntimeError(f"Pythia could not be initialised for the {process}")
    return pythia


def generate_leptons(pythia, n_events):
    """Generate events and take their four leptons.

    Parameters
    ----------
    pythia : pythia8mc.Pythia
        An initialised generator.
    n_events : int
        Number of events.

    Returns
    -------
    flavour : ndarray of int, shape (n_events, 4)
        11 for electrons, 13 for muons; negative leptons first.
    momentum : ndarray of float, shape (n_events, 4, 3)
        ``(px, py, pz)`` in GeV.
    """
    flavour = np.empty((n_events, 4), dtype=np.int64)
    momentum = np.empty((n_events, 4, 3))
    for i in range(n_events):
        if not pythia.next():
            raise RuntimeError("Pythia failed to generate an event")
        leptons = [p for p in pythia.event if p.isFinal() and p.idAbs() in MIN_PT]
        # A positive PDG code is a negative lepton.
        leptons.sort(key=lambda p: p.id() < 0)
        flavour[i] = [p.idAbs() for p in leptons]
        momentum[i] = [(p.px(), p.py(), p.pz()) for p in leptons]
    return flavour, momentum


def generate_process(process, n_events, seed):
    """Generate one process until enough events are accepted.

    Events are generated in batches.  The events accepted beyond `n_events` in
    the last batch are dropped, but count for the weight: with ``sigma`` the
    cross section times branching ratio of Pythia, all weights are::

        w = sigma * luminosity * (accepted / generated) / n_events

    so that their sum is the expected number of selected events.

    Parameters
    ----------
    process : str
        A key of ``PROCESS_SETTINGS``.
    n_events : int
        Number of events to keep.
    seed : int
        Seed of the whole run, 1 to ``MAX_SEED``.

    Returns
    -------
    dict of str to ndarray, shape (n_events,)
        Branches of the tree.
    """
    start = time.perf_counter()
    process_number = list(PROCESS_SETTINGS).index(process)
    pythia = make_pythia(process, 2 * seed + process_number)
    rng = np.random.default_rng([seed, process_number])

    batches = []
    generated = accepted = 0
    while accepted < n_events:
        flavour, momentum = generate_leptons(pythia, BATCH_EVENTS)
        leptons = smear(flavour, momentum, rng)
        columns = observables(flavour, leptons)
        passed = select(flavour, leptons, columns)
        batches.append({name: values[passed] for name, values in columns.items()})
        generated += BATCH_EVENTS
        accepted += int(np.count_nonzero(passed))

    info = pythia.infoPython()
    sigma = info.sigmaGen() * FB_PER_MB
    sigma_error = info.sigmaErr() * FB_PER_MB
    weight = sigma * LUMINOSITY * accepted / generated / n_events

    branches = {
        name: np.concatenate([batch[name] for batch in batches])[:n_events].astype(
            np.float32
        )
        for name in batches[0]
    }
    branches["w"] = np.full(n_events, weight)
    first_event = process_number * n_events
    branches["event"] = np.arange(first_event, first_event + n_events, dtype=np.int64)

    print(
        f"{process}: sigma = {sigma:.4f} +- {sigma_error:.4f} fb, "
        f"generated {generated}, accepted {accepted} "
        f"({accepted / generated:.4f}), kept {n_events}, w = {weight:.6e}, "
        f"sum of w = {branches['w'].sum():.3f}, "
        f"{time.perf_counter() - start:.1f} s",
        flush=True,
    )
    return branches


def write_trees(output, trees):
    """Write TTrees to a ROOT file, which appears only when complete.

    Parameters
    ----------
    output : pathlib.Path
        File to create or replace.
    trees : dict of str to dict of str to ndarray
        Branches by name of the tree.
    """
    # ROOT files hold their own name, so the temporary file has the final one.
    with tempfile.TemporaryDirectory(
        prefix=f".{output.name}.", dir=output.parent
    ) as folder:
        temporary = Path(folder) / output.name
        with uproot.recreate(temporary, compression=uproot.ZLIB(9)) as file:
            for name, branches in trees.items():
                types = {branch: values.dtype for branch, values in branches.items()}
                tree = file.mktree(name, types, title=TREE_TITLES[name])
                tree.extend(branches)
        os.replace(temporary, output)


def parse_arguments(arguments=None):
    """Parse the command line; exit with status 2 if it is wrong.

    Parameters
    ----------
    arguments : list of str, optional
        Arguments instead of those of the process.

    Returns
    -------
    argparse.Namespace
        With `events`, `seed` and `output`.
    """
    parser = argparse.ArgumentParser(
        description="Generate H -> ZZ* -> 4l events and their ZZ* background.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--events",
        type=int,
        default=DEFAULT_EVENTS,
        help="accepted events of each process",
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help=f"1 to {MAX_SEED}"
    )
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_OUTPUT, help="ROOT file to write"
    )
    options = parser.parse_args(arguments)
    if options.events < 1:
        parser.error(f"--events must be at least 1, not {options.events}")
    if not 1 <= options.seed <= MAX_SEED:
        parser.error(f"--seed must be from 1 to {MAX_SEED}, not {options.seed}")
    if options.output.is_dir():
        parser.error(f"--output is a directory: {options.output}")
    if not options.output.parent.is_dir():
        parser.error(f"--output is in no existing directory: {options.output}")
    if not os.access(options.output.parent, os.W_OK):
        parser.error(f"--output is in a read-only directory: {options.output}")
    return options


def main():
    """Run the command line.

    Returns
    -------
    int
        Exit status.
    """
    options = parse_arguments()
    trees = {
        process: generate_process(process, options.events, options.seed)
        for process in PROCESS_SETTINGS
    }
    write_trees(options.output, trees)
    print(f"{options.output}: {options.output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
