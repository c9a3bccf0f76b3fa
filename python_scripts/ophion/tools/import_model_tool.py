"""Turns a model file that somebody else wrote into the neutral form, or an ONNX graph into the ONNX form (ophion.native.imported)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ophion import contract
from ophion.native import imported


class Job(contract.Job):
    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
        """Read one file.

        Parameters
        ----------
        arguments : dict
            file : str
            features, classes, targets : list of str
                Names in the order of the file; may be empty.

        Returns
        -------
        dict
            origin : str
                "XGBoost binary:logistic"
            task, features, classes, targets
            members : list of str
            backend : {"native", "onnx"}
                Which form it is.
            missing : str
                The policy for missing values.
            versions : dict
                Of the packages that the file names.
            checked_against : str
                "xgboost 3.2.0"; empty when that is not installed.
        dict of ndarray
            The members of the form as bytes (uint8); "x", float32, events; "scores", float32, the trainer's own for
            them, where there are some.
        """
        names = {key: arguments[key] for key in ("features", "classes", "targets")}
        model = imported.read(arguments["file"], **names)
        spec, found, members = model.spec, model.found, model.form.members()
        facts = {
            "origin": found.origin,
            "task": spec.task,
            "features": list(spec.features),
            "classes": list(spec.classes),
            "targets": list(spec.targets),
            "members": sorted(members),
            "backend": found.backend,
            "missing": model.missing,
            "versions": found.versions,
            "checked_against": model.checked_against,
        }
        arrays = {name: np.frombuffer(content, np.uint8) for name, content in members.items()}
        arrays["x"] = model.x
        if model.scores is not None:
            arrays["scores"] = np.ascontiguousarray(model.scores)
        return facts, arrays


def start(arguments: Mapping[str, Any]) -> Job:
    return Job()
