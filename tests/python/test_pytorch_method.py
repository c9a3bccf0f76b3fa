"""The method "pytorch": the script's functions, the loop against a plain one, checkpoints, memory, refusals."""

import json
import logging
import math
import random
import textwrap

import numpy as np
import pytest
import safetensors.torch
import torch
from conftest import SCRIPTS, classification, context, events, gaussians, linear_targets, regression
from torch import nn
from torch.nn import functional

from ophion.contract import TrainingData
from ophion.errors import DataError, OptionError
from ophion.methods import _torch_checkpoint, _torch_training, pytorch_method

MLP = str(SCRIPTS / "mlp.py")
LINEAR = (
    "from torch import nn\nimport torch\ndef get_model(spec):\n    return nn.Linear(spec.n_features, spec.n_outputs)\n"
)


def data(n=400, m=200, **more):
    return TrainingData(gaussians(n, **more), gaussians(m, seed=9, **more) if m else None)


def training(**given):
    return {"epochs": 4, "batch_size": 64, "learning_rate": 0.01} | given


def trained(script=MLP, parts=None, spec=None, **more):
    ctx = context("pytorch", spec or classification(), script=script, **({"training": training()} | more))
    pytorch_method.check(ctx)
    return pytorch_method.train(parts or data(), ctx)


def weights(model):
    return {name: value.clone() for name, value in model.model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def refused(script=MLP, **more):
    with pytest.raises(OptionError) as caught:
        pytorch_method.check(context("pytorch", classification(), script=script, **more))
    return caught.value.pointer, caught.value.problem


# The loop


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
    assert [metrics["learning_rate"] for _, _, metrics in reports] == pytest.approx([0.01, 0.005, 0.0025])
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
    losses = [metrics["validation/loss"] for _, _, metrics in reports]
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


def test_the_host_can_stop_and_gets_the_best_epoch():
    reports = []
    model = trained(reports=reports, keep_going=lambda epoch: epoch < 2, training=training(epochs=50))
    assert len(reports) == 2
    assert equal(weights(model), weights(trained(training=training(epochs=2))))


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
    assert [metrics["learning_rate"] for _, _, metrics in reports] == pytest.approx([rate(epoch) for epoch in range(6)])


def test_a_plateau_lowers_the_learning_rate(script):
    reports = []
    constant = LINEAR + "def get_loss(spec):\n    return lambda output, target: output * 0 + 1\n"
    trained(
        script("c.py", constant),
        reports=reports,
        training=training(epochs=5, scheduler={"type": "plateau", "patience": 1, "factor": 0.1}),
    )
    rates = [metrics["learning_rate"] for _, _, metrics in reports]
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
    rates = [metrics["learning_rate"] for _, _, metrics in reports]
    assert max(rates) == pytest.approx(0.1, rel=0.05) and rates[-1] < rates[0] < max(rates)


@pytest.mark.parametrize("name", sorted(_torch_training.OPTIMIZERS))
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
    norm = LINEAR.replace(
        "return nn.Linear(spec.n_features, spec.n_outputs)", "return nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))"
    )
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


# Checkpoints and resume


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


# The script's functions

OWN = (
    LINEAR
    + """
def get_loss(spec):
    return lambda output, target: (output - target).abs()

def configure_optimizers(model, spec, training):
    optimizer = torch.optim.SGD(model.parameters(), lr=training["learning_rate"])
    return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)

def training_step(model, batch, ctx):
    assert ctx.spec.n_features == 2 and ctx.epochs == 4 and 1 <= ctx.epoch <= 4 and ctx.device.type == "cpu"
    return (batch.w * (model(batch.x)[:, 0] - batch.y) ** 2).mean()

def predict(model, x, spec):
    assert not model.training
    return model(x)[:, 0].clamp(0, 1)
"""
)


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


def test_the_scripts_own_functions_are_used(script):
    reports = []
    parts = data()
    model = trained(script("own.py", OWN), parts, reports=reports)
    assert [metrics["learning_rate"] for _, _, metrics in reports] == pytest.approx([1e-2, 1e-3, 1e-4, 1e-5])
    scores = pytorch_method.predict(model, parts.validation.x)
    assert scores.min() >= 0 and scores.max() <= 1
    # training_step's loss is the validation's too; its scores are not clamped.
    with torch.no_grad():
        raw = model.model(torch.from_numpy(parts.validation.x.copy()))[:, 0].numpy()
    losses = [metrics["validation/loss"] for _, _, metrics in reports]
    assert min(losses) == pytest.approx(np.mean((raw - parts.validation.y) ** 2), rel=1e-5)


def test_a_class_is_made_with_the_spec():
    model = trained(MLP + ":Net", params={"hidden": 5})
    assert type(model.model).__name__ == "Net" and model.model.last.in_features == 5
    assert json.loads(pytorch_method.save(model)["model.json"]) == {"script": "mlp.py:Net", "params": {"hidden": 5}}


FIT = (
    LINEAR
    + """
def fit(model, train, validation, ctx):
    assert isinstance(train.x, torch.Tensor) and len(validation) == 200
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for epoch in range(1, 31):
        loss = nn.functional.binary_cross_entropy_with_logits(model(train.x)[:, 0], train.y, weight=train.w)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        if not ctx.report(epoch, 30, **{"loss": loss, "validation/x": 1}) or ctx.should_stop:
            break
    train.x.zero_()
"""
)


def test_a_fit_owns_the_loop_and_its_copies(script):
    reports = []
    parts = data()
    before = parts.train.x.copy()
    trained(script("fit.py", FIT), parts, reports=reports, keep_going=lambda epoch: epoch < 20)
    assert len(reports) == 20 and reports[-1][2]["loss"] < reports[0][2]["loss"]
    assert np.array_equal(parts.train.x, before)


def test_lazy_layers_get_their_sizes(script):
    lazy = script(
        "lazy.py", LINEAR.replace("nn.Linear(spec.n_features, spec.n_outputs)", "nn.LazyLinear(spec.n_outputs)")
    )
    model = trained(lazy)
    ctx = context("pytorch", classification(), script=lazy)
    x = gaussians(50).x
    assert np.array_equal(
        pytorch_method.predict(pytorch_method.load(pytorch_method.save(model), ctx), x),
        pytorch_method.predict(model, x),
    )


def test_what_a_script_changes_of_pytorch_is_as_before(script):
    changes = LINEAR.replace(
        "def get_model(spec):",
        "def get_model(spec):\n    torch.set_num_threads(3); torch.manual_seed(1)\n"
        "    torch.use_deterministic_algorithms(True)",
    )
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_num_threads()
    trained(script("changes.py", changes))
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.get_num_threads() == before[1]
    assert not torch.are_deterministic_algorithms_enabled()


# What is refused, and how


def test_wrong_params_are_refused_before_any_data():
    pointer, problem = refused(params={"hiden": 3})
    assert pointer == "/params/hiden"
    assert problem.endswith(
        "mlp.py: get_model(spec, hidden=16, dropout=0.0) has no argument 'hiden', did you mean 'hidden'?"
    )


def test_functions_of_the_wrong_shape_are_refused(script):
    path = script("p.py", LINEAR + "def predict(model, x): ...\n")
    assert refused(path)[1] == f"{path}: predict(model, x) must take (model, x, spec)"
    path = script("q.py", LINEAR + "def fit(model, train, validation, ctx): ...\ndef get_loss(spec): ...\n")
    assert "has fit, which owns the loop, so get_loss would never be called" in refused(path)[1]
    assert "has no function get_model(spec, …)" in refused(script("r.py", "x = 1\n"))[1]
    assert "has no class Nett, did you mean 'Net'?" in refused(MLP + ":Nett")[1]


def test_an_optimizers_arguments_are_checked():
    assert refused(training={"optimizer": {"type": "adam", "momentum": 0.9}})[0] == "/training/optimizer/momentum"
    assert refused(training={"optimizer": {"type": "sgd", "lr": 0.9}})[1] == "is given as training.learning_rate"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error():
    pointer, problem = refused(device="cuda")
    assert pointer == "/device" and "finds no CUDA device here" in problem


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "def get_model(spec):\n    return nn.Linear(spec.n_features, 3)\n",
            r"bad.py: the model gave shape \(64, 3\), expected \(64,\) or \(64, 1\)",
        ),
        ("def get_model(spec):\n    return 3\n", "bad.py: get_model gave int, expected a torch.nn.Module"),
        (
            "def get_loss(spec):\n    return nn.BCEWithLogitsLoss()\n",
            r"bad.py: the loss of get_loss gave \(\) for a batch of 64, expected one value "
            r"per event, \(64,\): use reduction=\"none\"",
        ),
        (
            "def training_step(model, batch, ctx):\n    return batch.y\n",
            r"bad.py: training_step gave \(64,\), expected a tensor with one number",
        ),
        (
            "def configure_optimizers(model, spec, training):\n    return 3\n",
            "bad.py: configure_optimizers gave int, expected an optimizer",
        ),
    ],
)
def test_a_wrong_result_names_the_script(script, change, text):
    path = script("bad.py", LINEAR + change)
    with pytest.raises((ValueError, TypeError), match=text):
        trained(path)


def test_a_state_that_can_not_be_kept_is_refused(script):
    extra = textwrap.dedent("""\
        from torch import nn
        class Net(nn.Linear):
            def __init__(self, spec): super().__init__(2, 1)
            def get_extra_state(self): return 'x'
            def set_extra_state(self, state): pass
        """)
    model = trained(script("extra.py", extra) + ":Net")
    with pytest.raises(
        ValueError, match="the model's state has '_extra_state' of type str, but only tensors can be kept"
    ):
        pytorch_method.save(model)


def test_weights_that_sum_to_nothing_are_an_error():
    with pytest.raises(ValueError, match="the training part's weights have a mean of 0"):
        trained(parts=TrainingData(gaussians(100, weights=np.zeros(100))))


# Scoring, memory and the model file

INPLACE = LINEAR.replace(
    "return nn.Linear(spec.n_features, spec.n_outputs)",
    "return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(spec.n_features, spec.n_outputs))",
)


@pytest.mark.parametrize("n", [1, 64, 65, 8192, 20000])
def test_a_model_that_writes_into_its_input_does_not_reach_the_host(script, n):
    model = trained(script("inplace.py", INPLACE))
    x = gaussians(n).x
    before = x.copy()
    scores = [pytorch_method.predict(model, x) for _ in range(3)]
    assert np.array_equal(x, before) and np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize("write", ["x.data[0] = 0", "x.numpy()[0] = 0", "x.detach().mul_(0)"])
def test_a_model_that_writes_past_pytorchs_count_does_not_reach_the_host(script, write):
    model = trained(script("sly.py", LINEAR + f"def predict(model, x, spec):\n    {write}\n    return model(x)\n"))
    x = gaussians(100).x
    before = x.copy()
    for _ in range(5):
        pytorch_method.predict(model, x)
    assert np.array_equal(x, before)


def test_a_model_that_starts_to_write_is_an_error(script):
    later = (
        LINEAR
        + "calls = []\ndef predict(model, x, spec):\n    calls.append(1)\n"
        + "    if len(calls) > 2: x[0] = 0\n    return model(x)\n"
    )
    model = trained(script("later.py", later))
    x = gaussians(100).x
    pytorch_method.predict(model, x)
    pytorch_method.predict(model, x)
    with pytest.raises(
        RuntimeError, match="later.py: the model changed the events it was given, which belong to the host"
    ):
        pytorch_method.predict(model, x.copy())


def test_many_events_are_scored_in_blocks_without_a_copy():
    model = trained()
    x = gaussians(30000).x
    assert np.allclose(
        pytorch_method.predict(model, x),
        np.concatenate([pytorch_method.predict(model, x[i : i + 50]) for i in range(0, 30000, 50)]),
        atol=1e-6,
    )
    lent = []
    for _ in range(4):  # blocks 1, 2, 4, 8, … are copies, to see whether the model writes: these are 5 to 8
        pytorch_method.predict(model, x[:100])
    model.model.register_forward_pre_hook(lambda _, arguments: lent.append(arguments[0].data_ptr()))
    pytorch_method.predict(model, x)
    assert lent == [x.ctypes.data + start * x.strides[0] for start in range(0, 30000, 8192)]


def test_dropout_and_batch_norm_are_still_when_scoring(script):
    net = LINEAR.replace(
        "return nn.Linear(spec.n_features, spec.n_outputs)",
        "return nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Linear(2, 1))",
    )
    model = trained(script("norm.py", net))
    x = gaussians(100).x
    assert np.array_equal(pytorch_method.predict(model, x), pytorch_method.predict(model, x))
    assert pytorch_method.predict(model, x[:1]) == pytest.approx(pytorch_method.predict(model, x)[:1], abs=1e-6)


def test_scores_of_a_wrong_shape_name_the_script(script):
    model = trained(script("wide.py", LINEAR + "def predict(model, x, spec):\n    return x\n"))
    with pytest.raises(ValueError, match=r"wide.py: predict gave shape \(5, 2\), expected \(5,\) or \(5, 1\)"):
        pytorch_method.predict(model, gaussians(5).x)


def test_the_file_holds_weights_params_and_the_sources_only():
    members = pytorch_method.save(trained(params={"hidden": 4}))
    assert sorted(members) == ["model.json", "script/layers.py", "script/mlp.py", "weights.safetensors"]
    assert {name: tuple(one.shape) for name, one in safetensors.torch.load(members["weights.safetensors"]).items()} == {
        "0.weight": (4, 2),
        "0.bias": (4,),
        "3.weight": (1, 4),
        "3.bias": (1,),
    }
    assert (
        pytorch_method.save(pytorch_method.load(members, context("pytorch", classification(), script=MLP))) == members
    )
    assert pytorch_method.carries_code(members)


def test_tied_weights_are_kept(script):
    tied = """\
from torch import nn
class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
    def forward(self, x): return self.b(self.a(x)).sum(dim=1)
"""
    path = script("tied.py", tied) + ":Net"
    model = trained(path)
    loaded = pytorch_method.load(pytorch_method.save(model), context("pytorch", classification(), script=path))
    x = gaussians(50).x
    assert loaded.model.a.weight is loaded.model.b.weight
    assert np.array_equal(pytorch_method.predict(loaded, x), pytorch_method.predict(model, x))


def test_weights_of_another_network_are_refused():
    members = pytorch_method.save(trained(params={"hidden": 4}))
    members["model.json"] = members["model.json"].replace(b"4", b"5")
    with pytest.raises(ValueError, match="the weights don't fit what mlp.py makes: .*size mismatch"):
        pytorch_method.load(members, context("pytorch", classification(), script=MLP))


def test_read_only_memory_brings_no_warning(recwarn):
    model = trained()
    pytorch_method.predict(model, events(np.zeros((100, 2)), np.zeros(100, np.int32), np.ones(100)).x)
    assert not [one for one in recwarn if "not writable" in str(one.message)]


def test_the_default_loss_of_targets_is_their_mean_square():
    parts = linear_targets(400)
    reports = []
    model = trained(parts=parts, spec=regression(("a", "b")), reports=reports, training=training(epochs=1))
    scores = pytorch_method.predict(model, parts.validation.x)
    assert reports[0][2]["validation/loss"] == pytest.approx(np.mean((scores - parts.validation.y) ** 2), rel=1e-5)
