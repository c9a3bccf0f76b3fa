"""Metrics of scores with event weights of either sign.

Weights are the original ones, never those that training normalises. A number that isn't defined (no event of a class, a sum
of weights of zero) is None. Events whose score is NaN (dropped for missing inputs) are left out and counted as "unscored".
"""

from ophion.metrics.agreement import kolmogorov_smirnov, sample
from ophion.metrics.classification import many_classes, two_classes
from ophion.metrics.comparison import compare
from ophion.metrics.features import rank, separation
from ophion.metrics.regression import regression
from ophion.metrics.roc import Auc, Ranking, auc, signal_efficiency
from ophion.metrics.significance import Significance, asimov

# What methods are ranked by: (name, whether higher is better)
PRIMARY = {"classification": ("auc", True), "regression": ("rmse", False)}
LOWER_IS_BETTER = frozenset({"rmse", "mae", "log_loss", "brier", "calibration_error", "half_width"})

__all__ = [
    "LOWER_IS_BETTER",
    "PRIMARY",
    "Auc",
    "Ranking",
    "Significance",
    "asimov",
    "auc",
    "compare",
    "kolmogorov_smirnov",
    "many_classes",
    "rank",
    "regression",
    "sample",
    "separation",
    "signal_efficiency",
    "two_classes",
]
