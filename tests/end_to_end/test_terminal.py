"""What the program shows on a terminal: a line of progress, colours."""

import contextlib
import os
import pty
import re
import subprocess

import pytest
from support import SCRIPTS, by_label, config

COLOUR = re.compile("\033\\[[0-9;]*m")


def on_a_terminal(place, *arguments, **environment):
    """All that it writes to a terminal as its stderr."""
    try:
        ours, theirs = pty.openpty()
    except OSError as problem:
        pytest.skip(f"this machine gives no terminals: {problem}")  # a container without /dev/pts
    process = subprocess.Popen(
        [place.program.file, *arguments],
        cwd=place.path,
        env=place.program.environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when nobody has the other end any more
        while more := os.read(ours, 65536):
            shown += more
    os.close(ours)
    assert process.wait(timeout=60) == 0, shown.decode()
    return shown.decode()


@pytest.mark.parametrize("no_color", [None, "", "1"])
def test_a_bar_grows_and_goes_and_colours_are_there_unless_refused(place, events_file, no_color):
    reporting = {"name": "toy", "type": "script", "script": str(SCRIPTS / "guest.py")}  # three epochs
    place.write("train.json", config(by_label(events_file), [reporting]))
    shown = on_a_terminal(place, "train", "train.json", NO_COLOR=no_color)
    bars = re.findall(r"toy  epoch (\d)/3 \[(=*) *\]", shown)
    assert [(epoch, len(bar)) for epoch, bar in bars] == [("1", 6), ("2", 13), ("3", 20)]
    assert shown.count("\r\033[K") >= 3, "each line takes the place of the one before"
    assert bool(COLOUR.search(shown)) == (no_color != "1")
