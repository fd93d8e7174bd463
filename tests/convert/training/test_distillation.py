"""A student learns what its teacher does, also where there are no labels, and in later steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes.steps import Distil, Schedule, Ternary
from edgeq.convert.training.distillation import distil, softened_divergence, teach
from edgeq.convert.training.extreme import train_ternary
from edgeq.convert.training.loop import train
from edgeq.convert.training.session import Trained
from edgeq.core.errors import InputError

pytestmark = pytest.mark.convert

SHORT = Schedule(epochs=4, batch=16, learning_rate=1e-2)


@pytest.fixture
def teacher(session: Any, small_cnn: Any) -> Any:
    model = small_cnn(seed=11)
    train(model, session(), SHORT, name="teacher")
    return model


def distance(model: Any, teacher: Any, here: Any) -> float:
    """Mean KL divergence of the model's outputs from the teacher's on the watched samples."""
    x = here.data.watched_x[0]
    p, q = (np.asarray(m(x, training=False)).clip(1e-7) for m in (teacher, model))
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))


def without_labels(here: Any) -> Any:
    return replace(here, data=replace(here.data, y=None, watched_y=None))


def test_outputs_come_near_the_teachers_without_any_label(
    session: Any, small_cnn: Any, teacher: Any
) -> None:
    here = without_labels(session(teacher=teacher))
    student = small_cnn(seed=5)
    found = distil(Trained(student), here, Distil(soft=1.0, schedule=SHORT))
    assert distance(found.model, teacher, here) < 0.3 * distance(student, teacher, here)


@pytest.mark.parametrize("probabilities", [False, True])
def test_the_divergence_is_that_of_hinton(probabilities: bool) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 6, 4))

    def soft(z: Any) -> Any:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    p, q = soft(a / 3), soft(b / 3)
    expected = 9 * np.mean(np.sum(p * np.log(p / q), axis=1))
    given = (soft(a), soft(b)) if probabilities else (a, b)
    found = softened_divergence(*given, 3.0, probabilities=(probabilities, probabilities))
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_features_are_matched_through_a_projection(
    session: Any, small_cnn: Any, teacher: Any
) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, activation="relu", name="narrow")(inputs)
    student = keras.Model(
        inputs, layers.Dense(3, activation="softmax", name="head")(layers.Flatten()(x))
    )
    here = without_labels(session(teacher=teacher))
    params = Distil(soft=0.0, features=("narrow=conv",), schedule=SHORT)
    found = distil(Trained(student), here, params)
    names = [[layer.name for layer in model.layers[1:]] for model in (found.model, student)]
    assert names[0] == names[1]  # an input without a name has another
    assert not np.array_equal(found.model.layers[1].get_weights()[0], student.get_weights()[0])


def test_later_steps_learn_from_the_teacher_as_well(
    session: Any, small_cnn: Any, teacher: Any
) -> None:
    plain = without_labels(session(teacher=teacher))
    params = Distil(soft=1.0, features=("conv=conv",), schedule=SHORT)
    first = distil(Trained(small_cnn(seed=5)), plain, params)
    taught = teach(plain, first, params)
    then = train_ternary(first, taught, Ternary(layers="head", schedule=SHORT))
    assert then.notes["head"].codebook == (-127, 0, 127)
    assert distance(then.model, teacher, plain) < 0.5


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_a_teacher_from_a_file(session: Any, small_cnn: Any, teacher: Any, tmp_path: Path) -> None:
    path = tmp_path / "teacher.keras"
    teacher.save(path)
    here = without_labels(session(teacher=None))
    params = Distil(soft=1.0, teacher=str(path), schedule=SHORT)
    found = distil(Trained(small_cnn(seed=5)), here, params)
    assert distance(found.model, teacher, here) < 0.3


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (("conv",), "names no pair"),
        (("nothing=conv",), "the model has no layer 'nothing'"),
        (("conv=nothing",), "the teacher has no layer 'nothing'"),
        (("conv=head",), "only the last axis may differ"),
    ],
)
def test_features_that_do_not_fit_are_errors(
    session: Any, small_cnn: Any, features: tuple[str, ...], message: str
) -> None:
    here = session(teacher=small_cnn(seed=11))
    with pytest.raises(InputError, match=message):
        distil(Trained(small_cnn()), here, Distil(features=features, schedule=SHORT))


def test_a_teacher_for_other_data_is_an_error(session: Any, small_cnn: Any) -> None:
    import keras
    from keras import layers

    other = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(InputError, match="teacher's inputs"):
        distil(Trained(small_cnn()), session(teacher=other), Distil())
