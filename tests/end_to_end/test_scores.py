"""What a script gives as scores: numbers of every kind are taken, all else is refused by its name."""

import numpy as np
import pytest
from support import SCRIPTS, by_label, columns_of, config

GOOD = ["float64", "column", "bool", "integers", "other_byte_order", "strided", "list"]
WRONG = "every_score.py: predict() returned the wrong scores: expected 50 rows, found "
BAD = {
    "none": WRONG + "None",
    "text": WRONG + "an array of shape (50,) and type ",
    "objects": WRONG + "an array of shape (50,) and type object",
    "complex": WRONG + "an array of shape (50,) and type complex128",
    "nan": "every_score.py: predict() gave NaN for row ",
    "one_too_few": WRONG + "(49,)",
    "one_for_all": WRONG + "one number",
    "two_columns": WRONG + "(50, 2)",
    "jagged": "every_score.py: taking the scores that predict() returned: ValueError: ",
}


@pytest.fixture(scope="module")
def run(module_place, events_file):
    methods = [{"name": form, "type": "script", "script": str(SCRIPTS / "every_score.py"), "params": {"form": form}} for form in [*GOOD, *BAD]]
    return module_place.train({**config(by_label(events_file), methods), "evaluation": {"importance_events": 0}})


@pytest.mark.parametrize("form", GOOD)
def test_numbers_of_every_kind_are_scores(run, events_file, form):
    high = columns_of(events_file)["x0"][run.scores["entry"].astype(np.int64)] > 0
    assert run.scores[f"{form}_score"].dtype == np.float32
    assert np.array_equal(run.scores[f"{form}_score"], high.astype(np.float32))


@pytest.mark.parametrize("form", BAD)
def test_what_is_no_score_is_refused_before_the_training(run, form):
    method = run.metrics["methods"][form]
    assert method["status"] == "failed"
    assert method["error"].startswith(BAD[form]), method["error"]
