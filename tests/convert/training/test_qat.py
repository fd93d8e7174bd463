"""Quantisation-aware training: what it saw is what the integer graph computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.interpreters import run_model
from edgeq.convert.metrics import sqnr_db
from edgeq.convert.quantization.draft import LayerNotes
from edgeq.convert.quantization.scheme import SCHEMES, Scheme, Scope
from edgeq.convert.recipes.steps import Schedule, TrainQuantized
from edgeq.convert.training.folding import fold_model
from edgeq.convert.training.loop import train
from edgeq.convert.training.qat import Imitated, imitate, train_quantized
from edgeq.convert.training.session import Session, Trained, TrainingData
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model

# Keras and TensorFlow warn of NumPy's ways while they save and convert.
pytestmark = [pytest.mark.convert, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

BRIEF = TrainQuantized(schedule=Schedule(epochs=1, batch=32, learning_rate=1e-3))


def residual() -> Any:
    """Residual, separable, concatenated, pooled; activations inside layers and separate."""
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.SeparableConv2D(6, 3, padding="same", activation="relu", name="separable")(x)
    x = layers.Activation("relu")(layers.Add()([x, y]))
    pooled = [layers.MaxPooling2D(name="maxima")(x), layers.AveragePooling2D(2)(x)]
    x = layers.Concatenate(name="joined")(pooled)
    x = layers.LeakyReLU()(layers.DepthwiseConv2D(3, name="depthwise")(layers.ZeroPadding2D()(x)))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


def nested() -> Any:
    """A Sequential inside a model; tanh and sigmoid in the middle; logits."""
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    tower = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, activation="tanh", name="conv"),
            layers.BatchNormalization(),
            layers.Flatten(),
        ]
    )
    x = layers.Dense(8, activation="sigmoid", name="gate")(tower(inputs))
    return keras.Model(inputs, layers.Dense(3, name="head")(x))


def in_time() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Reshape((8, 8))(inputs)
    x = layers.Conv1D(6, 3, name="conv", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling1D()(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


MODELS: dict[str, Callable[[], Any]] = {"residual": residual, "nested": nested, "time": in_time}


_KNOWN: dict[str, Any] = {}


def make(name: str, session: Callable[..., Session], scheme: Scheme) -> tuple[Any, Session]:
    """Return a model that was trained a little, the same each time, and a session for it."""
    import keras

    if name not in _KNOWN:
        keras.utils.set_random_seed(11)
        _KNOWN[name] = MODELS[name]()
        short = Schedule(epochs=5, batch=16, learning_rate=1e-2)
        train(_KNOWN[name], session(), short, name="float")
    return _KNOWN[name], session(_KNOWN[name], scheme=scheme)


def train_imitated(
    trained: Trained, session: Session, params: TrainQuantized = BRIEF
) -> tuple[Imitated, Trained]:
    """Do what `train_quantized` does, and return the imitating model as well."""
    flat = fold_model(trained.model)
    imitated = imitate(flat, session.scheme, params, trained.notes)
    imitated.calibrate(session.data.x)
    train(imitated.trainee, session, params.schedule, name="qat")
    return imitated, imitated.export(trained.notes)


def integers(trained: Trained, session: Session, folder: Path) -> Path:
    """Return the integer .tflite of a trained model, calibrated on its training samples."""
    from edgeq.convert.backends import export_float, open_source
    from edgeq.convert.observers import observer_of
    from edgeq.convert.quantization.calibrators import calibrate
    from edgeq.convert.recipes.steps import Calibrate
    from edgeq.convert.road import draft_model, finish

    x = tuple(part[:48] for part in session.data.x)
    trained.model.save(folder / "m.keras")
    floating, target = folder / "float.tflite", folder / "integers.tflite"
    export_float(folder / "m.keras", open_source(folder / "m.keras"), x, floating)
    draft = draft_model(
        floating, session.scheme, model=trained.model, inputs=x, notes=trained.notes
    )
    target.write_bytes(finish(calibrate(draft, observer_of(x), Calibrate())))
    return target


def weights_in(graph: Graph) -> Mapping[str, tuple[str, int]]:
    """Return operator -> (type of its weights, number of scales) for the last of each kind."""
    found = {}
    for node in graph.nodes:
        if node.op in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            tensor = graph.tensor(node.inputs[1])
            assert tensor.quantization is not None
            found[node.op] = tensor.dtype, len(tensor.quantization.scales)
    return found


CASES = [
    ("residual", "int8", "learned"),
    ("residual", "int4", "learned"),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in [
            ("residual", "int8", "moving"),
            ("residual", "int8-per-tensor", "learned"),
            ("residual", "int16x8", "learned"),
            ("nested", "int8", "learned"),
            ("time", "int8", "learned"),
        ]
    ),
]


@pytest.mark.parametrize(("name", "scheme", "ranges"), CASES)
def test_the_integer_model_agrees_with_the_imitating_one(
    name: str, scheme: str, ranges: Any, session: Any, tmp_path: Path
) -> None:
    model, here = make(name, session, Scheme(SCHEMES[scheme]))
    params = TrainQuantized(ranges=ranges, schedule=BRIEF.schedule)
    imitated, trained = train_imitated(Trained(model), here, params)
    x = here.data.watched_x[0]
    wanted = np.asarray(imitated.model(x, training=False))
    path = integers(trained, here, tmp_path)
    (given,) = run_model(path, (x,))
    assert sqnr_db(wanted, given) >= 40
    graph = read_model(path)
    output = graph.tensor(graph.outputs[0]).quantization
    assert output is not None
    second, first = np.sort(wanted, axis=1)[:, -2:].T
    clear = first - second > 2 * output.scale  # more than two outputs that are each a step off
    assert np.mean(clear) > 0.5
    np.testing.assert_array_equal(wanted[clear].argmax(1), given[clear].argmax(1))
    types = weights_in(graph)
    assert {kind for kind, _ in types.values()} == {"int4" if scheme == "int4" else "int8"}
    if scheme == "int8":
        assert types["FULLY_CONNECTED"] == ("int8", 3)  # a Dense layer keeps a scale a channel
    if scheme == "int4":
        assert types["FULLY_CONNECTED"] == ("int4", 1)  # no kernel takes more


def test_learned_ranges_and_weights_reach_the_notes(session: Any) -> None:
    model, here = make("residual", session, Scheme(SCHEMES["int4"]))
    trained = train_quantized(Trained(model), here, BRIEF)
    conv, concat = trained.notes["conv"], trained.notes["joined"]
    assert (conv.bits, conv.per_channel) == (4, True)
    assert conv.input is not None
    assert conv.input.low < 0
    assert conv.output is not None
    assert conv.output.low == 0
    assert conv.output.high <= 6
    assert concat.output == trained.notes["maxima"].output
    kernel = trained.model.get_layer("conv").kernel.numpy()
    assert all(len(np.unique(kernel[..., c])) <= 15 for c in range(kernel.shape[-1]))


@pytest.mark.slow
def test_mixed_schemes_follow_layer_names(session: Any, tmp_path: Path) -> None:
    scopes = (Scope("conv|separable.*", SCHEMES["int4"]), Scope("depthwise", SCHEMES["int16x8"]))
    model, here = make("residual", session, Scheme(scopes=scopes))
    imitated, trained = train_imitated(Trained(model), here)
    bits = {name: note.bits for name, note in trained.notes.items() if note.bits}
    assert bits["conv"] == bits["separable"] == bits["separable_depthwise"] == 4
    assert bits["head"] == bits["depthwise"] == 8
    x = here.data.watched_x[0]
    (given,) = run_model(integers(trained, here, tmp_path), (x,))
    assert sqnr_db(np.asarray(imitated.model(x, training=False)), given) >= 40


def test_zeros_and_codebooks_of_earlier_steps_hold(session: Any) -> None:
    from edgeq.convert.training.kernels import copy_model

    model, here = make("nested", session, Scheme())
    model = copy_model(model)
    head, gate = model.get_layer("head"), model.get_layer("gate")
    head.kernel.assign(np.where(np.abs(head.kernel) < 0.3, 0.0, head.kernel))
    gate.kernel.assign(np.sign(gate.kernel) * 0.25)
    notes = {
        "head": LayerNotes(frozen_zeros=True),
        "gate": LayerNotes(codebook=(-127, 127)),
    }
    zeros = head.kernel.numpy() == 0
    trained = train_quantized(Trained(model, notes), here, BRIEF)
    after = trained.model.get_layer("head").kernel.numpy()
    assert zeros.any()
    assert (after[zeros] == 0).all()
    columns = np.abs(trained.model.get_layer("gate").kernel.numpy())
    assert np.ptp(columns, axis=0).max() < 1e-6
    assert trained.notes["gate"].codebook == (-127, 127)


def test_a_layer_without_an_imitation_is_named_unless_it_is_out_of_scope(session: Any) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.ELU(name="odd")(layers.Conv2D(2, 3, name="conv")(inputs)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    here = session(model)
    with pytest.raises(InputError, match=r"layer odd \(ELU\)"):
        train_quantized(Trained(model), here, BRIEF)
    scoped = TrainQuantized(layers="conv|head.*", schedule=BRIEF.schedule)
    assert train_quantized(Trained(model), here, scoped).notes["head"].bits == 8


@pytest.mark.parametrize("wide", [0, 1])
def test_a_layer_of_several_inputs_notes_a_range_that_holds_all_of_them(wide: int) -> None:
    import keras
    from keras import layers

    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    model = keras.Model([a, b], layers.Dense(2, name="head")(layers.Add(name="sum")([a, b])))
    x = [np.linspace(-1, 1, 60, dtype=np.float32).reshape(10, 6)] * 2
    x[wide] = 10 * x[wide]
    imitated = imitate(fold_model(model), Scheme(), BRIEF, {})
    imitated.calibrate(tuple(x))
    noted = imitated.export({}).notes["sum"].input
    assert noted is not None
    assert noted.low < -9.9
    assert noted.high > 9.9


def test_types_that_no_kernel_takes_are_named(session: Any) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Conv2DTranspose(2, 3, name="up")(inputs))
    model = keras.Model(inputs, layers.Dense(3, name="head")(x))
    with pytest.raises(InputError, match=r"layer up \(TRANSPOSE_CONV\) cannot have int4 weights"):
        train_quantized(Trained(model), session(model, scheme=Scheme(SCHEMES["int4"])), BRIEF)


def test_weights_that_are_not_finite_are_named(session: Any) -> None:
    model = residual()
    model.get_layer("head").kernel.assign(np.full((6 * 2, 3), np.nan))
    with pytest.raises(InputError, match="layer head holds NaN"):
        train_quantized(Trained(model), session(model), BRIEF)


@pytest.mark.slow
def test_several_inputs_and_outputs_are_trained_with_their_teacher(session: Any) -> None:
    import keras
    from keras import layers

    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    x = layers.Concatenate()([layers.Dense(5, activation="relu")(a), layers.Dense(5)(b)])
    model = keras.Model([a, b], [layers.Dense(2, name="one")(x), layers.Dense(3, name="two")(x)])
    rng = np.random.default_rng(1)
    x = tuple(rng.normal(size=(64, n)).astype(np.float32) for n in (6, 4))
    here = session(model, data=TrainingData(x, None, x, None))
    imitated, trained = train_imitated(Trained(model), here)
    for wanted, given in zip(model(list(x)), imitated.model(list(x), training=False), strict=True):
        assert sqnr_db(np.asarray(wanted), np.asarray(given)) > 30
    assert {"one", "two"} <= set(trained.notes)


@pytest.mark.slow
def test_the_same_seed_trains_the_same_bytes(session: Any, tmp_path: Path) -> None:
    model, here = make("nested", session, Scheme(SCHEMES["int4"]))
    first = train_quantized(Trained(model), here, BRIEF)
    elsewhere = dataclasses.replace(here, checkpoints=tmp_path / "again")
    second = train_quantized(Trained(model), elsewhere, BRIEF)
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.notes.keys() == second.notes.keys()
    assert all(first.notes[n].output == second.notes[n].output for n in first.notes)
