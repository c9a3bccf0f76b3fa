"""Worker processes of scripts: right results, and never a second copy of the host program."""

import subprocess

import pytest
from support import SCRIPTS, by_label, config


@pytest.fixture
def train(place, events_file):
    """Trains, and gives back what was said."""
    def run(method, **environment):
        place.write("train.json", config(by_label(events_file), [method]))
        done = subprocess.run(
            [place.program.file, "train", "train.json", "--json"],
            cwd=place.path,
            env=place.program.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        # A second copy of the host would be `ophion -c "from multiprocessing…"`: wrong usage, which it says.
        assert "usage" not in done.stderr.lower() and "unknown option" not in done.stderr.lower(), done.stderr
        return done.stderr

    return run


def loader(**params):
    return {"name": "net", "type": "pytorch", "script": str(SCRIPTS / "workers.py"), "params": params}


@pytest.mark.parametrize("start", ["fork", pytest.param("forkserver", marks=pytest.mark.slow), pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_dataloader_has_two_workers(train, start):
    assert f"| workers {start} 2" in train(loader(start=start), OMP_NUM_THREADS=2)


@pytest.mark.slow
def test_workers_may_use_openmp_after_the_program_did(train):
    """A forked one would wait for ever for threads that it has not got: so it is not forked unless the script says so."""
    assert "| workers None 2" in train(loader(in_worker=True), OMP_NUM_THREADS=2)


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_joblib_has_two_workers(train, backend):
    method = {"name": "jobs", "type": "script", "script": str(SCRIPTS / "jobs.py"), "params": {"backend": backend}}
    assert f"| jobs {backend}" in train(method, OMP_NUM_THREADS=2)


def test_a_forgotten_worker_does_not_hold_up_the_end(train):
    err = train({"name": "forgetful", "type": "script", "script": str(SCRIPTS / "forgetful.py")})
    assert "forgetful.py: train() left something running: the process 'sleeper'" in err
