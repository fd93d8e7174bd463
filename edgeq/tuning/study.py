"""The sampler: a ladder of known good candidates, then what optuna learns from the trials."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any, Literal, get_args

import msgspec

from edgeq.convert.recipes.steps import CalibrationMethod
from edgeq.core.installation import require
from edgeq.tuning.candidates import (
    LADDER,
    Activations,
    Candidate,
    Codebook,
    Recovery,
    Structure,
)
from edgeq.tuning.records import Costs, Score, TrialRecord

ATTEMPTS = 5
LIMITS = "limits"
DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = (
    "maximize",
    "minimize",
    "minimize",
    "minimize",
)


class Study:
    """Proposes candidates, none twice. Not for several threads at once.

    Multi-objective tree-structured Parzen estimator (Ozaki et al. 2022) over accuracy, flash, RAM
    and latency, with the limits as constraints.

    Args:
        layers: how many layers have weights.
        trainable: whether the source is one that training steps take.

    Raises:
        ToolchainError: optuna is not installed.
    """

    def __init__(self, *, layers: int, trainable: bool, seed: int) -> None:
        require("optuna")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._layers = layers
        self._trainable = trainable
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=len(LADDER))
        self._study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
        self._ladder = [self._fit(c) for c in LADDER if trainable or not c.trains]
        self._seen: set[Candidate] = set()
        self._asked: dict[Candidate, Any] = {}
        self._random = Random(seed)

    def ask(self) -> Candidate | None:
        """Return a candidate that was not proposed before; None where none is left to be found."""
        while self._ladder:
            candidate = self._ladder.pop(0)
            if candidate not in self._seen:
                self._seen.add(candidate)
                return candidate
        for _ in range(ATTEMPTS):
            trial = self._study.ask()
            candidate = self._suggest(trial)
            if candidate not in self._seen:
                self._seen.add(candidate)
                self._asked[candidate] = trial
                return candidate
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return self._explore()

    def _explore(self) -> Candidate | None:
        """Return one of the candidates that the sampler, which has settled, does not look at."""
        names = [name for name, _ in self._choices()]
        spans = [choices for _, choices in self._choices()]
        every = (
            _canonical(Candidate(narrow=narrow, **dict(zip(names, chosen, strict=True))))
            for chosen in product(*spans)
            for narrow in range(self._layers + 1)
        )
        unseen = [c for c in dict.fromkeys(every) if c not in self._seen]
        if not unseen:
            return None
        candidate = self._random.choice(unseen)
        self._seen.add(candidate)
        return candidate

    def tell(self, trial: TrialRecord, excess: float) -> None:
        """Learn from a finished trial, of this study or of one that was interrupted."""
        self._seen.add(trial.candidate)
        self._ladder = [c for c in self._ladder if c != trial.candidate]
        states = self._optuna.trial.TrialState
        asked = self._asked.pop(trial.candidate, None)
        if trial.score is None or trial.costs is None:
            if asked is not None:
                self._study.tell(asked, state=states.FAIL)
            return
        values = _values(trial.score, trial.costs)
        if asked is not None:
            asked.set_constraint(LIMITS, excess)
            self._study.tell(asked, values)
            return
        self._study.add_trial(
            self._optuna.trial.create_trial(
                values=values,
                params=self._params(trial.candidate),
                distributions=dict(self._distributions()),
                constraints={LIMITS: excess},
            )
        )

    def _fit(self, candidate: Candidate) -> Candidate:
        """Return the candidate with at most as many narrow layers as there are."""
        return msgspec.structs.replace(candidate, narrow=min(candidate.narrow, self._layers))

    def _suggest(self, trial: Any) -> Candidate:
        chosen: dict[str, Any] = {
            name: trial.suggest_categorical(name, choices) for name, choices in self._choices()
        }
        return _canonical(Candidate(narrow=trial.suggest_int("narrow", 0, self._layers), **chosen))

    def _distributions(self) -> Iterator[tuple[str, Any]]:
        kinds = self._optuna.distributions
        for name, choices in self._choices():
            yield name, kinds.CategoricalDistribution(choices)
        yield "narrow", kinds.IntDistribution(0, self._layers)

    def _choices(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        yield "activations", get_args(Activations)
        yield "calibration", get_args(CalibrationMethod)
        yield "recovery", get_args(Recovery)
        if self._trainable:
            yield "structure", get_args(Structure)
            yield "codebook", get_args(Codebook)
            yield "trained", (False, True)

    def _params(self, candidate: Candidate) -> dict[str, Any]:
        return {name: getattr(candidate, name) for name, _ in self._distributions()}


def _canonical(candidate: Candidate) -> Candidate:
    """Return the candidate without the choices that its other choices make meaningless."""
    if candidate.codebook != "none":
        return msgspec.structs.replace(candidate, narrow=0, recovery="none")
    return candidate


def _values(score: Score, costs: Costs) -> list[float]:
    return [
        score.value if score.higher_is_better else -score.value,
        float(costs.flash_bytes),
        float(costs.ram_bytes),
        math.inf if costs.latency_s is None else costs.latency_s,
    ]
