"""examples/higgs4l/higgs4l.root is what its README says. (check.py beside it looks at the physics.)"""

import numpy as np
import pytest
import uproot
from conftest import ROOT

FILE = ROOT / "examples" / "higgs4l" / "higgs4l.root"
FEATURES = {"cos_theta_star", "cos_theta1", "cos_theta2", "phi", "phi1", "mZ1", "mZ2", "m4l"} | {
    f"{name}{rank}" for name in ("pt", "eta") for rank in (1, 2, 3, 4)
}


def test_it_has_two_trees_and_fits_into_a_repository():
    assert FILE.stat().st_size <= 4_000_000
    with uproot.open(FILE) as file:
        assert file.classnames(cycle=False) == {"signal": "TTree", "background": "TTree"}


@pytest.mark.parametrize(("tree", "first_event", "expected_events"), [("signal", 0, 206.422), ("background", 20_000, 185.874)])
def test_a_tree_has_20000_selected_events(tree, first_event, expected_events):
    with uproot.open(FILE) as file:
        events = file[tree].arrays(library="np")
    assert events.keys() == FEATURES | {"w", "event"}
    assert {events[name].dtype for name in FEATURES} == {np.dtype(np.float32)}
    assert np.array_equal(events["event"], first_event + np.arange(20_000))
    assert all(np.isfinite(values).all() for values in events.values())
    assert events["w"].sum() == pytest.approx(expected_events, abs=5e-4) and (events["w"] > 0).all()
    assert events["m4l"].min() > 105 and events["m4l"].max() < 140
    assert all((np.abs(events[name]) <= 1).all() for name in ("cos_theta_star", "cos_theta1", "cos_theta2"))
    assert all((events[f"pt{k}"] >= events[f"pt{k + 1}"]).all() for k in (1, 2, 3))
