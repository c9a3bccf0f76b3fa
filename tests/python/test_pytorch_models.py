"""Models of PyTorch: they score without reaching the host's memory, and their members give the same model again."""

import numpy as np
import pytest
import safetensors.torch
from conftest import classification, context, events, gaussians
from pytorch_toys import LINEAR, MLP, network, trained

from ophion.methods import pytorch_method

@pytest.mark.parametrize("n", [1, 64, 65, 8192, 20000])
def test_a_model_that_writes_into_its_input_does_not_reach_the_host(script, n):
    inplace = network("nn.Sequential(nn.ReLU(inplace=True), nn.Linear(spec.n_features, spec.n_outputs))")
    model = trained(script("inplace.py", inplace))
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


def test_read_only_memory_brings_no_warning(recwarn):
    model = trained()
    pytorch_method.predict(model, events(np.zeros((100, 2)), np.zeros(100, np.int32), np.ones(100)).x)
    assert not [one for one in recwarn if "not writable" in str(one.message)]


def test_dropout_and_batch_norm_are_still_when_scoring(script):
    model = trained(script("norm.py", network("nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Linear(2, 1))")))
    x = gaussians(100).x
    assert np.array_equal(pytorch_method.predict(model, x), pytorch_method.predict(model, x))
    assert pytorch_method.predict(model, x[:1]) == pytest.approx(pytorch_method.predict(model, x)[:1], abs=1e-6)


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
