"""The training loop learns, repeats itself, survives an interruption and keeps to its budget."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes.steps import Schedule
from edgeq.convert.training.checkpoint import STATE, read_variables
from edgeq.convert.training.loop import duration, rate_at, train
from edgeq.convert.training.losses import as_list, choose_loss
from edgeq.convert.training.session import TrainingData
from edgeq.core.errors import InputError, UsageError

pytestmark = pytest.mark.convert

SHORT = Schedule(epochs=4, batch=16, learning_rate=1e-2, augment="flip-shift")


class Interrupted(Exception):
    pass


def interrupt_at(epoch: int) -> Any:
    import keras

    def stop(at: int, logs: Any = None) -> None:
        if at == epoch:
            raise Interrupted

    return keras.callbacks.LambdaCallback(on_epoch_begin=stop)


def equal(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def accuracy(model: Any, data: TrainingData) -> float:
    outputs = np.asarray(model(data.watched_x[0], training=False))
    return float(np.mean(outputs.argmax(1) == data.watched_y))


def test_it_learns_from_probabilities_and_from_logits(session: Any, small_cnn: Any) -> None:
    for place, activation in enumerate(("softmax", None)):
        model, here = small_cnn(activation), session()
        train(model, here, SHORT, name=f"learn{place}")
        assert accuracy(model, here.data) > 0.9


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    session: Any, small_cnn: Any
) -> None:
    weights = []
    for name, seed in (("a/x", 7), ("b/x", 7), ("c/x", 8)):
        model = small_cnn()
        here = session()
        folder = here.checkpoints / name[0]
        train(model, dataclasses.replace(here, checkpoints=folder, seed=seed), SHORT, name="x")
        weights.append(read_variables(model.variables))
    assert equal(weights[0], weights[1])
    assert not equal(weights[0], weights[2])


def test_an_interrupted_training_ends_with_the_bytes_of_an_uninterrupted_one(
    session: Any, small_cnn: Any
) -> None:
    whole, broken, here = small_cnn(), small_cnn(), session()
    train(whole, dataclasses.replace(here, checkpoints=here.checkpoints / "whole"), SHORT, name="x")
    with pytest.raises(Interrupted):
        train(broken, here, SHORT, name="x", callbacks=[interrupt_at(2)])
    broken, told = small_cnn(), []
    again = dataclasses.replace(here, progress=lambda text, share: told.append(text))
    train(broken, again, SHORT, name="x")
    assert equal(read_variables(whole.variables), read_variables(broken.variables))
    assert not any("epoch 1/" in text or "epoch 2/" in text for text in told)


def test_a_damaged_or_foreign_checkpoint_is_no_checkpoint(session: Any, small_cnn: Any) -> None:
    reference, here = small_cnn(), session()
    train(reference, here, SHORT, name="x")
    state = here.checkpoints / "x" / STATE
    state.write_bytes(state.read_bytes()[:1000])
    model = small_cnn()
    train(model, here, SHORT, name="x")
    assert equal(read_variables(reference.variables), read_variables(model.variables))
    other = small_cnn()
    train(other, dataclasses.replace(here, seed=8), SHORT, name="x")
    assert not equal(read_variables(reference.variables), read_variables(other.variables))


def test_the_best_watched_epoch_wins_and_the_untouched_model_counts(
    session: Any, small_cnn: Any
) -> None:
    model, here = small_cnn(), session()
    train(model, here, SHORT, name="good")
    before = read_variables(model.variables)
    ruinous = Schedule(epochs=2, batch=16, learning_rate=1.0)
    train(model, here, ruinous, name="ruin")
    assert equal(before, read_variables(model.variables))
    train(model, here, ruinous, name="forced", settled=1.0)
    assert not equal(before, read_variables(model.variables))


def test_the_progress_tells_epoch_step_and_time_left(session: Any, small_cnn: Any) -> None:
    told: list[tuple[str, float]] = []
    here = session(progress=lambda text, share: told.append((text, share)))
    train(small_cnn(), here, SHORT, name="tell")
    assert told[-1] == ("tell: epoch 4/4, step 6/6, 0 s left", 1.0)


def test_the_time_budget_ends_the_training_early_with_its_cosine(
    session: Any, small_cnn: Any
) -> None:
    told: list[str] = []
    here = session(progress=lambda text, share: told.append(text))
    long = Schedule(epochs=100000, batch=16, minutes=0.05)
    began = time.monotonic()
    train(small_cnn(), here, long, name="budget")
    assert time.monotonic() - began < 60
    assert "0 s left" in told[-1]


def test_a_loss_that_is_not_finite_is_a_named_error(session: Any, small_cnn: Any) -> None:
    import keras

    here = session()
    with pytest.raises(InputError, match=r"ruin: the loss is nan at epoch 1, step 1") as caught:
        train(
            small_cnn(),
            here,
            SHORT,
            name="ruin",
            loss=lambda x, y, outputs: keras.ops.log(-1.0 - keras.ops.mean(outputs[0])),
        )
    assert "learning_rate" in caught.value.hint
    assert not (here.checkpoints / "ruin" / STATE).exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": np.full(96, 3, np.int32)}, "labels go from 3 to 3, the model has 3 classes"),
        ({"y": np.zeros((96, 5), np.float32)}, "targets have 5 values"),
        ({"x": (np.zeros((96, 9, 8, 1), np.float32),)}, "not of the shape"),
        ({"x": (np.full((96, 8, 8, 1), np.nan, np.float32),)}, "not finite"),
        ({"x": (np.zeros((0, 8, 8, 1), np.float32),)}, "no training samples"),
        ({"x": ()}, "0 inputs"),
    ],
)
def test_data_that_do_not_fit_are_named(
    session: Any, small_cnn: Any, change: dict[str, Any], words: str
) -> None:
    here = session()
    data = dataclasses.replace(here.data, **change)
    with pytest.raises(InputError, match=words):
        train(small_cnn(), dataclasses.replace(here, data=data), SHORT, name="x")


def test_an_augmentation_that_does_not_suit_the_samples_is_named(session: Any) -> None:
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    x = np.zeros((8, 4), np.float32)
    data = TrainingData((x,), np.zeros(8, np.int32), (x,), np.zeros(8, np.int32))
    with pytest.raises(UsageError, match="'time-shift' does not suit"):
        train(model, session(data=data), Schedule(augment="time-shift"), name="x")


def test_the_loss_suits_the_data(session: Any, small_cnn: Any) -> None:
    import keras

    teacher, student = small_cnn(), small_cnn(seed=4)
    here = session(teacher)
    x = here.data.x[0]
    loss = choose_loss(student, here)
    given = as_list(student(x, training=False))
    labels = keras.losses.sparse_categorical_crossentropy(here.data.y, given[0])
    assert float(loss([x], here.data.y, given)) == pytest.approx(float(np.mean(labels)), rel=1e-5)
    unlabelled = dataclasses.replace(here, data=dataclasses.replace(here.data, y=None))
    imitates = choose_loss(student, unlabelled)
    taught = as_list(teacher(x, training=False))
    assert float(imitates([x], None, taught)) < float(imitates([x], None, given))
    coder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, padding="same")])
    own = choose_loss(coder, unlabelled)
    assert float(own([x], None, [x])) == 0.0


def test_a_student_learns_from_a_teacher_without_labels(session: Any, small_cnn: Any) -> None:
    teacher, student, here = small_cnn(), small_cnn(seed=4), session()
    train(teacher, here, SHORT, name="teacher")
    data = dataclasses.replace(here.data, y=None, watched_y=None)
    train(student, dataclasses.replace(here, data=data, teacher=teacher), SHORT, name="student")
    assert accuracy(student, here.data) > 0.9


def test_the_rate_warms_up_and_falls_by_a_cosine() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.02)
    assert max(rates) == rates[4] == 0.1
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.0015


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")]
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("dtype", "metric"), [("int32", "auc"), ("int32", None), ("float32", None)]
)
def test_labels_of_an_autoencoder_only_judge_it(session: Any, dtype: str, metric: Any) -> None:
    import keras

    keras.utils.set_random_seed(4)
    layers = [keras.layers.Flatten(), keras.layers.Dense(64)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    data = session().data
    labelled = dataclasses.replace(
        data, y=(data.y == 0).astype(dtype), watched_y=(data.watched_y == 0).astype(dtype)
    )
    here = session(data=labelled, metric=metric)
    x = data.x[0]
    outputs = np.asarray(model(x))
    wanted = np.mean((outputs - x.reshape(outputs.shape)) ** 2)
    assert float(choose_loss(model, here)([x], labelled.y, [outputs])) == pytest.approx(wanted)
    train(model, here, SHORT, name=f"judge-{dtype}-{metric}")
    after = np.mean((np.asarray(model(x)) - x.reshape(outputs.shape)) ** 2)
    assert after < 0.7 * wanted


def test_a_classifier_of_as_many_features_as_classes_learns_its_labels(session: Any) -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    x, y = np.eye(3, dtype=np.float32), np.arange(3, dtype=np.int32)
    data = TrainingData((x,), y % 2, (x,), y % 2)
    confident = [100 * np.eye(3, dtype=np.float32)[y % 2]]
    for metric in ("top1", "auc"):
        loss = choose_loss(model, session(data=data, metric=metric))
        assert (float(loss([x], y % 2, confident)) < 1e-6) == (metric == "top1")


def test_sets_of_labels_train_each_output_alone(session: Any) -> None:
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="sigmoid")])
    x, y = np.eye(2, dtype=np.float32), np.array([[1, 1, 0], [0, 0, 0]], np.int32)
    loss = choose_loss(model, session(data=TrainingData((x,), y, (x,), y), metric="map"))
    given = np.array([[0.9, 0.6, 0.2], [0.1, 0.5, 0.3]], np.float32)
    expected = -np.mean(np.log(np.where(y == 1, given, 1 - given)))
    assert float(loss([x], y, [given])) == pytest.approx(float(expected), rel=1e-4)
    for wrong in (2 * y, y[:, :2]):
        data = TrainingData((x,), wrong, (x,), wrong)
        with pytest.raises(InputError, match="labels"):
            choose_loss(model, session(data=data, metric="map"))
