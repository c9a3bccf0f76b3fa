"""Killed at any moment, or with no room on the disk: what was complete stays so, and the run goes on when asked to."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from support import Run, assert_plain, by_label, config, line, network

SLOW = os.environ.get("OPHION_SLOW_TESTS") == "1"
METHODS = [line("first"), network("mlp", epochs=6, scheduler={"type": "one_cycle"}), line("last")]


def newest_run(place):
    runs = [folder for folder in (place / "runs" / "toy").glob("2*") if (folder / "config.resolved.json").exists()]
    return max(runs, key=lambda folder: folder.stat().st_mtime) if runs else None


def demand_whole(place, run):
    """Whatever is there can be read; what isn't complete isn't there."""
    for file in run.glob("models/*"):
        if not file.name.startswith("."):  # the beginnings that a killed writer leaves
            place.run("inspect", file)
    for file in run.glob("history/*.jsonl"):
        for text in file.read_text().splitlines(keepends=True):
            assert not text.endswith("\n") or json.loads(text)["epoch"] >= 1
    json.loads((run / "config.resolved.json").read_text())


def demand_same(whole, run):
    """The run that was disturbed ended as the one that wasn't."""
    assert {name: entry["status"] for name, entry in run.metrics["methods"].items()} == dict.fromkeys(("first", "mlp", "last"), "done")
    for name in ("first_score", "mlp_score", "last_score"):
        assert np.array_equal(whole.scores[name], run.scores[name]), name
    assert run.history("mlp")[-1]["loss"] == whole.history("mlp")[-1]["loss"]
    left = [file for file in run.folder.rglob("*") if ".part" in file.name]
    assert not left, f"unfinished files were left: {left}"


@pytest.fixture(scope="module")
def undisturbed(module_place, events_file):
    begin = time.monotonic()
    run = module_place.train(config(by_label(events_file), METHODS))
    return run, time.monotonic() - begin


@pytest.mark.slow  # quick: DurableFile.IsTheOldOneOrTheNewOneAfterAKillAtAnyMoment, test_a_killed_run_goes_on_where_it_was
def test_a_run_that_is_killed_at_random_moments_ends_as_one_that_is_not(place, events_file, undisturbed):
    whole, seconds = undisturbed
    place.write("train.json", config(by_label(events_file), METHODS))
    draw = random.Random(11)
    for _ in range(12):
        run = newest_run(place)
        process = place.program.start("train", "train.json", *(["--resume", run] if run else []), cwd=place.path)
        try:
            process.wait(timeout=draw.uniform(0.3, 1) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if newest_run(place):
            demand_whole(place, newest_run(place))
        if process.returncode == 0:  # it was done before it could be killed: the next kills hit a new one
            demand_same(whole, Run(newest_run(place)))
            shutil.rmtree(place / "runs")
    run = newest_run(place)
    done = place.run("train", "train.json", "--json", *(["--resume", run] if run else []))
    demand_same(whole, Run(newest_run(place)))
    assert json.loads(done.stdout)["best"]


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of some size, and changes it; a test that may not mount is skipped by name."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        done = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"needs a file system of its own, which may not be mounted here: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", "-l", folder], capture_output=True)


@pytest.mark.parametrize("kilobytes", [4, 24, 40, 64, 120] if SLOW else [24])
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(place, events_file, undisturbed, small_disk, kilobytes):
    whole, _ = undisturbed
    place.write("train.json", config(by_label(events_file), METHODS))
    disk = small_disk("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs")
    done = place.run("train", "train.json", "--output", disk, status=1)
    assert_plain(done)
    assert re.search(rf"{disk}\S*.*No space left on device|cannot write {disk}", done.stderr), done.stderr
    runs = list((disk / "toy").glob("2*")) if (disk / "toy").exists() else []
    small_disk("-o", "remount,size=20m")
    if not runs or not (runs[0] / "config.resolved.json").exists():
        return  # there was not even room for its beginning
    demand_whole(place, runs[0])
    place.run("train", "train.json", "--output", disk, "--resume", runs[0])
    demand_same(whole, Run(runs[0]))


def test_a_limit_on_the_size_of_files_is_named(place, events_file):
    """Where nothing can be mounted this stands for the full disk."""
    place.write("train.json", config(by_label(events_file), [line()]))
    command = f"trap '' XFSZ; ulimit -f 4; exec {place.program.file} train train.json"  # in KiB
    done = subprocess.run(
        ["bash", "-c", command], cwd=place.path, env=place.program.environment(), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 1, done.stderr
    assert_plain(done)
    assert re.search(r"cannot write \S+/models/line.ophion: File too large", done.stderr), done.stderr
    assert not list((place / "runs").glob("toy/*/models/*")), "nothing half done"


def test_a_read_only_folder_is_named(place, events_file, small_disk):
    place.write("train.json", config(by_label(events_file), [line()]))
    disk = small_disk("-t", "tmpfs", "-o", "ro", "tmpfs")
    done = place.run("train", "train.json", "--output", disk, status=1)
    assert_plain(done)
    assert f"cannot make the folder {disk}/toy: Read-only file system" in done.stderr
    model = place.train(config(by_label(events_file), [line()])).model("line")
    done = place.run("predict", model, events_file, "--output", disk / "scores.parquet", status=1)
    assert_plain(done)
    assert str(disk / "scores.parquet") in done.stderr and "Read-only file system" in done.stderr


@pytest.mark.parametrize("arguments", [["methods"], ["methods", "--json"], ["--help"]])
def test_output_that_finds_no_room_is_no_success(place, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [place.program.file, *arguments], stdout=full, stderr=subprocess.PIPE, env=place.program.environment(), text=True, timeout=240
        )
    assert done.returncode == 1
    assert done.stderr.endswith("ophion: cannot write to stdout: No space left on device\n")


def test_a_store_that_can_not_be_written_costs_no_training(place, events_file, small_disk):
    disk = small_disk("-t", "tmpfs", "-o", "ro", "tmpfs")
    run = place.train(config(by_label(events_file), [line()]), env={"XDG_DATA_HOME": disk})
    assert "is not recorded as trained by you" in run.log and "Read-only file system" in run.log
    assert run.metrics["methods"]["line"]["status"] == "done"
