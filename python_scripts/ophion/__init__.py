"""Train, keep and use machine-learning models: one config file, one model file, scores by C++ where the model allows.

>>> import ophion                                       # doctest: +SKIP
>>> run = ophion.train("train.json")                    # doctest: +SKIP
>>> run.best.save("higgs.ophion")                       # doctest: +SKIP
>>> model = ophion.Model.load("higgs.ophion")           # doctest: +SKIP
>>> scores = model.predict(frame)                       # an array, a DataFrame, an Arrow table  # doctest: +SKIP

The package has two lives: it is what a Python program imports, and it is what the C++ library imports into the Python that it
runs (the faces of plug-ins, metrics, the report). So importing it alone costs nothing: the names below come when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ophion.api import BoundScore, Model, Progress, Run, Sample, __version__, configure, train

__all__ = ["BoundScore", "Model", "Progress", "Run", "Sample", "__version__", "configure", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ophion' has no attribute '{name}'")
    value = getattr(importlib.import_module("ophion.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
