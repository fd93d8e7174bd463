"""Child side: the loss that suits the data, where a step names none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeq.convert.samples import Inputs
from edgeq.convert.training.session import Session, TrainingData
from edgeq.core.errors import InputError

# (inputs of the batch, its y or None, outputs of the model) -> the batch's mean loss, a scalar
# tensor. All three are tensors; inputs and outputs are lists.
Loss = Callable[[Sequence[Any], Any, Sequence[Any]], Any]

PROBED = 32


def choose_loss(model: Any, session: Session) -> Loss:
    """Return the loss for the session's data.

    An autoencoder (`reconstructs`): the squared error against its own input. int labels:
    cross-entropy, from probabilities or logits (binary for a single output, and for labels of 0
    and 1 for each class); float targets: mean squared error; none: the teacher's outputs. Labels
    judge the first output; every other output learns the teacher's.

    Raises:
        InputError: labels are out of range, or targets do not fit the outputs.
    """
    data = session.data
    if reconstructs(model, session):
        return lambda x, y, outputs: mean_squared(_like(x[0], outputs[0]), outputs[0])
    if data.y is None:
        return imitation(session.teacher, data.x, range(len(model.outputs)))
    first = label_loss(model, data) if data.y.dtype.kind in "iub" else target_loss(model, data)
    if len(model.outputs) == 1:
        return first
    others = imitation(session.teacher, data.x, range(1, len(model.outputs)))
    return lambda x, y, outputs: first(x, y, outputs) + others(x, y, outputs)


def reconstructs(model: Any, session: Session) -> bool:
    """Whether the model is to give its own input, whatever labels tell about the samples.

    Labels of one value a sample only judge an autoencoder: where the metric is auc; where the
    values are float; and, where no metric is known, where they say yes or no (0, 1) while the
    output is no probability of as many classes.
    """
    y = session.data.y
    if y is None or not is_autoencoder(model) or y.size != len(y):
        return y is None and is_autoencoder(model)
    if session.metric == "auc" or y.dtype.kind == "f":
        return True
    binary = y.size > 0 and 0 <= y.min() <= y.max() <= 1
    probable = are_probabilities(probe(model, session.data.x)[0])
    return bool(session.metric is None and binary and not probable)


def is_autoencoder(model: Any) -> bool:
    """Whether the model has one input and one output of as many elements, more than two."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return False
    given, made = (tuple(port.shape[1:]) for port in (model.inputs[0], model.outputs[0]))
    if None in (*given, *made):
        return given == made
    return bool(np.prod(given) == np.prod(made) > 2)


def label_loss(model: Any, data: TrainingData) -> Loss:
    """Return the cross-entropy of labels (N,) or (N, classes) against the first output."""
    import keras

    outputs = probe(model, data.x)[0]
    assert data.y is not None
    classes = outputs[0].size
    several = classes > 1 and data.y.size == classes * len(data.y)
    check_labels(data, 2 if several or classes == 1 else classes, classes if several else 1)
    if several or classes == 1:
        logits = bool(outputs.min() < 0 or outputs.max() > 1)
        binary = keras.losses.BinaryCrossentropy(from_logits=logits)
        return lambda x, y, outputs: binary(_like(y, outputs[0]), outputs[0])
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=not are_probabilities(outputs))
    return lambda x, y, outputs: entropy(y, keras.ops.reshape(outputs[0], (-1, classes)))


def check_labels(data: TrainingData, classes: int, values: int = 1) -> None:
    """Raise InputError for labels that are no classes, or that the model has no output for.

    Each sample has so many `values` below `classes`.
    """
    for labels in (data.y, data.watched_y):
        if labels is not None and labels.size != values * len(labels):
            raise InputError(
                f"labels have {labels[0].size} values a sample, a class is one",
                hint="give the class of each sample, or targets as floats",
            )
        if labels is not None and labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise InputError(
                f"labels go from {labels.min()} to {labels.max()}, the model has {classes} classes",
                hint="choose the dataset that the model was made for",
            )


def target_loss(model: Any, data: TrainingData) -> Loss:
    """Return the mean squared error of float targets (N, ...) against the first output."""
    assert data.y is not None
    wanted = int(np.prod(model.outputs[0].shape[1:]))
    if data.y[0].size != wanted:
        raise InputError(
            f"targets have {data.y[0].size} values a sample, the model's output has {wanted}",
            hint="choose the dataset that the model was made for",
        )
    return lambda x, y, outputs: mean_squared(_like(y, outputs[0]), outputs[0])


def imitation(teacher: Any, x: Inputs, places: Sequence[int]) -> Loss:
    """Return the loss against the teacher's outputs `places`, summed over them.

    Probabilities are compared by cross-entropy, anything else by the squared error relative to
    the mean square of the teacher's output.
    """
    samples = probe(teacher, x)
    parts = {p: _cross_entropy if are_probabilities(samples[p]) else relative_error for p in places}

    def loss(x: Sequence[Any], y: Any, outputs: Sequence[Any]) -> Any:
        taught = run(teacher, x)
        return sum(part(taught[place], outputs[place]) for place, part in parts.items())

    return loss


def mean_squared(wanted: Any, given: Any) -> Any:
    """Return the mean squared error over all values of a batch."""
    import keras

    return keras.ops.mean(keras.ops.square(wanted - given))


def relative_error(wanted: Any, given: Any, tiny: float = 1e-12) -> Any:
    """Return the mean squared error relative to the mean square of what is wanted."""
    import keras

    return mean_squared(wanted, given) / (keras.ops.mean(keras.ops.square(wanted)) + tiny)


def _cross_entropy(wanted: Any, given: Any) -> Any:
    import keras

    return keras.ops.mean(keras.losses.categorical_crossentropy(wanted, given))


def _like(y: Any, output: Any) -> Any:
    import keras

    return keras.ops.reshape(keras.ops.cast(y, output.dtype), keras.ops.shape(output))


def probe(model: Any, x: Inputs) -> list[Any]:
    """Return the model's outputs for the first samples, as float32 arrays."""
    return [output.numpy() for output in run(model, [part[:PROBED] for part in x])]


def are_probabilities(outputs: Any) -> bool:
    """Whether every row (N, classes) is non-negative and sums to one (within 5 %)."""
    flat = outputs.reshape(len(outputs), -1)
    sums = flat.sum(axis=1)
    return bool(flat.shape[1] > 1 and (flat >= 0).all() and (np.abs(sums - 1) < 0.05).all())


def run(model: Any, x: Sequence[Any], *, training: bool = False) -> list[Any]:
    """Return the outputs of a model, in the order of `model.outputs`, for its inputs in order."""
    import keras

    shape = getattr(model, "_inputs_struct", None)
    given = structured(x) if shape is None else keras.tree.pack_sequence_as(shape, list(x))
    return as_list(model(given, training=training))


def structured(x: Sequence[Any]) -> Any:
    """Return the inputs as a model takes them: one alone, several as a list."""
    return x[0] if len(x) == 1 else list(x)


def as_list(outputs: Any) -> list[Any]:
    """Return a model's outputs as a list, in the order of `model.outputs`."""
    if isinstance(outputs, dict):
        return list(outputs.values())
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
