"""Optuna's side of a sweep: the next trial, the results of the last, and whether to prune one.

The study lives in a journal file beside the sweep, which `optuna-dashboard` opens; it is the sampler's only memory.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from simclr_tui.sweep.axes import Axis, Values
from simclr_tui.sweep.folder import PrunerName, Sweep

_RANDOM_FIRST = 5  # trials drawn at random, for the sampler to learn from


class Study:
    """Keep Optuna's study of one sweep. Trials are known by their numbers."""

    def __init__(self, journal: Path, sweep: Sweep) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._optuna = optuna
        self._space = {axis.name: _distribution(axis) for axis in sweep.axes}
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
            study_name=sweep.name,
            pruner=_pruner(sweep.prune),
            direction="maximize",
            load_if_exists=True,
        )
        # A sampler's draws depend on its seed alone: after a restart it must not repeat its earlier draws.
        self._study.sampler = _sampler(sweep, asked=self.asked())

    def asked(self) -> int:
        """Return how many trials have been asked for."""
        return len(self._study.get_trials(deepcopy=False))

    def scored(self) -> set[int]:
        """Return the numbers of the trials that ended with a score."""
        ended = (self._optuna.trial.TrialState.COMPLETE,)
        return {trial.number for trial in self._study.get_trials(deepcopy=False, states=ended)}

    def open(self) -> dict[int, Values]:
        """Return the trials that were asked for and have no result yet."""
        running = (self._optuna.trial.TrialState.RUNNING,)
        return {trial.number: dict(trial.params) for trial in self._study.get_trials(deepcopy=False, states=running)}

    def ask(self) -> tuple[int, Values]:
        """Ask for the next trial; return its number and values."""
        trial = self._study.ask(self._space)
        return trial.number, dict(trial.params)

    def tell(self, number: int, score: float | None) -> None:
        """Record how a trial ended; None means without a score."""
        states = self._optuna.trial.TrialState
        self._study.tell(number, score, state=None if score is not None else states.FAIL, skip_if_finished=True)

    def report(self, number: int, count: int, score: float) -> bool:
        """Report a trial's intermediate score, the `count`-th from 1. Returns True if the trial should be pruned."""
        frozen = self._study.get_trials(deepcopy=False)[number]
        if count in frozen.intermediate_values:
            return False  # already reported
        trial = self._optuna.trial.Trial(self._study, frozen._trial_id)
        trial.report(score, count)
        return bool(trial.should_prune())

    def prune(self, number: int) -> None:
        self._study.tell(number, state=self._optuna.trial.TrialState.PRUNED, skip_if_finished=True)


def _sampler(sweep: Sweep, asked: int) -> Any:
    """Return a TPE sampler that rounds its draws, so that the study remembers the very value that the recipe holds."""
    import optuna

    axes = {axis.name: axis for axis in sweep.axes if axis.is_range}

    class ShortValues(optuna.samplers.TPESampler):  # type: ignore[misc]
        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            drawn = super().sample_relative(study, trial, search_space)
            return {name: self._short(name, value) for name, value in drawn.items()}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self._short(param_name, super().sample_independent(study, trial, param_name, param_distribution))

        def _short(self, name: str, value: Any) -> Any:
            return axes[name].short(value) if name in axes else value

    return ShortValues(
        seed=(sweep.seed + 1_000_003 * asked) % 2**32,
        n_startup_trials=_RANDOM_FIRST,
        multivariate=True,
        constant_liar=sweep.parallel > 1,
    )


def _distribution(axis: Axis) -> Any:
    import optuna

    if axis.choices:
        return optuna.distributions.CategoricalDistribution(axis.choices)
    if axis.whole:
        return optuna.distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return optuna.distributions.FloatDistribution(axis.low, axis.high, log=axis.log)


def _pruner(name: PrunerName) -> Any:
    import optuna

    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=_RANDOM_FIRST)
    return optuna.pruners.HyperbandPruner() if name == "hyperband" else optuna.pruners.NopPruner()
