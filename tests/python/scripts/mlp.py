"""A small network, as a user writes it: nothing of Ophion in it."""

from torch import nn

from layers import dense


def get_model(spec, hidden=16, dropout=0.0):
    return nn.Sequential(*dense(spec.n_features, hidden), nn.Dropout(dropout), nn.Linear(hidden, spec.n_outputs))


class Net(nn.Module):
    """The same by its class: "mlp.py:Net"."""

    def __init__(self, spec, hidden=16):
        super().__init__()
        self.layers = nn.Sequential(*dense(spec.n_features, hidden))
        self.last = nn.Linear(hidden, spec.n_outputs)

    def forward(self, x):
        return self.last(self.layers(x))
