"""Scripts in worker processes: the program survives whatever they do, and the numbers are the same."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support import SCRIPTS, STANDARD, Run, by_label, columns_of, config, line, network, tree, write_parquet
from test_stop_and_resume import epochs_of, wait_for


def isolated(methods, samples, **more):
    return {**config(samples, methods), "isolation": "process", **more}


def guest(how="", when="train", name="guest"):
    return {"name": name, "type": "script", "script": str(SCRIPTS / "guest.py"), "params": {"how": how, "when": when}}


def good():
    """A method that does nothing but its work, in the same kind of worker."""
    return guest(name="good")


def workers_of(process):
    """Numbers of the worker processes that a program has."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if f"\nPPid:\t{process.pid}\n" in text and "Name:\tophion_worker" in text:
            found.append(int(status.parent.name))
    return found


def is_running(number):
    try:
        return "State:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_training_in_workers_gives_the_same_bits(place, events_file):
    methods = [network() | STANDARD, {**tree(), "transform": ["quantile"]}]
    here = place.train(config(by_label(events_file), methods, spectators=["event"]), "--output", "here")
    there = place.train(isolated(methods, by_label(events_file), data=config(by_label(events_file), methods, spectators=["event"])["data"]),
                        "--output", "there")
    assert set(here.scores) == set(there.scores)
    for name, numbers in here.scores.items():
        assert np.array_equal(numbers, there.scores[name]), name
    assert here.metrics["methods"]["mlp"]["metrics"] == there.metrics["methods"]["mlp"]["metrics"]
    assert here.history("mlp") == there.history("mlp")

    scores = [place.predict(here.model("mlp"), events_file, "--isolation", isolation, output=f"{isolation}.parquet")
              for isolation in ("none", "process")]
    for name, numbers in scores[0].items():
        assert np.array_equal(numbers, scores[1][name]), name


@pytest.mark.parametrize(
    "how, text",
    [
        ("exit", "method 'guest': train(): the worker process ended with exit status 7"),
        ("segfault", "method 'guest': train(): the worker process was ended by signal 11 (Segmentation fault)"),
        ("sys.exit", "SystemExit: 3"),
        ("raise", "ValueError: no luck"),
    ],
)
def test_a_training_that_ends_its_worker_fails_alone(place, events_file, how, text):
    run = place.train(isolated([guest(how), good()], by_label(events_file)))
    methods = run.metrics["methods"]
    assert methods["guest"]["status"] == "failed" and text in methods["guest"]["error"]
    assert methods["good"]["status"] == "done"
    if how == "raise":
        assert 'guest.py", line' in methods["guest"]["error"]


def test_a_memory_limit_stops_a_memory_bomb(place, events_file):
    run = place.train(isolated([guest("bomb"), good()], by_label(events_file), memory_limit=2_000_000_000))
    assert "MemoryError" in run.metrics["methods"]["guest"]["error"]
    assert run.metrics["methods"]["good"]["status"] == "done"


@pytest.mark.parametrize("how, text", [("network", "PermissionError: [Errno 1]"), ("write", "PermissionError: [Errno 13]")])
def test_without_rights_there_is_no_network_and_no_writing(place, events_file, how, text):
    run = place.train(isolated([guest(how), good()], by_label(events_file), drop_rights=True))
    assert text in run.metrics["methods"]["guest"]["error"]
    assert run.metrics["methods"]["good"]["status"] == "done"
    assert not (place / "stolen.txt").exists()


def test_a_reader_that_loops_for_ever_ends_at_the_time_limit(place, build_folder):
    (place / "loop.guest").touch()
    samples = [{"class": name, "files": "loop.guest", "tree": "one"} for name in ("signal", "background")]
    guests = {"OPHION_PLUGIN_PATH": build_folder / "tests" / "guests"}
    place.write("train.json", isolated([line()], samples, time_limit=0.5) | {"data": {"samples": samples, "features": ["strided"]}})
    done = place.run("train", "train.json", env=guests, status=1)
    assert f"reading {place / 'loop.guest'} took longer than its time_limit of 0.5 s; its worker process was ended" in done.stderr


def test_limits_of_readers_reach_them_when_files_are_scored(place, events_file):
    file = place.train(config(by_label(events_file), [tree()])).model("tree")
    scoring = ("predict", file, events_file, "--output", "s.parquet", "--overwrite")
    place.run(*scoring, "--isolation", "process", "--drop-rights", "--time-limit", 60)
    # The model needs no worker, so that it is the reader's that is meant.
    done = place.run(*scoring, "--backend", "native", "--isolation", "process", "--memory-limit", 1000000, status=1)
    assert "a worker process can't start within its memory_limit of 1000000 bytes" in done.stderr
    done = place.run(*scoring, "--drop-rights", status=2)
    assert "--drop-rights: needs --isolation process" in done.stderr


@pytest.mark.slow
def test_a_network_trains_and_keeps_checkpoints_without_rights(place, events_file):
    run = place.train(isolated([network(epochs=2)], by_label(events_file), drop_rights=True))
    assert list((run.folder / "checkpoints" / "mlp").iterdir())


def test_a_model_that_ends_its_worker_fails_the_scoring_alone(place, events_file):
    run = place.train(config(by_label(events_file), [guest("exit", when="predict")]))
    trap = {name: numbers[:3].copy() for name, numbers in columns_of(events_file).items()}
    trap["x0"][0] = 2e6
    write_parquet(place / "trap.parquet", trap)
    done = place.run("predict", run.model("guest"), "trap.parquet", "--output", "s.parquet", "--isolation", "process", status=1)
    assert "method 'guest': predict(): the worker process ended with exit status 7" in done.stderr
    assert not (place / "s.parquet").exists()


def test_what_a_script_prints_in_a_worker_is_logged(place, events_file):
    run = place.train(isolated([guest("print")], by_label(events_file)))
    lines = [line for line in (run.folder / "run.log").read_text().splitlines() if "line " in line]
    assert [line.rsplit(" ", 1)[1] for line in lines] == [str(i) for i in range(1000)]


def test_workers_end_with_a_program_that_is_killed(place, events_file):
    place.write("train.json", isolated([guest("loop")], by_label(events_file)))
    process = place.program.start("train", "train.json", cwd=place.path)
    # One that trains: the folder of its run is there.
    wait_for(lambda: list((place / "runs").glob("toy/*/checkpoints/guest")) and workers_of(process), process)
    workers = workers_of(process)
    assert workers
    before = set(os.listdir("/dev/shm"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for _ in range(500):
        if not any(map(is_running, workers)):
            break
        signal.sigtimedwait([], 0.01)
    assert not any(map(is_running, workers))
    assert set(os.listdir("/dev/shm")) <= before


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_epoch_of_a_worker(place, events_file):
    place.write("train.json", isolated([network(script=SCRIPTS / "slow.py", epochs=100000)], by_label(events_file)))
    process = place.program.start("train", "train.json", cwd=place.path)
    wait_for(lambda: epochs_of(place)[1] >= 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    run = Run(epochs_of(place)[0].folder)
    assert run.metrics["methods"]["mlp"]["status"] == "stopped"
    assert run.model("mlp").exists()


def test_limits_without_a_worker_are_refused(place, events_file):
    text = place.refused({**config(by_label(events_file), [line()]), "memory_limit": 1000}, verb="validate", status=2)
    assert "/memory_limit: holds for worker processes" in text
    text = place.refused(config(by_label(events_file), [line(), {**line("other"), "drop_rights": True}]), verb="validate", status=2)
    assert "/methods/1/drop_rights: holds for worker processes" in text
    json.loads(place.run("validate", place.write("good.json", isolated([line()], by_label(events_file), drop_rights=True)), "--json").stdout)
