"""Child side: the quantisation backends, from a float model and samples to int8 bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgeq import __version__
from edgeq.convert.finiteness import check_constants, check_weights
from edgeq.convert.interpreters import OPTIMISED, run_model, tflite_ports
from edgeq.convert.loading import (
    Progress,
    Source,
    Traced,
    load_source,
    make_converter,
    trace_static,
)
from edgeq.convert.metrics import Array, sqnr_db
from edgeq.convert.quantization.scheme import SCHEMES, Scheme, parse_scheme
from edgeq.convert.rewriting import FUSED
from edgeq.convert.safety import scan_source
from edgeq.convert.samples import Inputs, joined
from edgeq.convert.signatures import (
    input_labels,
    sign_model,
    sign_ports,
    signature_inputs,
    widen_cells,
)
from edgeq.core.errors import ToolchainError
from edgeq.data.ports import fit_inputs
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model

COMPARED = 64
# What TFLiteConverter says of an operator that it cannot translate.
UNSUPPORTED = re.compile(r"'tf\.(\w+)' op is neither a custom op")


class FloatModel(NamedTuple):
    """The float .tflite, the trace and Keras model it was made of (None without), the scheme."""

    tflite: Path
    made: Traced | None
    keras: Any
    scheme: Scheme


class Quantised(NamedTuple):
    """A quantised .tflite, the names of layers by those of the tensors that they give, warnings."""

    data: bytes
    layers: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()


class Backend(NamedTuple):
    """A quantiser: a .tflite from a float model and samples, (N, ...) for each input."""

    quantize: Callable[[FloatModel, Inputs], Quantised]
    package: str
    method: str


def quantize_own(model: FloatModel, inputs: Inputs) -> Quantised:
    """Quantise by edgeq's own quantiser, to any scheme."""
    from edgeq.convert import road
    from edgeq.convert.quantization.diagnosis import diagnose_ranges

    draft = road.draft_model(model.tflite, model.scheme, model=model.keras, inputs=inputs)
    road.check_scopes(draft)
    draft = road.keep_extremes(draft, inputs)
    return Quantised(road.finish(draft), road.name_tensors(draft), diagnose_ranges(draft))


def quantize_tflite(model: FloatModel, inputs: Inputs) -> Quantised:
    """Quantise by TensorFlow's TFLiteConverter: full integer, weights per channel, min-max."""
    import tensorflow as tf

    assert model.made is not None

    labels = input_labels(len(inputs)) if model.made.folder is not None else None

    def representative() -> Iterator[dict[str, Array] | list[Array]]:
        for sample in zip(*inputs, strict=True):
            given = [x[None] for x in sample]
            yield dict(zip(labels, given, strict=True)) if labels else given

    converter = make_converter(model.made)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.dtypes.as_dtype(model.scheme.input_dtype)
    converter.inference_output_type = tf.dtypes.as_dtype(model.scheme.output_dtype)
    return Quantised(widen_cells(sign_ports(bytes(converter.convert()), model.made.names)))


def quantize_aeq(model: FloatModel, inputs: Inputs) -> Quantised:
    """Quantise a float .tflite by ai-edge-quantizer, static int8, calibrated by true min-max.

    Its default, a moving average, clips and costs up to 8 dB of SQNR.
    """
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import calibrator, quantizer, recipe
    from ai_edge_quantizer.utils import qsv_utils

    model.tflite.write_bytes(sign_model(model.tflite.read_bytes()))
    path = str(model.tflite)
    runner = Interpreter(model_path=path)
    key = next(iter(runner.get_signature_list()))
    names = signature_inputs(model.tflite.read_bytes())
    shapes = [tuple(detail["shape"]) for detail in runner.get_input_details()]
    job = quantizer.Quantizer(path)
    job.load_quantization_recipe(recipe.static_wi8_ai8())
    statistics = calibrator.Calibrator(
        path,
        num_threads=1,
        mode=calibrator.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
        qsv_update_func=qsv_utils.min_max_update,
    )
    feeds = [
        {n: x.reshape(s) for n, s, x in zip(names, shapes, sample, strict=True)}
        for sample in zip(*inputs, strict=True)
    ]
    statistics.calibrate({key: feeds}, job._recipe_manager)
    return Quantised(bytes(job.quantize(statistics.get_model_qsvs()).quantized_model))


BACKENDS: dict[str, Backend] = {
    "edgeq": Backend(quantize_own, "edgeq", "min-max"),
    "tflite": Backend(quantize_tflite, "tensorflow", "min-max, per-channel weights"),
    "aeq": Backend(quantize_aeq, "ai-edge-quantizer", "min-max, per-channel weights"),
}


def convert_source(job: dict[str, Any], inputs: Inputs, folder: Path, progress: Progress) -> Any:
    """Write float.tflite and int8.tflite to the folder; return how near they are to the source."""
    source, name = Path(job["source"]), str(job["backend"])
    floating, quantised = folder / "float.tflite", folder / "int8.tflite"
    progress("float model", None)
    loaded = open_source(source)
    ports = tflite_ports(source) if loaded is None else loaded.inputs
    inputs = fit_inputs(source, ports, inputs, job.get("names", ("",)))
    compared = tuple(x[:COMPARED] for x in inputs)
    scheme = scheme_of_job(job)
    made = export_float(source, loaded, compared, floating, fuse=_can_fuse(name, scheme))
    name = "tflite" if made is not None and has_lstm(read_model(floating)) else name
    backend = BACKENDS[name]
    progress("quantise", None)
    keras = loaded.tracked if loaded is not None and loaded.keras else None
    result = backend.quantize(FloatModel(floating, made, keras, scheme), inputs)
    quantised.write_bytes(result.data)
    progress("compare", None)
    real = run_model(floating, compared, kernels=OPTIMISED)
    return {
        **compare_with_source(made, real),
        "backend": name,
        "sqnr_db": sqnr_db(joined(real), joined(run_model(quantised, compared))),
        "backend_version": f"{backend.package} {_version_of(backend.package)}",
        "method": backend.method,
        "layers": dict(result.layers),
        "warnings": result.warnings,
    }


def _can_fuse(backend: str, scheme: Scheme) -> bool:
    """Whether an LSTM may become the fused operator, whose gates TFLiteConverter alone calibrates
    and which is int8 only."""
    plain = not scheme.scopes and scheme.default == SCHEMES["int8"]
    return backend == "tflite" or (backend == "edgeq" and plain and scheme.input_dtype != "int16")


def has_lstm(graph: Graph) -> bool:
    """Whether a graph has the fused operator of an LSTM."""
    return any(node.op == FUSED for node in graph.nodes)


def open_source(path: Path) -> Source | None:
    """Scan and load a source; None for a .tflite, which needs no loading."""
    if path.suffix == ".tflite":
        scan_source(path)
        return None
    return load_source(path)


def export_float(
    path: Path, source: Source | None, inputs: Inputs, target: Path, *, fuse: bool = False
) -> Traced | None:
    """Write the float .tflite of a source; return what it was made of, None for a .tflite.

    `inputs` are in the model's order, shapes and dtypes; the source is run on them. With `fuse`
    an LSTM becomes one operator where it can, else all recurrent layers are unrolled.

    Raises:
        InputError: a weight is not finite.
        ToolchainError: LiteRT has no operator for something that the source computes.
    """
    made = None
    if source is None:
        target.write_bytes(path.read_bytes())
    else:
        if source.keras:
            check_weights(source.tracked)
        made = trace_static(source, inputs, target.parent, fuse=fuse)
        target.write_bytes(sign_ports(_translate(path, made), made.names))
    check_constants(read_model(target))
    return made


def _translate(path: Path, made: Traced) -> bytes:
    """Return the float .tflite of what was traced of the source `path`."""
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        return bytes(make_converter(made).convert())
    except ConverterError as error:
        kinds = dict.fromkeys(UNSUPPORTED.findall(str(error)))
        if not kinds:
            raise
        traced = made.function.graph.get_operations()
        places = [f"{op.name} ({op.type})" for op in traced if op.type in kinds]
        raise ToolchainError(
            f"{path.name}: LiteRT has no operator for {', '.join(places or kinds)}",
            hint="replace this layer by others that compute the same",
        ) from error


def scheme_of_job(job: Mapping[str, Any]) -> Scheme:
    """Return the scheme that a job asks for, int8 where it names none."""
    ports = job["input_dtype"], job["output_dtype"]
    return parse_scheme(job.get("scheme", "int8"), job.get("per_layer", ()), *ports)


def _version_of(package: str) -> str:
    return __version__ if package == "edgeq" else version(package)


def compare_with_source(made: Traced | None, real: Inputs) -> dict[str, Any]:
    """Return how far the float .tflite's outputs `real` are from its source's, and its notes."""
    error = None
    if made is not None:
        pairs = zip(made.outputs, real, strict=True)
        error = max(float(np.max(np.abs(a.reshape(b.shape) - b))) for a, b in pairs)
    peak = max(float(np.max(np.abs(value))) for value in real)
    return {"float_max_error": error, "float_peak": peak, "notes": made.notes if made else ()}
