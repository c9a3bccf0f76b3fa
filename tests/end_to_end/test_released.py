"""Files of every released version are read by this one, and score as they did. scripts/keep_released_files.py adds a version."""

import json
from pathlib import Path

import numpy as np
import pytest

RELEASED = Path(__file__).resolve().parents[1] / "released"
FILES = sorted(RELEASED.glob("*/*.ophion"))
METHODS = {"pytorch", "sklearn", "script"}


def test_every_method_of_every_version_is_there():
    versions = [folder for folder in RELEASED.iterdir() if folder.is_dir()]
    assert versions
    for folder in versions:
        assert {file.stem for file in folder.glob("*.ophion")} >= METHODS, folder
        assert sum(file.stat().st_size for file in folder.iterdir()) < 200_000, f"{folder} is too large to keep for ever"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_released_file_scores_as_it_did(place, file):
    expected = json.loads((file.parent / "expected.json").read_text())
    scores = place.program.score(file, expected["rows"], place.path, "--trust")
    np.testing.assert_allclose(scores, expected["scores"][file.stem], rtol=1e-5, atol=1e-6)
    assert np.ptp(scores) > 0.1, "it tells events apart"
