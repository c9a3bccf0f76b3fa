"""The real program on small events, in processes of its own.

OPHION_BUILD names the build folder with bin/ophion; without it everything here is skipped. OPHION_SLOW_TESTS=1 runs the slow
ones too.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from support import Program, Workplace, two_gaussians, write_parquet

def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; runs only with OPHION_SLOW_TESTS=1")
    # What the tests train is trusted in a store of their own, not in the user's.
    data = tempfile.mkdtemp(prefix="ophion_tests_")
    config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
    os.environ["XDG_DATA_HOME"] = data



def pytest_collection_modifyitems(items):
    lacking = None
    if not os.environ.get("OPHION_BUILD"):
        lacking = "OPHION_BUILD does not name a build folder"
    for item in items:
        if lacking:
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: {lacking}"))
        elif item.get_closest_marker("slow") and os.environ.get("OPHION_SLOW_TESTS") != "1":
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: slow; set OPHION_SLOW_TESTS=1"))


@pytest.fixture(scope="session")
def build_folder():
    return Path(os.environ["OPHION_BUILD"]).resolve()


@pytest.fixture(scope="session")
def program(build_folder):
    return Program(build_folder)


@pytest.fixture
def place(tmp_path, program):
    return Workplace(tmp_path, program)


@pytest.fixture(scope="module")
def module_place(tmp_path_factory, program):
    """Like `place`, shared by the tests of one file: for what many of them look at."""
    return Workplace(tmp_path_factory.mktemp("shared"), program)


@pytest.fixture(scope="session")
def events_file(tmp_path_factory):
    """2,000 events of two Gaussians in Parquet, both classes in one file with a label."""
    return write_parquet(tmp_path_factory.mktemp("events") / "events.parquet", two_gaussians(2000))
