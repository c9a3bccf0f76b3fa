"""PyTorch's training loop: against a plain one, losses, schedules, optimizers, early stopping, losses that become NaN."""

import logging
import math
import textwrap

import numpy as np
import pytest
import torch
from conftest import gaussians, linear_targets, regression
from pytorch_toys import LINEAR, data, network, told, trained, training, weights
from torch import nn
from torch.nn import functional

from ophion.contract import TrainingData
from ophion.methods import _torch_optimizers, _torch_training, pytorch_method


def plain_training(part, make, epochs, batch, rate, seed):
    """What a user would write: shuffled batches, weighted mean loss, Adam."""
    torch.manual_seed(seed)
    model = make()
    x, y = torch.from_numpy(part.x.copy()), torch.from_numpy(part.y.astype(np.float32))
    w = torch.from_numpy((part.w / part.w.mean()).astype(np.float32))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    shuffle = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x), generator=shuffle).split(batch):
            loss = functional.binary_cross_entropy_with_logits(model(x[rows])[:, 0], y[rows], reduction="none")
            optimizer.zero_grad()
            (loss * w[rows]).mean().backward()
            optimizer.step()
    return model.eval()


def test_training_is_that_of_a_plain_loop_bit_for_bit():
    part = gaussians(500, weights=np.random.default_rng(2).uniform(0.2, 3, 500))
    model = trained(parts=TrainingData(part), params={"hidden": 8, "dropout": 0.1})
    torch.set_num_threads(1)

    def make():
        return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))

    plain = plain_training(part, make, 4, 64, 0.01, 7)
    assert [torch.equal(a, b) for a, b in zip(model.model.state_dict().values(), plain.state_dict().values())] == [
        True
    ] * 4
    with torch.no_grad():
        expected = torch.sigmoid(plain(torch.from_numpy(part.x.copy()))[:, 0]).numpy()
    assert np.array_equal(pytorch_method.predict(model, part.x), expected)


def test_progress_tells_epoch_losses_and_learning_rate():
    reports = []
    trained(reports=reports, training=training(epochs=3, scheduler={"type": "exponential", "gamma": 0.5}))
    assert [(epoch, epochs) for epoch, epochs, _ in reports] == [(1, 3), (2, 3), (3, 3)]
    assert told(reports, "learning_rate") == pytest.approx([0.01, 0.005, 0.0025])
    assert all({"loss", "validation/loss"} < metrics.keys() for _, _, metrics in reports)


def test_the_reported_validation_loss_is_the_weighted_mean():
    from sklearn.metrics import log_loss

    weighted = np.random.default_rng(3).uniform(0.1, 2, 200)
    parts = TrainingData(gaussians(400), gaussians(200, seed=9, weights=weighted))
    reports = []
    model = trained(parts=parts, reports=reports, training=training(epochs=1))
    scores = pytorch_method.predict(model, parts.validation.x)
    assert reports[0][2]["validation/loss"] == pytest.approx(
        log_loss(parts.validation.y, scores, sample_weight=weighted), rel=1e-5
    )


def test_the_default_loss_of_targets_is_their_mean_square():
    parts = linear_targets(400)
    reports = []
    model = trained(parts=parts, spec=regression(("a", "b")), reports=reports, training=training(epochs=1))
    scores = pytorch_method.predict(model, parts.validation.x)
    assert reports[0][2]["validation/loss"] == pytest.approx(np.mean((scores - parts.validation.y) ** 2), rel=1e-5)


OVERFITS = """
from torch import nn
def get_model(spec):
    layers = [nn.Linear(spec.n_features, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, spec.n_outputs)]
    return nn.Sequential(*layers)
"""


def test_the_best_epoch_is_kept_and_training_ends_early(script):
    parts = TrainingData(gaussians(40, d=0.5), gaussians(400, d=0.5, seed=9))
    reports = []
    options = training(epochs=60, learning_rate=0.02, early_stopping={"patience": 4})
    model = trained(script("net.py", OVERFITS), parts, reports=reports, training=options)
    losses = told(reports, "validation/loss")
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4 < 60
    scores = pytorch_method.predict(model, parts.validation.x).astype(float)
    expected = -np.mean(np.log(np.where(parts.validation.y == 1, scores, 1 - scores)))
    assert expected == pytest.approx(losses[best], rel=1e-4) and losses[-1] > 1.05 * losses[best]


def test_early_stopping_without_a_validation_part_says_so(caplog):
    reports = []
    with caplog.at_level(logging.WARNING, "ophion"):
        trained(parts=data(m=0), reports=reports, training=training(early_stopping={"patience": 1}))
    assert len(reports) == 4 and "early_stopping needs a validation part" in caplog.text


def test_a_rehearsal_is_one_epoch_and_leaves_nothing(tmp_path):
    reports = []
    trained(rehearsal=True, reports=reports, checkpoints=tmp_path / "c", training=training(epochs=1000000))
    assert reports == [] and not (tmp_path / "c").exists()


SCHEDULERS = [
    ({"type": "cosine", "eta_min": 0.0}, lambda e: 0.01 * 0.5 * (1 + math.cos(math.pi * e / 6))),
    ({"type": "step", "step_size": 2, "gamma": 0.5}, lambda e: 0.01 * 0.5 ** (e // 2)),
    ({"type": "exponential", "gamma": 0.9}, lambda e: 0.01 * 0.9**e),
    (None, lambda e: 0.01),
]


@pytest.mark.parametrize(
    ("scheduler", "rate"), SCHEDULERS, ids=lambda one: one["type"] if isinstance(one, dict) else ""
)
def test_a_schedule_by_name_gives_its_learning_rates(scheduler, rate):
    reports = []
    trained(reports=reports, training=training(epochs=6, scheduler=scheduler))
    assert told(reports, "learning_rate") == pytest.approx([rate(epoch) for epoch in range(6)])


def test_a_plateau_lowers_the_learning_rate(script):
    reports = []
    constant = LINEAR + "def get_loss(spec):\n    return lambda output, target: output * 0 + 1\n"
    trained(
        script("c.py", constant),
        reports=reports,
        training=training(epochs=5, scheduler={"type": "plateau", "patience": 1, "factor": 0.1}),
    )
    rates = told(reports, "learning_rate")
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.001, 0.001])


@pytest.mark.parametrize("optimizer", ["adam", {"type": "sgd", "momentum": 0.9}, "sgd", "rmsprop"])
def test_one_cycle_rises_to_its_top_and_falls(optimizer):
    reports = []
    trained(
        reports=reports,
        training=training(
            epochs=10, optimizer=optimizer, scheduler={"type": "one_cycle", "max_lr": None, "pct_start": 0.5}
        ),
    )
    rates = told(reports, "learning_rate")
    assert max(rates) == pytest.approx(0.1, rel=0.05) and rates[-1] < rates[0] < max(rates)


def test_one_cycle_that_rises_in_one_step_begins_at_its_top():
    reports = []
    one_cycle = {"type": "one_cycle", "max_lr": 0.1, "pct_start": 0.1}
    trained(reports=reports, training=training(epochs=10, batch_size=1000, scheduler=one_cycle))
    expected = [0.1 * 0.5 * (1 + math.cos(math.pi * epoch / 9)) for epoch in range(10)]  # what each epoch was trained with
    assert told(reports, "learning_rate") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", sorted(_torch_optimizers.OPTIMIZERS))
def test_every_optimizer_by_name_learns(name):
    reports = []
    trained(reports=reports, training=training(epochs=3, optimizer=name, learning_rate=0.01))
    assert reports[-1][2]["loss"] < reports[0][2]["loss"]


def test_gradients_are_clipped(script):
    huge = LINEAR + "def get_loss(spec):\n    return lambda output, target: 1e6 * output\n"
    before = trained(script("n.py", huge), training=training(epochs=1, optimizer="sgd", learning_rate=1e-30))
    after = trained(
        script("n.py", huge),
        training=training(epochs=1, batch_size=400, optimizer="sgd", learning_rate=1.0, gradient_clip=0.5),
    )
    moved = sum(((a - b) ** 2).sum() for a, b in zip(weights(before).values(), weights(after).values()))
    assert math.sqrt(moved) == pytest.approx(0.5, rel=1e-4)


def test_a_last_batch_of_one_event_joins_the_one_before(script):
    norm = network("nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))")
    trained(script("norm.py", norm), data(129), training=training(epochs=1))
    assert _torch_training._batch_starts(129, 64) == [0, 64] and _torch_training._batch_starts(130, 64) == [0, 64, 128]


def test_a_loss_that_becomes_nan_is_an_error(script):
    nan = LINEAR + "def get_loss(spec):\n    return lambda output, target: output * float('nan')\n"
    with pytest.raises(ValueError, match="nan.py: the loss became nan in epoch 1: try a smaller learning_rate"):
        trained(script("nan.py", nan))


def test_a_loss_that_becomes_nan_later_keeps_the_best_epoch(script, caplog):
    late = LINEAR + textwrap.dedent("""\
        def get_loss(spec):
            calls = []
            def loss(output, target):
                calls.append(1)
                return (output - target) ** 2 * (float('nan') if len(calls) > 20 else 1)
            return loss
        """)
    with caplog.at_level(logging.WARNING, "ophion"):
        model = trained(script("late.py", late), training=training(epochs=50))
    assert "late.py: the loss became nan in epoch" in caplog.text
    assert all(torch.isfinite(one).all() for one in weights(model).values())


def test_weights_that_sum_to_nothing_are_an_error():
    with pytest.raises(ValueError, match="the training part's weights have a mean of 0"):
        trained(parts=TrainingData(gaussians(100, weights=np.zeros(100))))
