"""Checkpoints of a PyTorch training: the newest and the best epoch, each a file that is wholly there or not at all."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import nn

from ophion.errors import DataError

NEWEST = "newest.pt"
BEST = "best.pt"


class Checkpoints:
    """The files of one method's training. They hold tensors and plain values only, and are read with ``weights_only``.

    Parameters
    ----------
    folder : str or None
        None: nothing is kept.
    """

    def __init__(self, folder: str | None):
        self._folder = Path(folder) if folder else None
        self._tried = False

    def __bool__(self) -> bool:
        return self._folder is not None

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace one file.

        Raises
        ------
        ValueError
            The state holds something that could not be read back; found at the first write.
        DataError
            There is no room for it, or its folder can't be written to.
        """
        if self._folder is None:
            return
        unfinished = self._folder / (name + ".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(unfinished, "wb") as file:
                _save(content, file)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            reason = error.strerror or error
            raise DataError(f"{self._folder / name}: the checkpoint can't be written: {reason}") from error
        if not self._tried:
            self._load(unfinished)
            self._tried = True
        os.replace(unfinished, self._folder / name)

    def read(self, name: str) -> dict[str, Any] | None:
        """What was written last; None where nothing was.

        Raises
        ------
        ValueError
            The file is damaged, or holds more than tensors and plain values.
        """
        if self._folder is None or not (self._folder / name).is_file():
            return None
        return self._load(self._folder / name)

    @staticmethod
    def _load(path: Path) -> dict[str, Any]:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(
                f"{path}: the checkpoint can't be read with tensors and plain values only: {error}"
            ) from error


def _save(content: dict[str, Any], file: IO[bytes]) -> None:
    """As torch.save, which hides why a file can't be written behind an error of its own."""
    problems: list[OSError] = []

    class Noting:
        def write(self, data: bytes) -> int:
            try:
                return file.write(data)
            except OSError as error:
                problems.append(error)
                raise

        def flush(self) -> None:
            pass

    try:
        torch.save(content, Noting())
    except Exception:
        if problems:
            raise problems[0] from None
        raise


def state_of(model: nn.Module) -> dict[str, Any]:
    """A copy of the model's state."""
    return {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
        for name, value in model.state_dict().items()
    }


def random_state() -> dict[str, Any]:
    """Where every random generator a script may use stands, as tensors and plain values."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), int(position), int(has_gauss), float(gauss)),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
