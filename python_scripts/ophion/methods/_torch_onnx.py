"""PyTorch networks as ONNX graphs, from features after the transforms to scores."""

from __future__ import annotations

import importlib.util
import io
import logging
import warnings

import torch
from torch import nn

from ophion.errors import OptionError
from ophion.methods._torch_network import TrainedNetwork

OPSET = 17
# onnx writes the graph; onnxruntime is what Ophion checks it with before it is kept.
PACKAGES = ("onnx", "onnxruntime")


def check_packages() -> None:
    """Whether a graph could be written at the end of a training."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise OptionError("/export", f'"onnx" needs the Python package {package}, which is not installed')


def export_graph(model: TrainedNetwork) -> bytes:
    """The bytes of an ONNX file: input "features" (rows, n_features), output "scores" (rows, n_outputs), float32.

    PyTorch's exporter by tracing: it needs no further package, and takes whatever a script's predict does with tensors. What
    depends on the numbers themselves would be fixed by the trace: the scores are compared after the training.
    """
    parameters = [*model.model.parameters(), *model.model.buffers()]
    device = parameters[0].device if parameters else torch.device("cpu")
    trial = torch.zeros(3, model.spec.n_features, device=device)
    buffer = io.BytesIO()
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Scores(model),
                (trial,),
                buffer,
                dynamo=False,
                opset_version=OPSET,
                input_names=["features"],
                output_names=["scores"],
                dynamic_axes={"features": {0: "rows"}, "scores": {0: "rows"}},
            )
    finally:
        noisy.setLevel(level)
    return buffer.getvalue()


class _Scores(nn.Module):
    """What the trained network says of events, as a module that can be traced."""

    def __init__(self, trained: TrainedNetwork):
        super().__init__()
        self.model = trained.model.eval()
        self._scores = trained.script.scores
        self._spec = trained.spec

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._scores(self.model, x, self._spec).reshape(-1, self._spec.n_outputs).float()
