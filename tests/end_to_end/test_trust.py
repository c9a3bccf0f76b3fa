"""A model's code is run only for who trained or accepted it, whatever its manifest says."""

import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import zipfile

import pytest
from support import SCRIPTS, assert_plain, by_label, config, tree

MARKING = {"name": "marking", "type": "script", "script": str(SCRIPTS / "marking.py")}


@pytest.fixture(scope="module")
def trained(module_place, events_file):
    """A run of two methods: one with a script, one that is mere numbers."""
    env = {"MARK": module_place / "mark.txt"}
    run = module_place.train(config(by_label(events_file), [MARKING, tree()]), env=env)
    assert (module_place / "mark.txt").exists()
    return run


@pytest.fixture
def model(trained):
    return trained.model("marking")


@pytest.fixture
def stranger(place):
    """The environment of another user: one with a store of their own, and a mark that shows whether the script was run."""
    return {"XDG_DATA_HOME": place / "data", "MARK": place / "mark.txt"}


def predict(place, model, events_file, env, *more, status=0):
    return place.run("predict", model, events_file, "--output", "scores.csv", "--overwrite", *more, env=env, status=status)


def forge(source, target, change):
    """The model file with another manifest and members, all of whose hashes fit."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    del members["manifest.sha256"]
    change(manifest, members)
    manifest["members"] = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in members.items()
    }
    text = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("manifest.sha256", hashlib.sha256(text).hexdigest() + "  manifest.json\n")
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def test_ones_own_models_run_in_every_program(place, model, events_file):
    predict(place, model, events_file, {"MARK": place / "mark.txt"})
    assert (place / "mark.txt").exists()


def test_a_strangers_model_runs_nothing_until_it_is_accepted(place, model, events_file, stranger):
    done = predict(place, model, events_file, stranger, status=1)
    assert_plain(done)
    assert done.stderr == (
        f"ophion: {model}: to load it is to run code (script/marking.py) from it, and you have neither trained nor accepted it. "
        f"If you trust whoever made it: ophion trust {model}\n"
    )
    shown = place.run("trust", model, env=stranger, status=2)
    assert "there is no terminal to ask on; nothing was trusted. Say --yes" in shown.stderr
    for line in (
        r"model +marking \(script\), classification",
        r"scripts +script/marking.py \([\d,]+ bytes\)",
        r"members +payload/0/model/mean \(12 bytes\)",
        r"to load it +runs its scripts, or hands over what can't be checked",
        r"from +\S+events.parquet",
        r"sha256 +[0-9a-f]{64}",
        r"trusted +no",
    ):
        assert re.search(f"^{line}$", shown.stdout, re.M), f"{line} is not in {shown.stdout}"
    assert not (place / "mark.txt").exists(), "the script was run"

    assert "trusted from now on" in place.run("trust", model, "--yes", env=stranger).stdout
    predict(place, model, events_file, stranger)
    assert (place / "mark.txt").exists()
    assert re.search(r"^trusted +accepted by you, 20", place.run("trust", model, env=stranger).stdout, re.M)


def test_a_strangers_model_runs_without_rights_where_it_is_isolated(place, model, events_file, stranger):
    """No question of trust arises, and nothing is asked to drop rights: they are gone all the same."""
    isolated = ("--isolation", "process")
    refused = predict(place, model, events_file, stranger, *isolated, status=1)
    assert "PermissionError" in refused.stderr and "mark.txt" in refused.stderr
    assert not (place / "mark.txt").exists()
    predict(place, model, events_file, stranger | {"MARK": "/dev/null"}, *isolated)
    assert (place / "scores.csv").exists()
    predict(place, model, events_file, {"MARK": place / "mark.txt"}, *isolated)
    assert (place / "mark.txt").exists(), "one's own model keeps its rights"


def test_a_kernel_without_landlock_refuses_a_strangers_model(place, model, events_file, stranger):
    done = subprocess.run(
        [sys.executable, SCRIPTS / "without_landlock.py", place.program.file, "predict", model, events_file]
        + ["--output", "s.csv", "--isolation", "process"],
        cwd=place.path,
        env=place.program.environment(**stranger),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "ophion: a worker process can't drop its rights: the kernel has no Landlock (Linux 5.13 or newer" in done.stderr
    assert not (place / "mark.txt").exists(), "the script was run"


def test_a_run_of_someone_else_resumes_in_workers_only_where_its_models_are_trusted(place, events_file, stranger):
    """The workers that train have their rights: a model that lies in the run folder must not get them."""
    env = {"MARK": place / "mark.txt"}
    script = place.write("mine.py", (SCRIPTS / "marking.py").read_text())
    run = place.train(config(by_label(events_file), [MARKING | {"script": str(script)}]) | {"isolation": "process"}, env=env)
    place.write("mine.py", (SCRIPTS / "marking.py").read_text().replace('open(os.environ["MARK"]', 'open(os.devnull'))
    (place / "mark.txt").unlink()
    again = place.run("train", "train.json", "--resume", run.folder, env=stranger, status=1)
    assert "to load it is to run code (script/mine.py) from it" in again.stderr
    assert not (place / "mark.txt").exists()
    place.run("train", "train.json", "--resume", run.folder, env=env)


def test_trust_is_listed_and_taken_back(place, model, events_file, stranger):
    place.run("trust", model, "--yes", env=stranger)
    (entry,) = json.loads(place.run("trust", "--list", "--json", env=stranger).stdout)
    assert (entry["how"], entry["name"], entry["type"], entry["file"]) == ("accepted", "marking", "script", str(model))
    assert entry["sha256"] in place.run("trust", "--list", env=stranger).stdout
    assert entry["sha256"] in place.run("inspect", model).stdout
    assert "is not trusted any more" in place.run("trust", "--remove", entry["sha256"][:8], env=stranger).stdout
    assert json.loads(place.run("trust", "--list", "--json", env=stranger).stdout) == []
    done = place.run("trust", "--remove", model, env=stranger, status=1)
    assert "was not trusted: 'ophion trust --list' shows what is" in done.stderr
    predict(place, model, events_file, stranger, status=1)


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("", 1), ("y", 0)])
def test_trust_asks_on_a_terminal(place, model, stranger, answer, status):
    try:
        ours, theirs = pty.openpty()
    except OSError:
        pytest.skip("this system has no terminals to give (/dev/pts)")
    os.write(ours, (answer + "\n").encode())
    done = subprocess.run(
        [place.program.file, "trust", model],
        stdin=theirs,
        capture_output=True,
        text=True,
        env=place.program.environment(**stranger),
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == status
    assert "May your programs run it from now on, with all your rights? [y/N]" in done.stderr
    assert len(json.loads(place.run("trust", "--list", "--json", env=stranger).stdout)) == (status == 0)


def test_a_manifest_that_denies_its_script_runs_nothing(place, model, events_file, stranger):
    def deny(manifest, members):
        manifest["payloads"][0]["carries_code"] = False

    forged = forge(model, place / "forged.ophion", deny)
    done = predict(place, forged, events_file, stranger, status=1)
    assert_plain(done)
    assert "run code (script/marking.py)" in done.stderr and "its manifest denies that it carries code" in done.stderr
    assert not (place / "mark.txt").exists(), "the script was run"


def test_a_script_that_another_method_does_not_know_runs_nothing(place, trained, events_file, stranger):
    """The members of a forest with a script beside them: nobody looks at it."""

    def smuggle(manifest, members):
        members["script/marking.py"] = (SCRIPTS / "marking.py").read_bytes()
        manifest["payloads"][0]["members"].append("script/marking.py")

    forged = forge(trained.model("tree"), place / "forged.ophion", smuggle)
    predict(place, forged, events_file, stranger)
    assert not (place / "mark.txt").exists(), "the script was run"


def test_mere_numbers_need_no_trust(place, trained, events_file, stranger):
    predict(place, trained.model("tree"), events_file, stranger)
    assert not (place / "data").exists(), "loading leaves a store behind"


def test_opaque_buffers_need_trust_even_where_the_manifest_denies_them(place, events_file, stranger):
    pytest.importorskip("xgboost")
    boosted = {"name": "boosted", "type": "sklearn", "estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 3}}
    file = place.train(config(by_label(events_file), [boosted])).model("boosted")

    def deny(manifest, members):
        manifest["payloads"][0]["carries_code"] = False

    for one in (file, forge(file, place / "forged.ophion", deny)):
        done = predict(place, one, events_file, stranger, "--backend", "python", status=1)
        assert "to run what can't be checked to be mere numbers (estimator.skops) from it" in done.stderr
        predict(place, one, events_file, stranger)  # natively: nothing of that is run
    place.run("trust", file, "--yes", env=stranger)
    predict(place, file, events_file, stranger, "--backend", "python")


def test_a_store_that_others_may_write_to_is_not_used(place, model, events_file, stranger):
    place.run("trust", model, "--yes", env=stranger)
    (place / "data" / "ophion" / "trusted").chmod(0o777)
    done = predict(place, model, events_file, stranger, status=1)
    assert "is not used: others may write to it (mode 0777; chmod 700 it)" in done.stderr
    assert not (place / "mark.txt").exists()


def test_without_a_home_a_model_is_made_and_its_maker_told(place, events_file):
    env = {"XDG_DATA_HOME": None, "HOME": None, "MARK": place / "mark.txt"}
    run = place.train(config(by_label(events_file), [MARKING]), env=env)
    assert "is not recorded as trained by you, so that other programs will ask for trust" in run.log
    done = predict(place, run.model("marking"), events_file, env, status=1)
    assert "neither XDG_DATA_HOME nor HOME names a folder" in done.stderr


def test_what_a_file_says_can_not_rewrite_the_terminal(place, model, stranger):
    def disguise(manifest, members):
        manifest["method"]["name"] = "harmless\u001b[2K\rtrusted yes\u009b1A"

    forged = forge(model, place / "forged.ophion", disguise)
    for verb in ("trust", "inspect"):
        shown = place.run(verb, forged, env=stranger, status=2 if verb == "trust" else 0).stdout
        assert r"harmless\x1b[2K\x0dtrusted yes\x9b1A" in shown
        assert "\x1b" not in shown and "\x9b" not in shown
