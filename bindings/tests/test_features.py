"""Features of a plug-in from Python: a function of examples/features, in training and in use."""

import numpy as np
import ophion
import pandas as pd
import pytest
from conftest import BUILD, A, B, counted_events, counting_config, expected
from ophion import errors


@pytest.fixture
def plugins(monkeypatch):
    monkeypatch.setenv("OPHION_PLUGIN_PATH", str(BUILD / "examples" / "plugins"))


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """The model that counts, which tells c by the angle between a and c."""
    folder = tmp_path_factory.mktemp("angles")
    config = counting_config(folder / "runs", plugins=["kinematics"])
    config["data"]["features"] = ["a", {"name": "d", "expr": "delta_phi(a, c)"}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPHION_PLUGIN_PATH", str(BUILD / "examples" / "plugins"))
        ophion.train(config, events=counted_events()).best.save(folder / "angles.ophion")
    return folder / "angles.ophion"


def test_raw_columns_are_scored_through_the_plugin(model_file, plugins):
    model = ophion.Model.load(model_file)
    events = pd.DataFrame([(a, c) for a in A for c in B], columns=["a", "c"])
    np.testing.assert_allclose(model.predict(events), expected(events["a"], events["c"]), rtol=1e-6)
    assert model.inputs == ("a", "c")
    assert model.manifest["plugins"][0]["version"] == "1.0"


def test_a_missing_plugin_is_named(model_file):
    with pytest.raises(errors.PluginError, match="angles.ophion needs the plug-in of features 'kinematics', version 1.0: no plug-in of features"):
        ophion.Model.load(model_file)
