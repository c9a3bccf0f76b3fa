"""Which settings to try next: an Optuna study, asked and told, kept in a SQLite file so that it goes on after an interruption."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ophion import contract
from ophion.errors import DataError, OptionError
from ophion.metrics import LOWER_IS_BETTER, PRIMARY

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}

optuna.logging.set_verbosity(optuna.logging.WARNING)
_log = logging.getLogger("ophion")


class Job(contract.Job):
    """One study: as many trials as wanted, each asked for, told of epochs, and ended by its value.

    Trials are chosen by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) and stopped early by its median rule: a
    trial whose validation loss is worse than the median of the earlier ones at the same epoch.
    """

    def __init__(self, arguments: Mapping[str, Any]):
        self._space = {key: _distribution(key, given) for key, given in arguments["space"].items()}
        self._wanted = arguments["trials"]
        self._metric = arguments["metric"] or "validation/" + PRIMARY[arguments["task"]][0]
        self._minimise = self._metric.rpartition("/")[2] in LOWER_IS_BETTER
        storage = Path(arguments["storage"])
        storage.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._study = optuna.create_study(
                storage=f"sqlite:///{storage}",
                study_name=arguments["name"],
                direction="minimize" if self._minimise else "maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_warmup_steps=1) if arguments["prune"] else optuna.pruners.NopPruner(),
            )
            for lost in self._study.get_trials(states=(TrialState.RUNNING,)):  # of a run that was interrupted: once more
                self._study.tell(lost.number, state=TrialState.FAIL)
                self._study.enqueue_trial(lost.params)
        except Exception as error:
            raise DataError(f"{storage}: the study cannot be used: {error}") from error
        self._study.sampler = optuna.samplers.TPESampler(seed=(arguments["seed"] + len(self._study.trials)) % 2**32)
        if self._counted():
            _log.info("tuning of '%s' goes on after %d of %d trials", arguments["name"], self._counted(), self._wanted)
        self._trial: optuna.Trial | None = None

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """One step.

        Parameters
        ----------
        arguments : dict
            {"do": "ask"} -> {"number", "params": {key: value}}, or {} when there were as many trials as wanted.
            {"do": "epoch", "epoch": int, "loss": float} -> {"stop": bool}
                The validation loss, where less is better.
            {"do": "tell", "state": "complete" | "pruned" | "failed", "metrics": dict, "seconds": float, "error": str}
                -> {"metric": str, "value": float or None}
                The metrics of a complete one: {"validation": …}.
        """
        if arguments["do"] == "ask":
            if self._counted() >= self._wanted:
                return {}
            self._trial = self._study.ask(self._space)
            return {"number": self._trial.number, "params": dict(self._trial.params)}
        assert self._trial is not None, "no trial was asked for"
        if arguments["do"] == "epoch":
            if not math.isfinite(arguments["loss"]):
                return {"stop": False}  # the method itself says what is wrong
            self._trial.report(arguments["loss"] if self._minimise else -arguments["loss"], arguments["epoch"])
            return {"stop": self._trial.should_prune()}
        trial, self._trial = self._trial, None
        trial.set_user_attr("seconds", arguments["seconds"])
        if arguments["error"]:
            trial.set_user_attr("error", arguments["error"])
        value = self._value(arguments["metrics"]) if arguments["state"] == "complete" else None
        self._study.tell(trial, value, state=STATES[arguments["state"]])
        return {"metric": self._metric, "value": value}

    def finish(self) -> dict[str, Any]:
        """What was tried.

        Returns
        -------
        dict
            metric : str
            direction : {"maximize", "minimize"}
            trials : list of {"number", "params", "value", "state", "seconds", "error"}
            best : int or None
            params : dict
                Those of the best trial.
            importance : dict
                {key: share}: how much of the differences between trials each setting explains (fANOVA; Hutter, Hoos, Leyton-Brown, ICML
                2014), which sum to 1; empty for fewer than four trials that ended.
        """
        names = {state: name for name, state in STATES.items()}
        trials = [
            {
                "number": trial.number,
                "params": dict(trial.params),
                "value": trial.value if trial.state == TrialState.COMPLETE else None,
                "state": names[trial.state],
                "seconds": trial.user_attrs.get("seconds"),
                "error": trial.user_attrs.get("error", ""),
            }
            for trial in self._ended()
        ]
        complete = self._study.get_trials(states=(TrialState.COMPLETE,))
        best = self._study.best_trial if complete else None
        importance: dict[str, float] = {}
        if len(complete) >= 4 and len({trial.value for trial in complete}) > 1:
            importance = dict(optuna.importance.get_param_importances(self._study))
        return {
            "metric": self._metric,
            "direction": "minimize" if self._minimise else "maximize",
            "trials": trials,
            "best": None if best is None else best.number,
            "params": {} if best is None else dict(best.params),
            "importance": importance,
        }

    def abandon(self) -> None:
        """A trial under way stays in the file as running; who goes on with the study takes it for interrupted."""

    def _value(self, metrics: Mapping[str, Any]) -> float:
        at: Any = metrics
        for key in self._metric.split("/"):
            at = at.get(key) if isinstance(at, Mapping) else None
        if isinstance(at, bool) or not isinstance(at, (int, float)):
            raise OptionError("/tune/metric", f"there is no number at '{self._metric}' of the metrics")
        return at

    def _ended(self) -> list[optuna.trial.FrozenTrial]:
        """All but those that an interruption ended, of which nothing was told."""
        return [trial for trial in self._study.get_trials(states=tuple(STATES.values())) if "seconds" in trial.user_attrs]

    def _counted(self) -> int:
        return len(self._ended())


def _distribution(key: str, given: Mapping[str, Any]) -> Any:
    """Of {"int": [low, high], "log": bool}, {"float": [low, high], "log": bool} or {"choice": [...]}."""
    try:
        if "choice" in given:
            return CategoricalDistribution(tuple(given["choice"]))
        kind = "int" if "int" in given else "float"
        low, high = given[kind]
        return (IntDistribution if kind == "int" else FloatDistribution)(low, high, log=given["log"])
    except ValueError as error:
        raise DataError(f"tune.space: '{key}': {error}") from error


def start(arguments: Mapping[str, Any]) -> Job:
    """
    Parameters
    ----------
    arguments : dict
        name : str
            The method's.
        storage : str
            The SQLite file; made where it is not there.
        space : dict
            {key: {"int": [low, high], "log": bool} or {"float": [low, high], "log": bool} or {"choice": [text, number or boolean, …]}}
        trials : int
        task : {"classification", "regression"}
        metric : str or None
            Where it is found in a method's metrics: "validation/auc". None: the one that methods are ranked by.
        prune : bool
        seed : int
    """
    return Job(arguments)
