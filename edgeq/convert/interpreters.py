"""Child side: .tflite models run by LiteRT, one sample at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array, ratio_db
from edgeq.convert.samples import Inputs
from edgeq.core.errors import InputError
from edgeq.data.ports import Port, port_name
from edgeq.graph.reader import read_model

# LiteRT's names of its kernels. The optimised ones, without delegates, are up to ten times as fast;
# their float values differ in the last bits, their integers by a step.
REFERENCE, OPTIMISED = "BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


def open_model(model: Path | bytes, *, kernels: str = REFERENCE, keep: bool = False) -> Any:
    """Return LiteRT's interpreter of a .tflite, ready to run; `keep` preserves every tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    given = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    interpreter = Interpreter(
        **given,
        experimental_op_resolver_type=OpResolverType[kernels],
        experimental_preserve_all_tensors=keep,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    return interpreter


def tflite_ports(path: Path) -> tuple[Port, ...]:
    """Return the inputs of a .tflite as real values take them: a quantised one takes float32."""
    graph = read_model(path)
    tensors = [graph.tensor(index) for index in graph.inputs]
    return tuple(
        Port(port_name(t.name), t.shape[1:], "float32" if t.quantization else t.dtype)
        for t in tensors
    )


def output_names(path: Path) -> tuple[str, ...]:
    """Return what a .tflite calls its outputs."""
    graph = read_model(path)
    return tuple(graph.tensor(index).name for index in graph.outputs)


def run_model(path: Path, inputs: Inputs, *, kernels: str = REFERENCE) -> Inputs:
    """Run the .tflite on real-valued inputs (N, ...); return its outputs (N, ...) as float32.

    Each sample finds the model's state as it is at first.
    """
    interpreter = open_model(path, kernels=kernels)
    details = interpreter.get_output_details()
    results = []
    for _ in run_samples(interpreter, inputs, path.name):
        results.append([read_output(interpreter, detail) for detail in details])
    return tuple(np.stack(values) for values in zip(*results, strict=True))


def read_output(interpreter: Any, detail: dict[str, Any]) -> Array:
    """Return the real values of an output, without its batch axis of 1."""
    value = dequantize(interpreter.get_tensor(detail["index"]), detail)
    return value[0] if value.ndim > 1 and value.shape[0] == 1 else value


def run_samples(interpreter: Any, inputs: Inputs, name: str) -> Iterator[None]:
    """Run the model `name` on one sample of inputs (N, ...) after the other; yield behind each.

    Inputs are quantised as the tensors say; the model's state is cleared before each.
    """
    details = interpreter.get_input_details()
    _check_samples(details, inputs, name)
    for sample in zip(*inputs, strict=True):
        interpreter.reset_all_variables()
        for detail, x in zip(details, sample, strict=True):
            interpreter.set_tensor(detail["index"], quantize(x.reshape(detail["shape"]), detail))
        interpreter.invoke()
        yield


def _check_samples(details: Sequence[dict[str, Any]], inputs: Inputs, name: str) -> None:
    """Refuse samples that the model's inputs do not take."""
    if len(details) != len(inputs):
        raise InputError(
            f"{name} has {len(details)} inputs, a sample has {len(inputs)} arrays",
            hint="choose the model's dataset",
        )
    for detail, x in zip(details, inputs, strict=True):
        wanted, given = tuple(int(n) for n in detail["shape"]), x.shape[1:]
        if math.prod(wanted) != math.prod(given):
            raise InputError(
                f"{name} takes {wanted}, a sample is {given}", hint="choose the model's dataset"
            )


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
    floating: Path, quantised: Path, pairs: Sequence[tuple[int, int]], inputs: Inputs
) -> list[float]:
    """Return the SQNR in dB of each (float tensor, int8 tensor) pair over all samples."""
    models = open_model(floating, keep=True), open_model(quantised, keep=True)
    details = [{d["index"]: d for d in model.get_tensor_details()} for model in models]
    power = np.zeros((len(pairs), 2))
    runs = (
        run_samples(m, inputs, p.name) for m, p in zip(models, (floating, quantised), strict=True)
    )
    for _ in zip(*runs, strict=True):
        for row, (a, b) in enumerate(pairs):
            real = models[0].get_tensor(a).astype(np.float64).ravel()
            other = dequantize(models[1].get_tensor(b), details[1][b]).ravel()
            power[row] += np.sum(real**2), np.sum((real - other) ** 2)
    return [ratio_db(float(signal), float(noise)) for signal, noise in power]
