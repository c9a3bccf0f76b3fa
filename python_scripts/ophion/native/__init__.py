"""Models in the neutral form, which Ophion scores without Python.

One module a trainer turns its models into plain arrays (`forest.Forest`) or a chain of steps (`network.Network`). What can't
be said exactly in these is refused with its name: `NotExportable`. A model is then scored through Python, as ever.
"""

from __future__ import annotations

from ophion.contract import Spec


class NotExportable(Exception):
    """The model has no neutral form; the text says what stands in the way."""


def export_estimator(estimator, spec: Spec) -> dict[str, bytes]:
    """Members of the neutral form of a fitted estimator with scikit-learn's contract; NotExportable where it has none."""
    return estimator_form(estimator, spec).members()


def estimator_form(estimator, spec: Spec):
    """The `forest.Forest` or `network.Network` of a fitted estimator with scikit-learn's contract.

    Raises
    ------
    NotExportable
        "KNeighborsClassifier has no native form"
    """
    from ophion.native import lightgbm_trees, sklearn_linear, sklearn_networks, sklearn_pipelines, sklearn_trees, xgboost_trees

    for module in (sklearn_trees, sklearn_networks, sklearn_linear, sklearn_pipelines, xgboost_trees, lightgbm_trees):
        convert = module.converter(estimator)
        if convert is not None:
            return convert(estimator, spec)
    raise NotExportable(f"{type(estimator).__name__} has no native form")


__all__ = ["NotExportable", "estimator_form", "export_estimator"]
