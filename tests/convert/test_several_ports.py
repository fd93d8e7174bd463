"""Models with several inputs and outputs, embeddings and recurrent layers become int8 models."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq import api
from edgeq.bench.inputs import as_arrays, generate_input
from edgeq.convert import child
from edgeq.convert.calibration import METHODS, compare_calibrators
from edgeq.convert.checks import check_int8
from edgeq.convert.interpreters import run_model, tflite_ports
from edgeq.core.errors import InputError
from edgeq.graph.reader import read_model
from tests.support.quantization import run_here

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

STEPS, DEPTH = 6, 4


def convert(model: Any, inputs: tuple[np.ndarray, ...], folder: Path, **job: Any) -> dict[str, Any]:
    """Save and convert a Keras model in this process; check the int8 model."""
    from edgeq.convert.backends import convert_source

    model.save(folder / "model.keras")
    ports = {"backend": "tflite", "input_dtype": "int8", "output_dtype": "int8"}
    task = {"source": str(folder / "model.keras"), **ports, **job}
    answer: dict[str, Any] = convert_source(task, inputs, folder, lambda stage, share: None)
    check_int8(read_model(folder / "int8.tflite"), input_dtype="int8", output_dtype="int8")
    return answer


def shop() -> Any:
    """Return a model of two ids and three numbers; its ports are in no alphabetical order."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    user, item = (keras.Input((1,), dtype="int32", name=name) for name in ("user", "item"))
    age = keras.Input((3,), name="age")
    rows = [
        layers.Flatten()(layers.Embedding(20, 4)(user)),
        layers.Flatten()(layers.Embedding(30, 4)(item)),
    ]
    hidden = layers.Dense(8, activation="relu")(layers.Concatenate()([*rows, age]))
    price = layers.Dense(2, name="price")(hidden)
    kind = layers.Dense(5, activation="softmax", name="kind")(hidden)
    return keras.Model([user, item, age], [price, kind])


def shop_samples(count: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(1)
    ids = [random.integers(0, n, (count, 1)).astype(np.int32) for n in (20, 30)]
    return (*ids, random.normal(size=(count, 3)).astype(np.float32))


@pytest.mark.parametrize("backend", ["tflite", "edgeq"])
def test_ports_keep_the_models_names_and_order(tmp_path: Path, backend: str) -> None:
    user, item, age = shop_samples(40)
    answer = convert(
        shop(), (age, item, user), tmp_path, names=("age", "item", "user"), backend=backend
    )
    assert answer["sqnr_db"] > 20
    assert answer["float_max_error"] < 1e-5
    graph = read_model(tmp_path / "int8.tflite")
    ports = [(graph.tensor(i).name, graph.tensor(i).dtype) for i in graph.inputs]
    assert ports == [("user", "int32"), ("item", "int32"), ("age", "int8")]
    assert [graph.tensor(i).shape for i in graph.outputs] == [(1, 2), (1, 5)]
    assert Counter(node.op for node in graph.nodes)["GATHER"] == 2
    outputs = run_model(tmp_path / "int8.tflite", (user, item, age))
    assert [value.shape for value in outputs] == [(40, 2), (40, 5)]
    assert [port.name for port in tflite_ports(tmp_path / "int8.tflite")] == ["user", "item", "age"]


def test_several_ports_are_bit_exact_on_the_virtual_board(tmp_path: Path) -> None:
    convert(shop(), shop_samples(40), tmp_path)
    record = api.validate(tmp_path / "int8.tflite", board="virt-m4", seeds=3)
    assert (record.matched, record.inputs) == (3, 3)


def test_samples_that_do_not_fit_are_named(tmp_path: Path) -> None:
    user, item, age = shop_samples(4)
    with pytest.raises(InputError, match="has 3 inputs"):
        convert(shop(), (user, item), tmp_path)
    with pytest.raises(InputError, match="int32 at its input 'user'"):
        convert(shop(), (user + 0.5, item, age), tmp_path)
    with pytest.raises(InputError, match="the dataset names user, item, size"):
        convert(shop(), (user, item, age), tmp_path, names=("user", "item", "size"))


@pytest.fixture
def ratings() -> Any:
    """Return the example's untrained network for two ids, and its dataset."""
    import keras

    from edgeq.convert.training.examples.recommender import build_recommender
    from edgeq.data.dataset import load_dataset

    keras.utils.set_random_seed(5)
    data = load_dataset("ratings")
    return build_recommender(data.samples("train", 2000).inputs, 2), data


def test_calibrators_are_compared_on_several_inputs(
    ratings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = ratings
    model.save(tmp_path / "model.keras")
    monkeypatch.setattr(child, "run", run_here)
    record = compare_calibrators(tmp_path / "model.keras", data, samples=60, limit=200)
    assert (record.metric, record.samples, record.calibration.samples) == ("auc", 200, 60)
    assert {method.method for method in record.methods} == set(METHODS)
    assert all(method.sqnr_db > 10 for method in record.methods)


def recurrent(*layers_: Any) -> Any:
    import keras
    from keras import layers

    x = sequence = keras.Input((STEPS, DEPTH), name="sequence")
    for layer in layers_:
        x = layer(x)
    return keras.Model(sequence, layers.Dense(3, activation="softmax")(x))


def sequences() -> tuple[np.ndarray, ...]:
    return (np.random.default_rng(2).normal(size=(40, STEPS, DEPTH)).astype(np.float32),)


def make_layers(kind: str) -> list[Any]:
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    return {
        "lstm": lambda: [layers.LSTM(5, return_sequences=True), layers.LSTM(6, name="memory")],
        "both ways": lambda: [layers.Bidirectional(layers.LSTM(4, name="memory"))],
        "other": lambda: [layers.LSTM(4, activation="relu", name="memory")],
        "gru": lambda: [layers.GRU(4, name="memory")],
        "simple": lambda: [layers.SimpleRNN(4, name="memory")],
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "fused", "said"),
    [
        ("lstm", 2, "memory: LSTM as UNIDIRECTIONAL_SEQUENCE_LSTM; quantised by"),
        pytest.param("both ways", 2, "LSTM as UNIDIRECTIONAL_SEQUENCE", marks=pytest.mark.slow),
        pytest.param("other", 0, "memory: LSTM unrolled, since its", marks=pytest.mark.slow),
        ("gru", 0, "memory: GRU unrolled"),
        pytest.param("simple", 0, "memory: SimpleRNN unrolled", marks=pytest.mark.slow),
    ],
)
def test_recurrent_layers_convert_and_it_is_said_how(
    tmp_path: Path, kind: str, fused: int, said: str
) -> None:
    answer = convert(recurrent(*make_layers(kind)), sequences(), tmp_path, backend="edgeq")
    assert answer["backend"] == ("tflite" if fused else "edgeq")
    assert any(said in note for note in answer["notes"])
    assert answer["float_max_error"] < 1e-5
    assert answer["sqnr_db"] > 20
    graph = read_model(tmp_path / "int8.tflite")
    ops = Counter(node.op for node in graph.nodes)
    assert ops["UNIDIRECTIONAL_SEQUENCE_LSTM"] == fused
    assert "WHILE" not in ops
    record = api.validate(tmp_path / "int8.tflite", board="virt-m4", seeds=3)
    assert (record.matched, record.inputs) == (3, 3)


def test_a_fused_lstm_is_bit_exact_with_tensorflow_lite_micro(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    convert(recurrent(*make_layers("lstm")), sequences(), tmp_path)
    path = tmp_path / "int8.tflite"
    record = api.validate(path, board="virt-m4", seeds=3, oracle="tflite-micro")
    assert (record.matched, record.inputs) == (3, 3)


def test_generated_bytes_fill_every_port(tmp_path: Path) -> None:
    from edgeq.compile import compile_graph

    convert(shop(), shop_samples(8), tmp_path)
    plan = compile_graph(read_model(tmp_path / "int8.tflite"), name="shop").plan
    arrays = as_arrays(plan.inputs, generate_input(plan.inputs, 1))
    assert [(a.shape, a.dtype.name) for a in arrays] == [
        ((1, 1), "int32"), ((1, 1), "int32"), ((1, 3), "int8"),
    ]  # fmt: skip
