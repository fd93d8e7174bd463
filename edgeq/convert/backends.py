"""Child side: the quantisation backends, from a float model and samples to int8 bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.interpreters import run_model
from edgeq.convert.loading import Progress, export_static
from edgeq.convert.metrics import Array, sqnr_db
from edgeq.convert.safety import scan_source
from edgeq.core.errors import InputError

COMPARED = 64


class FloatModel(NamedTuple):
    """The float .tflite, its static SavedModel (None without one), and the dtypes asked for."""

    tflite: Path
    saved: Path | None
    input_dtype: str
    output_dtype: str


class Backend(NamedTuple):
    """A quantiser: int8 bytes from a float model and samples (N, ...)."""

    quantize: Callable[[FloatModel, Array], bytes]
    package: str
    method: str


def quantize_tflite(model: FloatModel, x: Array) -> bytes:
    """Quantise by TensorFlow's TFLiteConverter: full integer, weights per channel, min-max."""
    import tensorflow as tf

    def representative() -> Iterator[list[Array]]:
        for sample in x:
            yield [sample[None]]

    converter = tf.lite.TFLiteConverter.from_saved_model(str(model.saved))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.dtypes.as_dtype(model.input_dtype)
    converter.inference_output_type = tf.dtypes.as_dtype(model.output_dtype)
    return bytes(converter.convert())


def quantize_aeq(model: FloatModel, x: Array) -> bytes:
    """Quantise a float .tflite by ai-edge-quantizer, static int8, calibrated by true min-max.

    Its default, a moving average, clips and costs up to 8 dB of SQNR.
    """
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import calibrator, quantizer, recipe
    from ai_edge_quantizer.utils import qsv_utils

    model.tflite.write_bytes(sign_model(model.tflite.read_bytes()))
    path = str(model.tflite)
    runner = Interpreter(model_path=path)
    key, ports = next(iter(runner.get_signature_list().items()))
    name = ports["inputs"][0]
    shape = tuple(runner.get_input_details()[0]["shape"])
    job = quantizer.Quantizer(path)
    job.load_quantization_recipe(recipe.static_wi8_ai8())
    statistics = calibrator.Calibrator(
        path,
        num_threads=1,
        mode=calibrator.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
        qsv_update_func=qsv_utils.min_max_update,
    )
    feeds = [{name: sample.reshape(shape)} for sample in x]
    statistics.calibrate({key: feeds}, job._recipe_manager)
    return bytes(job.quantize(statistics.get_model_qsvs()).quantized_model)


def sign_model(data: bytes) -> bytes:
    """Return a .tflite that has a signature, as ai-edge-quantizer needs: its own or a new one."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    if model.signatureDefs:
        return data
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey = b"serving_default"
    signature.subgraphIndex = 0
    for field, role, tensors in (
        ("inputs", b"input_", graph.inputs),
        ("outputs", b"output_", graph.outputs),
    ):
        ports = []
        for place, tensor in enumerate(tensors):
            port = schema.TensorMapT()
            port.name, port.tensorIndex = role + str(place).encode(), int(tensor)
            ports.append(port)
        setattr(signature, field, ports)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


BACKENDS: dict[str, Backend] = {
    "tflite": Backend(quantize_tflite, "tensorflow", "min-max, per-channel weights"),
    "aeq": Backend(quantize_aeq, "ai-edge-quantizer", "min-max, per-channel weights"),
}


def convert_source(job: dict[str, Any], x: Array, folder: Path, progress: Progress) -> Any:
    """Write float.tflite and int8.tflite to the folder; return how near they are to the source."""
    source, backend = Path(job["source"]), BACKENDS[job["backend"]]
    scan_source(source)
    floating, quantised = folder / "float.tflite", folder / "int8.tflite"
    progress("float model", None)
    saved, outputs = None, None
    if source.suffix == ".tflite":
        floating.write_bytes(source.read_bytes())
    else:
        saved, outputs = _write_float(source, x[:COMPARED], folder, floating)
    progress("quantise", None)
    shape = _input_shape(floating)
    if int(np.prod(shape[1:])) != x[0].size:
        raise InputError(
            f"{source} takes {shape[1:]}, the dataset's samples are {x.shape[1:]}",
            hint="choose the dataset that the model was trained for",
        )
    x = x.reshape(len(x), *shape[1:])
    model = FloatModel(floating, saved, job["input_dtype"], job["output_dtype"])
    quantised.write_bytes(backend.quantize(model, x))
    progress("compare", None)
    real = run_model(floating, x[:COMPARED])
    error = None
    if outputs is not None:
        error = float(np.max(np.abs(outputs.reshape(real.shape) - real)))
    return {
        "float_max_error": error,
        "float_peak": float(np.max(np.abs(real))),
        "sqnr_db": sqnr_db(real, run_model(quantised, x[:COMPARED])),
        "backend_version": f"{backend.package} {version(backend.package)}",
        "method": backend.method,
    }


def _write_float(source: Path, x: Array, folder: Path, target: Path) -> tuple[Path, Array]:
    import tensorflow as tf

    saved, outputs = export_static(source, x, folder)
    target.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert())
    return saved, outputs


def _input_shape(path: Path) -> tuple[int, ...]:
    from edgeq.graph.reader import read_model

    graph = read_model(path)
    return graph.tensor(graph.inputs[0]).shape
