"""From four leptons to the columns of ``higgs4l.root``.

The momentum resolution, the choice of the Z candidates, the observables and
the selection: both processes of ``generate.py`` go through the same functions,
so that they differ by their physics alone.

Units are GeV for energies, momenta and masses, and radians for angles.
Four-vectors are arrays whose last axis is ``(E, px, py, pz)``.

The decay angles are those of Gao et al., arXiv:1001.3396, and Bolognesi et
al., arXiv:1208.4018.  The selection follows the CMS four-lepton analysis,
arXiv:1706.09936.
"""

import numpy as np

Z_MASS = 91.1876  # GeV

ELECTRON = 11
MUON = 13

# Selection (GeV), after the momentum resolution.
MIN_PT_BY_RANK = (20.0, 10.0, 5.0, 5.0)
MIN_PT = {ELECTRON: 7.0, MUON: 5.0}
MAX_ABS_ETA = 2.5
MIN_OPPOSITE_CHARGE_MASS = 4.0
Z1_MASS_RANGE = (40.0, 120.0)
Z2_MASS_RANGE = (12.0, 120.0)
M4L_RANGE = (105.0, 140.0)

# Order of the leptons of an event: two negative ones, then two positive ones.
# Each row is a way to choose the Z1 and Z2 candidates:
# (negative of Z1, positive of Z1, negative of Z2, positive of Z2).
PAIRINGS = np.array([(0, 2, 1, 3), (0, 3, 1, 2), (1, 2, 0, 3), (1, 3, 0, 2)])


def relative_resolution(flavour, momentum):
    """Relative momentum resolution of a simple detector.

    Electrons have a calorimeter-like energy resolution, with E in GeV and the
    terms added in quadrature::

        sigma(E) / E = 0.12 / sqrt(E)  (+)  0.3 / E  (+)  0.015

    Muons have a tracker-like one, with pT in GeV::

        sigma(pT) / pT = a  (+)  1e-4 * pT,   a = 0.018 for |eta| < 1.2
                                              a = 0.028 otherwise

    The numbers are no measurement of a detector: they were chosen for a
    four-lepton mass resolution of 1.5 to 2 GeV at 125 GeV.

    Parameters
    ----------
    flavour : ndarray of int, shape (n, 4)
    momentum : ndarray of float, shape (n, 4, 3)

    Returns
    -------
    ndarray of float, shape (n, 4)
    """
    energy = np.linalg.norm(momentum, axis=-1)
    pt = np.hypot(momentum[..., 0], momentum[..., 1])
    abs_eta = np.abs(np.arcsinh(momentum[..., 2] / pt))
    electron = np.sqrt(0.12**2 / energy + (0.3 / energy) ** 2 + 0.015**2)
    muon = np.hypot(np.where(abs_eta < 1.2, 0.018, 0.028), 1e-4 * pt)
    return np.where(flavour == ELECTRON, electron, muon)


def smear(flavour, momentum, rng):
    """Apply the momentum resolution and build massless four-vectors.

    Each momentum is scaled by a Gaussian factor of mean 1; directions are
    unchanged.  Factors are kept above 0.1, which matters only to electrons
    of about 1 GeV, far below the selection.

    Parameters
    ----------
    flavour : ndarray of int, shape (n, 4)
    momentum : ndarray of float, shape (n, 4, 3)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float, shape (n, 4, 4)
        Four-vectors of the leptons.
    """
    sigma = relative_resolution(flavour, momentum)
    factor = np.maximum(1.0 + sigma * rng.standard_normal(sigma.shape), 0.1)
    smeared = momentum * factor[..., np.newaxis]
    energy = np.linalg.norm(smeared, axis=-1, keepdims=True)
    return np.concatenate([energy, smeared], axis=-1)


def mass(p):
    """Invariant mass of four-vectors.

    Parameters
    ----------
    p : ndarray of float, shape (..., 4)

    Returns
    -------
    ndarray of float, shape (...)
    """
    squared = p[..., 0] ** 2 - np.sum(p[..., 1:] ** 2, axis=-1)
    return np.sqrt(np.maximum(squared, 0.0))


def choose_pairing(flavour, leptons):
    """Assign the leptons to the two Z candidates.

    Z1 is the pair of opposite charge and same flavour whose mass is closest to
    the Z boson mass; Z2 is the remaining pair.

    Parameters
    ----------
    flavour : ndarray of int, shape (n, 4)
    leptons : ndarray of float, shape (n, 4, 4)

    Returns
    -------
    ndarray of int, shape (n, 4)
        Rows of ``PAIRINGS``.
    """
    negative, positive = PAIRINGS[:, 0], PAIRINGS[:, 1]
    distance = np.abs(mass(leptons[:, negative] + leptons[:, positive]) - Z_MASS)
    distance[flavour[:, negative] != flavour[:, positive]] = np.inf
    return PAIRINGS[np.argmin(distance, axis=1)]


def boost_to_rest(p, frame):
    """Boost four-vectors into the rest frame of others.

    Parameters
    ----------
    p : ndarray of float, shape (n, 4)
        Four-vectors to boost.
    frame : ndarray of float, shape (n, 4)
        Four-vectors, in the same frame as `p`, which come to rest.

    Returns
    -------
    ndarray of float, shape (n, 3)
        Boosted momenta.
    """
    m = mass(frame)
    energy = (p[:, 0] * frame[:, 0] - np.sum(p[:, 1:] * frame[:, 1:], axis=1)) / m
    scale = (p[:, 0] + energy) / (frame[:, 0] + m)
    return p[:, 1:] - scale[:, np.newaxis] * frame[:, 1:]


def unit(v):
    """Scale three-vectors, shape (n, 3), to length 1."""
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def cosine(a, b):
    """Cosine of the angle between three-vectors of shape (n, 3)."""
    return np.clip(np.sum(unit(a) * unit(b), axis=1), -1.0, 1.0)


def signed_angle(axis, a, b, cosine_of_angle):
    """Angle with the sign of ``axis . (a x b)``.

    Parameters
    ----------
    axis, a, b : ndarray of float, shape (n, 3)
    cosine_of_angle : ndarray of float, shape (n,)

    Returns
    -------
    ndarray of float, shape (n,)
        Angles from -pi to pi.
    """
    orientation = np.sum(axis * np.cross(a, b), axis=1)
    return np.where(orientation < 0.0, -1.0, 1.0) * np.arccos(cosine_of_angle)


def decay_angles(l1_minus, l1_plus, l2_minus, l2_plus):
    """Compute the five angles of X -> Z1 Z2 -> 4 leptons.

    The definitions are those of arXiv:1001.3396 and arXiv:1208.4018.  With
    q1 and q2 the momenta of Z1 and Z2, q11 and q12 (q21 and q22) those of the
    negative and the positive lepton of Z1 (Z2), and, in the rest frame of X::

        n1  = q11 x q12 / |q11 x q12|
        n2  = q21 x q22 / |q21 x q22|
        nsc = nz x q1 / |nz x q1|

    the angles are::

        cos theta* = nz . q1 / |q1|
        Phi        = sign(q1 . (n1 x n2))  * arccos(-n1 . n2)
        Phi1       = sign(q1 . (n1 x nsc)) * arccos( n1 . nsc)
        cos theta1 = -q2 . q11 / (|q2| |q11|)    in the rest frame of Z1
        cos theta2 = -q1 . q21 / (|q1| |q21|)    in the rest frame of Z2

    The axis nz is the z axis of the laboratory, kept by the boost without
    rotation from the laboratory to the rest frame of X.

    Parameters
    ----------
    l1_minus, l1_plus : ndarray of float, shape (n, 4)
        Leptons of Z1.
    l2_minus, l2_plus : ndarray of float, shape (n, 4)
        Leptons of Z2.

    Returns
    -------
    dict of str to ndarray of float, shape (n,)
    """
    z1 = l1_minus + l1_plus
    z2 = l2_minus + l2_plus
    x = z1 + z2

    q1 = boost_to_rest(z1, x)
    n1 = unit(np.cross(boost_to_rest(l1_minus, x), boost_to_rest(l1_plus, x)))
    n2 = unit(np.cross(boost_to_rest(l2_minus, x), boost_to_rest(l2_plus, x)))
    nz = np.broadcast_to([0.0, 0.0, 1.0], q1.shape)
    nsc = unit(np.cross(nz, q1))

    return {
        "cos_theta_star": cosine(nz, q1),
        "cos_theta1": -cosine(boost_to_rest(z2, z1), boost_to_rest(l1_minus, z1)),
        "cos_theta2": -cosine(boost_to_rest(z1, z2), boost_to_rest(l2_minus, z2)),
        "phi": signed_angle(q1, n1, n2, -cosine(n1, n2)),
        "phi1": signed_angle(q1, n1, nsc, cosine(n1, nsc)),
    }


def observables(flavour, leptons):
    """Compute the feature columns.

    Parameters
    ----------
    flavour : ndarray of int, shape (n, 4)
    leptons : ndarray of float, shape (n, 4, 4)

    Returns
    -------
    dict of str to ndarray of float, shape (n,)
    """
    pairing = choose_pairing(flavour, leptons)
    paired = np.take_along_axis(leptons, pairing[..., np.newaxis], axis=1)
    l1_minus, l1_plus, l2_minus, l2_plus = np.moveaxis(paired, 1, 0)

    columns = decay_angles(l1_minus, l1_plus, l2_minus, l2_plus)
    columns["mZ1"] = mass(l1_minus + l1_plus)
    columns["mZ2"] = mass(l2_minus + l2_plus)
    columns["m4l"] = mass(leptons.sum(axis=1))

    pt = np.hypot(leptons[..., 1], leptons[..., 2])
    eta = np.arcsinh(leptons[..., 3] / pt)
    by_pt = np.argsort(-pt, axis=1)
    for name, values in (("pt", pt), ("eta", eta)):
        ranked = np.take_along_axis(values, by_pt, axis=1)
        for rank in range(4):
            columns[f"{name}{rank + 1}"] = ranked[:, rank]
    return columns


def inside(values, limits):
    """Whether values lie between two limits, both excluded."""
    low, high = limits
    return (values > low) & (values < high)


def select(flavour, leptons, columns):
    """Apply the four-lepton selection.

    It follows arXiv:1706.09936, with one limit on abs(eta) for both flavours
    and no identification, isolation or trigger efficiency.

    Parameters
    ----------
    flavour : ndarray of int, shape (n, 4)
    leptons : ndarray of float, shape (n, 4, 4)
    columns : dict of str to ndarray of float, shape (n,)
        The result of `observables`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    pt = np.hypot(leptons[..., 1], leptons[..., 2])
    min_pt = np.where(flavour == ELECTRON, MIN_PT[ELECTRON], MIN_PT[MUON])
    passed = np.all(pt > min_pt, axis=1)
    for rank, threshold in enumerate(MIN_PT_BY_RANK, start=1):
        passed &= columns[f"pt{rank}"] > threshold
        passed &= np.abs(columns[f"eta{rank}"]) < MAX_ABS_ETA
    for negative, positive in PAIRINGS[:, :2]:
        pair_mass = mass(leptons[:, negative] + leptons[:, positive])
        passed &= pair_mass > MIN_OPPOSITE_CHARGE_MASS
    passed &= inside(columns["mZ1"], Z1_MASS_RANGE)
    passed &= inside(columns["mZ2"], Z2_MASS_RANGE)
    passed &= inside(columns["m4l"], M4L_RANGE)
    return passed
