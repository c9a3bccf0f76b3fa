"""What ``import ophion`` gives: train from a config, keep a model in one file, score arrays and tables with it.

A thin layer over the C API. Arrays are lent to C++ as they lie and results are made here, so nothing is copied on the way; C++ works
without Python's lock, so other threads go on. Where a model needs Python code, it runs in this interpreter.
"""

from __future__ import annotations

import os

from ophion import _library
from ophion._library import check, lib, options
from ophion._model import BoundScore, Model, PathLike, Scores
from ophion._training import Progress, Run, Sample, train

__all__ = ["BoundScore", "Model", "PathLike", "Progress", "Run", "Sample", "Scores", "__version__", "configure", "train"]

__version__ = _library.text(lib.ophion_version())


def configure(*, threads: int | None = None, onnxruntime: PathLike | None = None) -> None:
    """Set what holds for the whole process.

    Parameters
    ----------
    threads : int, optional
        Of PyTorch, OpenMP and BLAS in every call; 0: as the libraries choose.
    onnxruntime : path, optional
        The shared library of ONNX Runtime, where the package onnxruntime of this environment shall not be taken.

    Examples
    --------
    >>> ophion.configure(threads=1)
    """
    check(lib.ophion_configure(options(threads=threads, onnxruntime=None if onnxruntime is None else os.fspath(onnxruntime))))
