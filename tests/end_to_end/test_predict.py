"""A model in another process and another folder: ophion predict, and a C++ program that knows only the file."""

import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import uproot
from support import STANDARD, USER_SCRIPTS, assert_plain, by_label, columns_of, config, network, tree, two_gaussians, write_parquet


@pytest.fixture(scope="module")
def kept(module_place, events_file, tmp_path_factory):
    """Two models away from where they were trained; the script, its sibling and the run folder's place are gone."""
    for name in ("mlp.py", "layers.py"):
        shutil.copy(USER_SCRIPTS / name, module_place.path)
    methods = [network(script="mlp.py") | STANDARD, tree()]
    run = module_place.train(config(by_label(events_file), methods, spectators=["event"]))
    scores = run.scores
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("mlp", "tree"):
        shutil.copy(run.model(name), folder)
    for name in ("mlp.py", "layers.py"):
        (module_place / name).unlink()
    shutil.rmtree(module_place / "runs")
    events = columns_of(events_file)
    return SimpleNamespace(
        mlp=folder / "mlp.ophion",
        tree=folder / "tree.ophion",
        scores=scores,
        entry=scores["entry"].astype(np.int64),
        events=events,
        x=np.column_stack([events[name] for name in ("x0", "x1", "x2")]),
    )


@pytest.mark.parametrize("name", ["mlp", "tree"])
def test_a_cpp_program_gets_the_scores_of_the_training_bit_for_bit(place, kept, name):
    """Part by part, as the run scored them: how a network rounds may depend on the rows that are scored with a row."""
    for part in range(3):
        chosen = kept.scores["part"] == part
        scores = place.program.score(getattr(kept, name), kept.x[kept.entry[chosen]], cwd=place.path)
        assert np.array_equal(scores, kept.scores[f"{name}_score"][chosen])


def test_the_program_writes_the_scores_of_the_training_bit_for_bit(place, kept, events_file):
    """The network's, to CSV: the shortest text that gives the same float32 again."""
    test = kept.scores["part"] == 2
    events = {name: values[kept.entry[test]] for name, values in kept.events.items()}
    write_parquet(place / "test.parquet", events)
    text = place.run("predict", kept.mlp, "test.parquet", "--output", "scores.csv", "--threads", 1, "--json").stdout
    assert f'"events": {test.sum()}' in text and '"output": "scores.csv"' in text
    scores = columns_of(place / "scores.csv")
    assert np.array_equal(scores["score"].astype(np.float32), kept.scores["mlp_score"][test])
    assert np.array_equal(scores["event"], events["event"])
    # All events at once: the same but for the last bits.
    whole = place.predict(kept.mlp, events_file, output="whole.parquet")["score"]
    assert whole[kept.entry] == pytest.approx(kept.scores["mlp_score"], rel=1e-5)


@pytest.mark.parametrize("output", ["scores.parquet", "scores.root"])
def test_scores_stand_in_the_order_of_the_events_beside_exact_event_numbers(place, kept, events_file, output):
    scores = place.predict(kept.tree, events_file, output=output)
    assert list(scores) == ["event", "score"]
    assert scores["score"].dtype == np.float32
    assert np.array_equal(scores["score"][kept.entry], kept.scores["tree_score"])
    assert scores["event"].dtype == np.int64, "2^60 and more: no floating-point number holds them"
    assert np.array_equal(scores["event"], kept.events["event"])
    if output.endswith(".root"):
        with uproot.open(place / output) as file:
            assert file["scores"].num_entries == 2000


def test_a_file_larger_than_a_chunk_is_streamed(place, kept):
    """3 million events, 72 MB in chunks of 16 MB: the order and every event number come through, in bounded memory."""
    many = two_gaussians(3_000_000, seed=9)
    file = write_parquet(place / "many.parquet", {name: many[name] for name in ("x0", "x1", "x2", "event")})
    scores = place.predict(kept.tree, file, output="scores.parquet")
    assert np.array_equal(scores["event"], many["event"])
    step = 1 + len(many["x0"]) // 5000  # what single events score, all over the file
    rows = np.column_stack([many[name][::step] for name in ("x0", "x1", "x2")])
    assert np.array_equal(scores["score"][::step], place.program.score(kept.tree, rows, cwd=place.path))


def test_several_files_of_several_formats_are_one_output(place, kept):
    first, second = two_gaussians(300, seed=2), two_gaussians(200, seed=3)
    write_parquet(place / "first.parquet", first)
    with uproot.recreate(place / "second.root") as file:
        file.mktree("events", {name: values.dtype for name, values in second.items()}).extend(second)
    np.savez(place / "third.npz", x2=first["x2"], x1=first["x1"], x0=first["x0"], event=first["event"])
    scores = place.predict(kept.tree, "first.parquet", "second.root", "third.npz", output="scores.parquet")
    assert np.array_equal(scores["event"], np.concatenate([first["event"], second["event"], first["event"]]))
    assert np.array_equal(scores["score"][:300], scores["score"][500:])


def test_a_spectator_that_is_not_there_is_left_out_with_a_warning(place, kept):
    events = two_gaussians(50)
    del events["event"]
    write_parquet(place / "few.parquet", events)
    done = place.run("predict", kept.tree, "few.parquet", "--output", "scores.parquet")
    assert list(columns_of(place / "scores.parquet")) == ["score"]
    assert "has no column 'event', a spectator of the training" in done.stderr


def test_an_output_that_is_there_is_refused_and_untouched(place, kept, events_file):
    place.write("scores.csv", "precious")
    done = place.run("predict", kept.tree, events_file, "--output", "scores.csv", status=1)
    assert_plain(done)
    assert "scores.csv" in done.stderr and "exists already" in done.stderr
    assert (place / "scores.csv").read_text() == "precious"
    place.run("predict", kept.tree, events_file, "--output", "scores.csv", "--overwrite")
    assert len(columns_of(place / "scores.csv")["score"]) == 2000


def test_scores_never_take_the_place_of_the_events(place, kept, events_file):
    shutil.copy(events_file, place / "mine.parquet")
    (place / "same.parquet").symlink_to("mine.parquet")
    before = (place / "mine.parquet").read_bytes()
    for output in ("mine.parquet", "same.parquet", "./mine.parquet"):
        done = place.run("predict", kept.tree, events_file, "mine.parquet", "--output", output, "--overwrite", status=1)
        assert_plain(done)
        assert f"{output}: is one of the files to score" in done.stderr
    assert (place / "mine.parquet").read_bytes() == before


def test_numbers_that_can_not_be_are_wrong_usage(place, kept, events_file):
    for option, number in (("--threads", "-1"), ("--time-limit", "nan"), ("--threads", "two")):
        said = place.run("predict", kept.tree, events_file, "--output", "out.csv", option, number, status=2).stderr
        assert said.startswith(f"{option}: expected a number from 0 on, found '{number}'\n")


def refused(place, *arguments):
    """Exit status 1, a message, and nothing left behind."""
    before = sorted(entry.name for entry in place.path.iterdir())
    done = place.run("predict", *arguments, "--output", "out.parquet", status=1)
    assert_plain(done)
    assert sorted(entry.name for entry in place.path.iterdir()) == before
    return done.stderr


def test_wrong_names_are_answered_with_the_nearest(place, kept, events_file):
    events = two_gaussians(60)
    events["x_1"] = events.pop("x1")
    with uproot.recreate(place / "two.root") as file:
        for name in ("signal", "background"):
            file.mktree(name, {key: values.dtype for key, values in events.items()}).extend(events)
    text = refused(place, kept.tree, "two.root", "--tree", "signal")
    assert "two.root" in text and "no column 'x1'" in text and "x_1" in text
    text = refused(place, kept.tree, "two.root", "--tree", "signl")
    assert "no tree 'signl'; nearest: signal" in text
    text = refused(place, kept.tree, "two.root")
    assert "signal" in text and "background" in text, "several trees and none named: it lists them"
    assert "nowhere.parquet" in refused(place, kept.tree, "nowhere.parquet")
    assert ".parquet" in refused(place, kept.tree, place.write("events.txt", "x0 x1 x2")), "an unknown format lists the known"


def test_a_format_that_cannot_be_written_is_refused(place, kept, events_file):
    done = place.run("predict", kept.tree, events_file, "--output", "out.xls", status=1)
    assert "out.xls" in done.stderr and ".parquet" in done.stderr and "Traceback" not in done.stderr
    done = place.run("predict", kept.tree, events_file, "--output", "no/such/folder/out.csv", status=1)
    assert "no/such/folder/out.csv" in done.stderr and "Traceback" not in done.stderr


def test_damaged_models_are_refused_before_anything_of_them_runs(place, kept, events_file):
    whole = kept.mlp.read_bytes()
    cut = place / "cut.ophion"
    cut.write_bytes(whole[: len(whole) // 2])
    assert "cut.ophion" in refused(place, cut, events_file)
    empty = place / "empty.ophion"
    empty.write_bytes(b"")
    assert "empty.ophion" in refused(place, empty, events_file)
    text = place.write("text.ophion", "no model at all")
    assert "text.ophion" in refused(place, text, events_file)
    assert "gone.ophion" in refused(place, "gone.ophion", events_file)
    assert str(place.path.name) in refused(place, place.path, events_file), "a folder is no model"

    altered = place / "altered.ophion"  # a member that is not what the manifest says, in a whole archive
    with zipfile.ZipFile(kept.mlp) as old, zipfile.ZipFile(altered, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"import", b"IMPORT") if name.endswith("mlp.py") else content)
    text = refused(place, altered, events_file)
    assert "altered.ophion" in text and "mlp.py" in text


def test_damaged_data_files_are_refused(place, kept, events_file):
    events = two_gaussians(20000)
    whole = write_parquet(place / "whole.parquet", events).read_bytes()
    (place / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with uproot.recreate(place / "whole.root") as file:
        file.mktree("events", {name: values.dtype for name, values in events.items()}).extend(events)
    whole = (place / "whole.root").read_bytes()
    (place / "cut.root").write_bytes(whole[: len(whole) // 2])
    (place / "empty.root").write_bytes(b"")
    (place / "half.csv").write_text("x0,x1,x2,event\n1,2,3,4\n1,2\n")
    for name in ("cut.parquet", "cut.root", "empty.root", "half.csv"):
        assert name in refused(place, kept.tree, name)
    # The first of two files is whole: still nothing is left.
    assert "cut.parquet" in refused(place, kept.tree, events_file, "cut.parquet")
