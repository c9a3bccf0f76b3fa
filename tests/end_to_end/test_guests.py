"""Scripts that behave badly, next to ones that don't, in one run."""

import pytest
from support import SCRIPTS, by_label, config, network


def unruly(name):
    return {"name": name, "type": "script", "script": str(SCRIPTS / "unruly.py")}


def test_the_next_method_sees_nothing_of_the_one_before(place, events_file, tmp_path_factory):
    alone = place.train(config(by_label(events_file), [network()]), "--output", "alone")
    run = place.train(config(by_label(events_file), [unruly("first"), network(), unruly("second")]), "--output", "together")
    statuses = {name: one["status"] for name, one in run.metrics["methods"].items()}
    assert statuses == {"first": "done", "mlp": "done", "second": "done"}
    assert (run.scores["mlp_score"] == alone.scores["mlp_score"]).all()
    assert "unruly.py: train() changed " in run.log and "the current folder" in run.log and "os.environ['UNRULY']" in run.log
    assert "unruly.py: predict() changed the current folder: put back" in run.log


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_text_is_utf8_and_in_order_whatever_the_locale(place, events_file, locale):
    environment = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONUNBUFFERED": None}
    talkative = {"name": "one", "type": "script", "script": str(SCRIPTS / "talkative.py")}
    run = place.train(config(by_label(events_file), [talkative]), env=environment)
    said = [line[2:] for line in run.log.splitlines() if line.startswith("| ")]
    assert said[0] == "größer → ∞ utf-8"
    assert said[1] == "WARNING:root:logged: ä"
    assert "UserWarning: warned: ö" in said[2]
    assert "odd: \0 \\ud800" in run.log.splitlines(), "what is no UTF-8 ends no training"
    assert said[-2].startswith("ü: 100%") and said[-1] == "last"
