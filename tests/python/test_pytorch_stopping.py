"""PyTorch trainings that end before their last epoch: what is kept of them, checkpoints, and how they go on."""

import random

import numpy as np
import pytest
import torch
from pytorch_toys import LINEAR, data, equal, trained, training, weights

from ophion.errors import DataError
from ophion.methods import _torch_checkpoint


def test_the_host_can_stop_and_gets_the_best_epoch():
    reports = []
    model = trained(reports=reports, keep_going=lambda epoch: epoch < 2, training=training(epochs=50))
    assert len(reports) == 2
    assert equal(weights(model), weights(trained(training=training(epochs=2))))


INTERRUPTED = (
    LINEAR
    + """
def training_step(model, batch, ctx):
    if (ctx.epoch, ctx.rehearsal) == (ctx.params["epoch"], False):
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(float("nan"))       # half-way through an optimizer's step anything may be in there
        raise KeyboardInterrupt             # as the C++ side raises it, anywhere
    return (batch.w * (model(batch.x)[:, 0] - batch.y) ** 2).mean()
"""
).replace("def get_model(spec", "def get_model(spec, epoch=0")


@pytest.mark.parametrize("validation", [200, 0])
def test_an_interruption_inside_an_epoch_keeps_what_was_whole(script, validation):
    """The best epoch, or without a validation part the last one."""
    path, parts, reports = script("interrupted.py", INTERRUPTED), data(m=validation), []
    stopped = trained(path, parts, params={"epoch": 3}, reports=reports)
    assert [epoch for epoch, _, _ in reports] == [1, 2]
    whole = trained(path, parts, params={"epoch": 0}, training=training(epochs=2))
    assert equal(weights(stopped), weights(whole))


def test_an_interruption_before_the_first_epoch_is_over_leaves_nothing(script):
    with pytest.raises(KeyboardInterrupt):
        trained(script("interrupted.py", INTERRUPTED), params={"epoch": 1})


@pytest.mark.parametrize(
    "scheduler",
    [None, {"type": "one_cycle", "max_lr": 0.05, "pct_start": 0.3}, {"type": "plateau", "patience": 0, "factor": 0.5}],
)
def test_a_resumed_training_ends_as_an_uninterrupted_one(tmp_path, scheduler):
    options = training(epochs=8, scheduler=scheduler, early_stopping={"patience": 6})
    params = {"hidden": 8, "dropout": 0.3}
    through = trained(params=params, training=options)
    trained(params=params, training=options, checkpoints=tmp_path, keep_going=lambda epoch: epoch < 3)
    torch.rand(5), np.random.random(5), random.random()
    reports = []
    resumed = trained(params=params, training=options, checkpoints=tmp_path, resume=True, reports=reports)
    assert reports[0][0] == 4
    assert equal(weights(through), weights(resumed))
    again = trained(params=params, training=options, checkpoints=tmp_path, resume=True, reports=(late := []))
    assert late == [] and equal(weights(again), weights(resumed))


def test_a_crash_leaves_the_checkpoint_of_the_last_epoch(tmp_path):
    class Crash(Exception):
        pass

    def crash(epoch):
        if epoch == 3:
            raise Crash
        return True

    with pytest.raises(Crash):
        trained(checkpoints=tmp_path, keep_going=crash)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["best.pt", "newest.pt"]
    assert torch.load(tmp_path / "newest.pt", weights_only=True)["epoch"] == 3
    assert equal(weights(trained(checkpoints=tmp_path, resume=True)), weights(trained()))


def test_a_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path):
    reports = []
    trained(checkpoints=tmp_path, resume=True, reports=reports)
    assert reports[0][0] == 1


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path):
    checkpoints = _torch_checkpoint.Checkpoints(str(tmp_path))
    checkpoints.write("newest.pt", {"epoch": 1})
    (tmp_path / "newest.pt.part").symlink_to("/dev/full")
    with pytest.raises(DataError) as caught:
        checkpoints.write("newest.pt", {"epoch": 2, "weights": torch.zeros(10_000)})
    assert str(caught.value) == f"{tmp_path}/newest.pt: the checkpoint can't be written: No space left on device"
    assert checkpoints.read("newest.pt") == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["newest.pt"]


def test_a_checkpoint_that_holds_code_is_refused(tmp_path):
    torch.save({"epoch": 1, "model": print}, tmp_path / "newest.pt")
    with pytest.raises(ValueError, match="newest.pt: the checkpoint can't be read with tensors and plain values only"):
        trained(checkpoints=tmp_path, resume=True)
