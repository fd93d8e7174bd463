"""Child side: what a training step is given, and what it hands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeq.convert.metrics import Array
from edgeq.convert.quantization.draft import LayerNotes
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.samples import Inputs

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Samples that train and samples that watch; never those that judge.

    `y` is (N,) int32 class labels, float targets (N, ...), or None: then an autoencoder learns its
    input, and any other model learns the teacher's outputs. Labels may also only judge an
    autoencoder (`losses.reconstructs`).
    """

    x: Inputs
    y: Array | None
    watched_x: Inputs
    watched_y: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One run of a recipe's training steps.

    Attributes:
        data: training samples.
        teacher: the float Keras model as it was loaded (or another one that the recipe names).
        seed: of weights, shuffles and augmentation; the same seed gives the same bytes.
        checkpoints: folder that outlives an interruption; each step has its own folder below it.
        progress: (stage, share done) -> None; the stage's text carries the ETA.
        scheme: the types of the recipe's `quantize` step, which quantisation-aware training
            imitates.
        loss: what every step trains for (training/losses.py: Loss); None: what suits the data.
        objective: a teacher's lesson, model -> (what to train instead, sharing its layers; its
            loss); None: there is none (training/distillation.py: teach).
        metric: the dataset's, by which the model will be judged; None where it is not known.
        step: what errors call the step that runs.
        rehearses: whether nothing is trained: steps only do to the model what they do besides, so
            that what they refuse is known before any of them has trained.
    """

    data: TrainingData
    teacher: Any
    seed: int
    checkpoints: Path
    progress: Progress
    scheme: Scheme = field(default_factory=Scheme)
    loss: Any = None
    objective: Callable[[Any], tuple[Any, Any]] | None = None
    metric: str | None = None
    step: str = "training"
    rehearses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A Keras 3 model, and notes by the names of its layers for the quantiser."""

    model: Any
    notes: Mapping[str, LayerNotes] = field(default_factory=dict)
