"""Child side: knowledge distillation, from a teacher's outputs and from its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeq.convert.loading import load_keras
from edgeq.convert.recipes.steps import Distil
from edgeq.convert.training.flattening import build, flatten
from edgeq.convert.training.holding import held
from edgeq.convert.training.kernels import copy_model
from edgeq.convert.training.loop import train
from edgeq.convert.training.losses import (
    Loss,
    are_probabilities,
    choose_loss,
    probe,
    reconstructs,
    relative_error,
    run,
    structured,
)
from edgeq.convert.training.session import Session, Trained
from edgeq.core.errors import InputError

TINY = 1e-7


def distil(trained: Trained, session: Session, params: Distil) -> Trained:
    """Train the model to do as its teacher does (Hinton et al. 2015).

    What earlier steps decided about weights holds.

    Raises:
        InputError: the teacher has other inputs or outputs, or `features` do not fit.
    """
    model = copy_model(trained.model)
    with held(model, trained.notes):
        train(model, teach(session, trained, params), params.schedule, name="distil")
    return replace(trained, model=model)


def teach(session: Session, trained: Trained, params: Distil) -> Session:
    """Return the session with the step's teacher, from which every later step learns as well."""
    teacher = load_keras(Path(params.teacher)) if params.teacher else session.teacher
    _check_ports(trained.model, teacher)
    lesson = Lesson(teacher, params, _pair_features(params.features))
    session = replace(session, teacher=teacher)
    return replace(session, objective=lambda model: lesson.give(model, session))


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a teacher teaches: its outputs, and the features of named layers."""

    teacher: Any
    params: Distil
    features: tuple[tuple[str, str], ...]

    def give(self, model: Any, session: Session) -> tuple[Any, Loss]:
        """Return what to train instead of `model`, sharing its layers, and the loss."""
        hard = session.loss or choose_loss(model, session)
        soft = self._output_loss(model, session)
        share, weight = self.params.soft, self.params.feature_weight
        if not self.features:
            return (
                model,
                lambda x, y, outputs: (
                    share * soft(run(self.teacher, x), outputs) + (1 - share) * hard(x, y, outputs)
                ),
            )
        trainee, master = self._show_features(model)
        count = len(model.outputs)

        def loss(x: Any, y: Any, outputs: Any) -> Any:
            taught = run(master, x)
            pairs = zip(taught[len(self.teacher.outputs) :], outputs[count:], strict=True)
            return (
                share * soft(taught, outputs[:count])
                + (1 - share) * hard(x, y, outputs[:count])
                + weight * sum(relative_error(a, b, TINY) for a, b in pairs) / len(self.features)
            )

        return trainee, loss

    def _output_loss(self, model: Any, session: Session) -> Any:
        """Return (taught, given outputs) -> scalar, summed over the model's outputs."""
        taught, given = probe(self.teacher, session.data.x), probe(model, session.data.x)
        kinds = [
            (are_probabilities(a), are_probabilities(b), _are_classes(session, a))
            for a, b in zip(taught, given, strict=True)
        ]
        warmth = self.params.temperature

        def loss(taught: Sequence[Any], given: Sequence[Any]) -> Any:
            total = 0.0
            for (from_a, from_b, classes), a, b in zip(kinds, taught, given, strict=False):
                total += (
                    softened_divergence(a, b, warmth, probabilities=(from_a, from_b))
                    if classes
                    else relative_error(a, b, TINY)
                )
            return total

        return loss

    def _show_features(self, model: Any) -> tuple[Any, Any]:
        """Return student and teacher with their features for further outputs.

        Where channels differ, a trained projection without bias leads from the student's to the
        teacher's (Romero et al. 2015, section 2.2, with a 1x1 regressor).
        """
        import keras

        teacher = build(flatten(self.teacher))
        shown, taught = [], []
        for mine, theirs in self.features:
            a, b = _output_of(model, mine, "model"), _output_of(teacher, theirs, "teacher")
            if tuple(a.shape[1:-1]) != tuple(b.shape[1:-1]):
                raise InputError(
                    f"step distil: {mine} gives {tuple(a.shape[1:])}, the teacher's {theirs} "
                    f"{tuple(b.shape[1:])}: only the last axis may differ",
                    hint="pair layers of the same size",
                )
            if a.shape[-1] != b.shape[-1]:
                name = f"{mine}_to_{theirs}"
                a = keras.layers.Dense(int(b.shape[-1]), use_bias=False, name=name)(a)
            shown.append(a)
            taught.append(b)
        return (
            keras.Model(structured(model.inputs), [*model.outputs, *shown]),
            keras.Model(structured(teacher.inputs), [*teacher.outputs, *taught]),
        )


def softened_divergence(
    taught: Any, given: Any, temperature: float, *, probabilities: tuple[bool, bool]
) -> Any:
    """Return T^2 KL(softmax(taught / T), softmax(given / T)), the mean over (N, classes).

    Hinton et al. 2015, section 2; the factor keeps the size of the gradients. Where outputs are
    probabilities already, their logarithms are the logits.
    """
    from keras import ops

    a, b = (
        (ops.log(ops.clip(values, TINY, 1.0)) if already else values) / temperature
        for values, already in zip((taught, given), probabilities, strict=True)
    )
    p, log_p, log_q = ops.softmax(a), ops.log_softmax(a), ops.log_softmax(b)
    return temperature**2 * ops.mean(ops.sum(p * (log_p - log_q), axis=-1))


def _are_classes(session: Session, taught: Any) -> bool:
    """Whether an output tells classes: probabilities, or logits of as many as labels."""
    y = session.data.y
    labelled = (
        y is not None and y.dtype.kind in "iub" and not reconstructs(session.teacher, session)
    )
    return bool(are_probabilities(taught) or (labelled and taught.ndim == 2 and taught[0].size > 1))


def _pair_features(features: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for text in features:
        student, equals, teacher = text.partition("=")
        if not (student and equals and teacher):
            raise InputError(
                f"step distil: {text!r} names no pair of layers",
                hint='write "layer of the student=layer of the teacher"',
            )
        pairs.append((student, teacher))
    return tuple(pairs)


def _output_of(model: Any, name: str, whose: str) -> Any:
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise InputError(
            f"step distil: the {whose} has no layer {name!r}", hint=f"it has: {', '.join(names)}"
        )
    return model.get_layer(name).output


def _check_ports(model: Any, teacher: Any) -> None:
    for which in ("inputs", "outputs"):
        mine, theirs = (
            [tuple(port.shape[1:]) for port in getattr(m, which)] for m in (model, teacher)
        )
        if mine != theirs:
            raise InputError(
                f"step distil: the teacher's {which} are {theirs}, the model's {mine}",
                hint="choose a teacher for the same data and classes",
            )
