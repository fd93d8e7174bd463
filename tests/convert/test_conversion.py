"""Models from every kind of source become full-integer int8 models near their source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.convert.conversion import convert_model, float_path
from edgeq.convert.evaluation import evaluate, layer_errors
from edgeq.convert.examples import train_example
from edgeq.core.errors import EdgeqError, InputError, ToolchainError, UsageError
from edgeq.data.dataset import load_dataset
from edgeq.graph.reader import read_model
from tests.support.shared import SHARED, shared_model

pytestmark = pytest.mark.convert


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ai_edge_quantizer")
    if not _has_tensorflow():
        pytest.skip("TensorFlow is not installed")
    return train_example("digits", tmp_path_factory.mktemp("demo") / "digits.keras")


def _has_tensorflow() -> bool:
    from importlib.util import find_spec

    return find_spec("tensorflow") is not None


def test_the_demo_is_accurate_and_stays_so_as_int8(demo: Path, tmp_path: Path) -> None:
    digits = load_dataset("digits")
    out = tmp_path / "digits_int8.tflite"
    record = convert_model(demo, out, dataset=digits)
    judged = evaluate(out, digits, reference=demo)
    assert record.sqnr_db > 20
    assert judged.float_value is not None
    assert judged.float_value >= 0.97
    right, kept = (round(v * judged.samples) for v in (judged.float_value, judged.int8_value))
    assert abs(right - kept) <= 0.005 * judged.samples  # two images of 400
    layers = layer_errors(float_path(out), out, digits.samples("evaluation", 8))
    assert len(layers) >= 6
    assert all(layer.sqnr_db > 10 for layer in layers)
    for path in (out, float_path(out)):
        names = [tensor.name for tensor in read_model(path).tensors]
        assert len(set(names)) == len(names)
        assert all(name.count(";") <= 1 for name in names)  # the number of a name, none joined


def test_a_float_tflite_is_quantised_again(demo: Path, tmp_path: Path) -> None:
    digits = load_dataset("digits")
    first, second = tmp_path / "first.tflite", tmp_path / "second.tflite"
    convert_model(demo, first, dataset=digits, samples=50, output_dtype="float32")
    assert _dtypes(first) == ("int8", "float32")
    record = convert_model(float_path(first), second, dataset=digits, samples=50)
    assert record.backend == "edgeq"
    assert record.sqnr_db > 20
    assert _dtypes(second) == ("int8", "int8")


def _dtypes(path: Path) -> tuple[str, str]:
    graph = read_model(path)
    return graph.tensor(graph.inputs[0]).dtype, graph.tensor(graph.outputs[0]).dtype


@pytest.mark.parametrize(
    ("name", "data", "sqnr"),
    [
        ("ad01.h5", "synthetic:1x640", 20),
        ("kws_ref_model", "synthetic:1x49x10x1", 10),
        pytest.param("vww_96.h5", "synthetic:1x96x96x3", 15, marks=pytest.mark.slow),
        pytest.param("pretrainedResnet.h5", "synthetic:1x32x32x3", 10, marks=pytest.mark.slow),
    ],
)
def test_real_models_convert(name: str, data: str, sqnr: float, tmp_path: Path) -> None:
    source = shared_model(name)
    if not _has_tensorflow():
        pytest.skip("TensorFlow is not installed")
    out = tmp_path / "int8.tflite"
    record = convert_model(source, out, dataset=load_dataset(data), samples=8)
    assert record.sqnr_db > sqnr
    assert record.float_max_error is not None
    assert record.float_max_error < 1e-3
    assert _dtypes(out) == ("int8", "int8")


@pytest.mark.slow
def test_the_image_model_stays_within_half_a_point(tmp_path: Path) -> None:
    source, out = shared_model("pretrainedResnet.h5"), tmp_path / "int8.tflite"
    if not _has_tensorflow():
        pytest.skip("TensorFlow is not installed")
    cifar10 = load_dataset("cifar10", data_root=SHARED / "data")
    convert_model(source, out, dataset=cifar10)
    judged = evaluate(out, cifar10, reference=source)
    assert judged.samples == 2000
    assert judged.float_value is not None
    assert judged.int8_value >= judged.float_value - 0.005


def test_a_failed_conversion_leaves_no_file(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tflite"
    digits = load_dataset("digits")
    with pytest.raises(InputError, match="takes samples of shape"):
        convert_model(demo, out, dataset=load_dataset("synthetic:1x9x9x1"), samples=2)
    with pytest.raises(ToolchainError, match="did not end"):
        convert_model(demo, out, dataset=digits, timeout_s=0.5)
    with pytest.raises(EdgeqError):
        convert_model(demo, out, dataset=digits, samples=2, memory_bytes=400 << 20)
    assert list(tmp_path.iterdir()) == []


def test_requests_that_cannot_be_met_are_refused_at_once(tmp_path: Path) -> None:
    digits, source = load_dataset("digits"), tmp_path / "a.keras"
    with pytest.raises(InputError, match="no model"):
        convert_model(source, tmp_path / "o.tflite", dataset=digits)
    source.write_bytes(b"")
    with pytest.raises(UsageError, match="Did you mean tflite"):
        convert_model(source, tmp_path / "o.tflite", dataset=digits, backend="tflit")
    with pytest.raises(UsageError, match="float16"):
        convert_model(source, tmp_path / "o.tflite", dataset=digits, input_dtype="float16")
    with pytest.raises(UsageError, match="calibrate"):
        convert_model(source, tmp_path / "o.tflite", dataset=digits, samples=0)


def test_samples_are_hashed_with_their_shape() -> None:
    from edgeq.convert.samples import hash_samples

    x = np.zeros((2, 3), np.float32)
    assert hash_samples(x) != hash_samples(x.reshape(3, 2))
