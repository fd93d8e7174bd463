"""Child side: .tflite models run by LiteRT, one sample at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array, ratio_db
from edgeq.core.errors import InputError


def open_model(path: Path, *, keep: bool = False) -> Any:
    """Return LiteRT's interpreter with its reference kernels; `keep` preserves every tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=keep,
        num_threads=1,
    )
    inputs = interpreter.get_input_details()
    if len(inputs) != 1:
        raise InputError(
            f"{path.name} has {len(inputs)} inputs", hint="edgeq feeds models with one input"
        )
    interpreter.allocate_tensors()
    return interpreter


def run_model(path: Path, x: Array) -> Array:
    """Run the .tflite on x (N, ...) float32; return its first output (N, ...) as float32."""
    interpreter = open_model(path)
    output = interpreter.get_output_details()[0]
    results = []
    for sample in x:
        feed(interpreter, sample, path.name)
        interpreter.invoke()
        value = dequantize(interpreter.get_tensor(output["index"]), output)
        results.append(value[0] if value.ndim > 1 and value.shape[0] == 1 else value)
    return np.stack(results).astype(np.float32)


def feed(interpreter: Any, sample: Array, name: str) -> None:
    """Set the input to one real-valued sample, quantised as the input tensor says."""
    detail = interpreter.get_input_details()[0]
    shape = tuple(int(n) for n in detail["shape"])
    if int(np.prod(shape)) != sample.size:
        raise InputError(
            f"{name} takes {shape}, a sample is {sample.shape}", hint="choose the model's dataset"
        )
    interpreter.set_tensor(detail["index"], quantize(sample.reshape(shape), detail))


def quantize(value: Array, detail: dict[str, Any]) -> Array:
    """Return clip(round(value / scale) + zero point) for an integer tensor, else the value."""
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f" or scale == 0:
        return np.asarray(value, dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(value.astype(np.float64) / scale) + zero_point
    return np.asarray(np.clip(steps, limits.min, limits.max), dtype)


def dequantize(value: Array, detail: dict[str, Any]) -> Array:
    """Return scale * (q - zero point) as float32; a float tensor as it is."""
    scale, zero_point = detail["quantization"]
    if value.dtype.kind == "f" or scale == 0:
        return np.asarray(value, np.float32)
    return np.asarray((value.astype(np.float64) - zero_point) * scale, np.float32)


def compare_tensors(
    floating: Path, quantised: Path, pairs: Sequence[tuple[int, int]], x: Array
) -> list[float]:
    """Return the SQNR in dB of each (float tensor, int8 tensor) pair over all samples."""
    models = open_model(floating, keep=True), open_model(quantised, keep=True)
    details = [{d["index"]: d for d in model.get_tensor_details()} for model in models]
    power = np.zeros((len(pairs), 2))
    for sample in x:
        for model, path in zip(models, (floating, quantised), strict=True):
            feed(model, sample, path.name)
            model.invoke()
        for row, (a, b) in enumerate(pairs):
            real = models[0].get_tensor(a).astype(np.float64).ravel()
            other = dequantize(models[1].get_tensor(b), details[1][b]).ravel()
            power[row] += np.sum(real**2), np.sum((real - other) ** 2)
    return [ratio_db(float(signal), float(noise)) for signal, noise in power]
