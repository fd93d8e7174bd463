"""Candidates: the choices of one trial, and the recipe that they make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from edgeq.convert.recipes.recipe import Recipe
from edgeq.convert.recipes.steps import (
    Binary,
    Calibrate,
    CalibrationMethod,
    Cluster,
    CorrectBiases,
    Equalize,
    GraphStep,
    LearnRounding,
    LowRank,
    PruneChannels,
    Quantize,
    Schedule,
    Ternary,
    TrainingStep,
    TrainQuantized,
    TypeScope,
)
from edgeq.core.records.base import Record
from edgeq.tuning.layers import Layers

Structure = Literal["whole", "channels-75", "channels-50", "low-rank-50"]
Codebook = Literal["none", "clustered", "ternary", "binary"]
Recovery = Literal["none", "biases", "rounding"]
Activations = Literal["int8", "int16"]


class Candidate(Record, frozen=True, kw_only=True):
    """One point of the search space.

    Attributes:
        structure: what is cut away before all else, the share of MACs or weights that stays.
        codebook: what the weights of all layers but the first and the last become.
        narrow: how many layers, the least sensitive first, get int4 weights.
        activations: the type of the activations.
        calibration: how their ranges are found.
        recovery: what mends the integers without training.
        trained: whether quantisation-aware training ends the training.
    """

    structure: Structure = "whole"
    codebook: Codebook = "none"
    narrow: int = 0
    activations: Activations = "int8"
    calibration: CalibrationMethod = "min-max"
    recovery: Recovery = "none"
    trained: bool = False

    @property
    def trains(self) -> bool:
        """Whether a trial of it trains."""
        return self.trained or self.structure != "whole" or self.codebook != "none"


PLAIN = Candidate()

# What is tried before the sampler has a say: the plain schemes, each idea alone, then pairs.
LADDER: tuple[Candidate, ...] = (
    PLAIN,
    Candidate(calibration="mse", recovery="biases"),
    Candidate(activations="int16"),
    Candidate(narrow=1_000, calibration="mse", recovery="rounding"),
    Candidate(codebook="clustered"),
    Candidate(structure="channels-50"),
    Candidate(codebook="ternary"),
    Candidate(structure="channels-75", codebook="clustered"),
)


def make_recipe(candidate: Candidate, layers: Layers, *, schedule: Schedule) -> Recipe:
    """Return the recipe of a candidate.

    Args:
        schedule: of each training step.
    """
    return Recipe(
        name="tuned",
        about=describe(candidate),
        steps=(
            *_training_steps(candidate, layers.inner, schedule),
            *_graph_steps(candidate),
            _last_step(candidate, layers.ranked),
        ),
    )


def describe(candidate: Candidate) -> str:
    """Return the candidate in words; what is as plain int8 has it is left out."""
    words: list[str] = [candidate.activations]
    words += [candidate.structure] if candidate.structure != "whole" else []
    words += [candidate.codebook] if candidate.codebook != "none" else []
    words += [f"{candidate.narrow} layers int4"] if candidate.narrow else []
    words.append(candidate.calibration)
    words += [candidate.recovery] if candidate.recovery != "none" else []
    words += ["qat"] if candidate.trained else []
    return ", ".join(words)


def _training_steps(
    candidate: Candidate, inner: Sequence[str], schedule: Schedule
) -> tuple[TrainingStep, ...]:
    structures: dict[Structure, tuple[TrainingStep, ...]] = {
        "whole": (),
        "channels-75": (PruneChannels(macs=0.75, schedule=schedule),),
        "channels-50": (PruneChannels(macs=0.5, schedule=schedule),),
        "low-rank-50": (LowRank(weights=0.5, schedule=schedule),),
    }
    layers = "|".join(re.escape(name) for name in inner)
    codebook = candidate.codebook if inner else "none"
    codebooks: dict[Codebook, tuple[TrainingStep, ...]] = {
        "none": (),
        "clustered": (Cluster(layers=layers, schedule=schedule),),
        "ternary": (Ternary(layers=layers, schedule=schedule),),
        "binary": (Binary(layers=layers, schedule=schedule),),
    }
    trained = (TrainQuantized(schedule=schedule),) if candidate.trained else ()
    return (*structures[candidate.structure], *codebooks[codebook], *trained)


def _graph_steps(candidate: Candidate) -> tuple[GraphStep, ...]:
    recoveries: dict[Recovery, tuple[GraphStep, ...]] = {
        "none": (),
        "biases": (CorrectBiases(),),
        "rounding": (LearnRounding(),),
    }
    # Equalisation moves weights between channels: a codebook would not survive it.
    first = (Equalize(),) if candidate.recovery != "none" and candidate.codebook == "none" else ()
    return (*first, Calibrate(method=candidate.calibration), *recoveries[candidate.recovery])


def _last_step(candidate: Candidate, layers: Sequence[str]) -> Quantize:
    wide = candidate.activations == "int16"
    narrow = tuple(layers[: candidate.narrow]) if candidate.codebook == "none" else ()
    port: Literal["int8", "int16"] = "int16" if wide else "int8"
    return Quantize(
        scheme="int16x8" if wide else "int8",
        scopes=tuple(TypeScope(layers=re.escape(name), scheme="int4") for name in narrow),
        input_dtype=port,
        output_dtype=port,
    )
