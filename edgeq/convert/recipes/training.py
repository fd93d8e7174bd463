"""Child side: a recipe's training steps, one after the other, each measured."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.finiteness import check_weights
from edgeq.convert.loading import load_keras
from edgeq.convert.metrics import Array
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.recipes.gains import Gauge
from edgeq.convert.recipes.materials import Materials
from edgeq.convert.recipes.places import SESSION_STEPS, TRAINING_STEPS
from edgeq.convert.recipes.recipe import kind_of
from edgeq.convert.recipes.steps import Step
from edgeq.convert.samples import Inputs
from edgeq.convert.training.loop import prepare
from edgeq.convert.training.losses import run
from edgeq.convert.training.session import Progress, Session, Trained, TrainingData
from edgeq.core.errors import InputError
from edgeq.core.records import StepRecord

BATCH = 64


class Training(NamedTuple):
    """A trained model, what its steps gave, and the metric that they were measured by."""

    trained: Trained
    steps: tuple[StepRecord, ...]
    metric: str | None


class Course(NamedTuple):
    """What the training steps are given."""

    steps: tuple[Step, ...]
    materials: Materials
    scheme: Scheme
    seed: int
    checkpoints: Path
    progress: Progress


def train_steps(source: Path, course: Course) -> Training:
    """Load the model of `source` and run the training steps on it.

    Raises:
        InputError: the model has weights that are not finite, or a step refuses it or its data.
    """
    prepare(course.seed, "load")  # dropout draws its own seed where a layer of it is made
    teacher, held = _load(source), course.materials.held
    gauge = _gauge(teacher, course.materials)
    trained, session = Trained(load_keras(source)), _session(teacher, course)
    before, records = predict(teacher, held.x), []
    for place, step in enumerate(course.steps, 1):
        kind, began = kind_of(step), time.monotonic()
        course.progress(f"step {place}: {kind}", None)
        trained, session = _take(place, step, trained, session, course)
        after = predict(trained.model, held.x)
        _check_outputs(after, place, kind)
        records.append(gauge.record(kind, before, after, time.monotonic() - began))
        before = after
    return Training(trained, tuple(records), gauge.metric)


def rehearse_steps(source: Path, course: Course) -> Trained:
    """Load the model of `source` and do to it what the training steps do besides training.

    Raises:
        InputError: the model has weights that are not finite, or labels that it has no output for,
            or a step refuses it or its data.
    """
    prepare(course.seed, "load")
    teacher = _load(source)
    _gauge(teacher, course.materials)
    trained, session = Trained(teacher), replace(_session(teacher, course), rehearses=True)
    for place, step in enumerate(course.steps, 1):
        trained, session = _take(place, step, trained, session, course)
    return trained


def _load(source: Path) -> Any:
    model = load_keras(source)
    check_weights(model)
    return model


def _gauge(teacher: Any, made: Materials) -> Gauge:
    return Gauge(made.held, predict(teacher, made.held.x), made.metric, made.layout)


def _take(
    place: int, step: Step, trained: Trained, session: Session, course: Course
) -> tuple[Trained, Session]:
    """Return the model behind a step, and the session for the next one."""
    kind = kind_of(step)
    kept, name = course.checkpoints / f"{place}-{kind}", f"step {place} ({kind})"
    session = replace(session, checkpoints=kept, step=name)
    prepare(course.seed, f"step {place}")
    trained = TRAINING_STEPS[kind].load()(trained, session, step)
    if kind in SESSION_STEPS:
        session = SESSION_STEPS[kind].load()(session, trained, step)
    return trained, session


def _session(teacher: Any, course: Course) -> Session:
    made = course.materials
    labels = (made.training.y, made.watched.y) if made.layout is None else (None, None)
    data = TrainingData(made.training.x, labels[0], made.watched.x, labels[1])
    return Session(
        data=data,
        teacher=teacher,
        seed=course.seed,
        checkpoints=course.checkpoints,
        progress=course.progress,
        scheme=course.scheme,
        metric=made.metric,
    )


def predict(model: Any, x: Inputs) -> Array:
    """Return the first output (N, ...) of a Keras model, float32."""
    found = []
    for start in range(0, len(x[0]), BATCH):
        first, *_ = run(model, [samples[start : start + BATCH] for samples in x])
        found.append(np.asarray(first.numpy(), np.float32))
    return np.concatenate(found)


def _check_outputs(outputs: Array, place: int, kind: str) -> None:
    if not np.isfinite(outputs).all():
        raise InputError(
            f"step {place} ({kind}): the model gives NaN or infinity behind it",
            hint="lower the step's learning_rate, and check the data's range",
        )
