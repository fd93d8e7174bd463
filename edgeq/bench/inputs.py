"""Inputs for a board: bytes from the generator, or real samples quantised for the model's ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import InputError, UsageError
from edgeq.core.lcg import generate_bytes
from edgeq.core.records import PortRecord, Record
from edgeq.data.dataset import Samples
from edgeq.data.ports import fit_dtype, match_inputs, port_name
from edgeq.graph.ir import DTYPES


class ModelInput(Record, frozen=True, kw_only=True):
    """One inference's inputs: the raw bytes of each port, and a name for reports."""

    name: str
    ports: tuple[bytes, ...]


def parse_input(spec: str) -> int:
    """Return the seed of 'lcg:SEED'; raise UsageError for anything else."""
    kind, _, seed = spec.partition(":")
    if kind != "lcg" or not seed.isdecimal() or int(seed) >= 1 << 32:
        raise UsageError(
            f"input {spec!r} is not of the form lcg:SEED",
            hint="use for example --input lcg:1 (a seed from 0 to 2^32-1)",
        )
    return int(seed)


def generate_input(ports: Sequence[PortRecord], seed: int) -> ModelInput:
    """Fill all ports from one run of the byte generator started at `seed`.

    Integer ports take the bytes as they are; a float32 element is its byte, read as int8, / 128.
    """
    elements = [port.bytes // 4 if port.dtype == "float32" else port.bytes for port in ports]
    stream = generate_bytes(seed, sum(elements))
    raw, start = [], 0
    for port, count in zip(ports, elements, strict=True):
        part = stream[start : start + count]
        start += count
        if port.dtype == "float32":
            part = (np.frombuffer(part, np.int8).astype(np.float32) / 128).tobytes()
        raw.append(part)
    return ModelInput(name=f"lcg:{seed}", ports=tuple(raw))


def quantize_samples(ports: Sequence[PortRecord], samples: Samples, model: str) -> list[ModelInput]:
    """Turn a dataset's samples into bytes, one array for each of the model's `ports`.

    Raises:
        InputError: the samples do not fit the ports.
    """
    names = [port_name(port.name) for port in ports]
    inputs = match_inputs(samples.inputs, samples.names, names, f"model {model}")
    rows = zip(samples.ids, zip(*inputs, strict=True), strict=True)
    return [
        ModelInput(
            name=name,
            ports=tuple(quantize_sample(p, x, name) for p, x in zip(ports, sample, strict=True)),
        )
        for name, sample in rows
    ]


def quantize_sample(port: PortRecord, sample: NDArray[Any], name: str) -> bytes:
    """Turn one array of a sample into the bytes of `port`; integers without a scale stay.

    q = clip(round_half_away(x / scale) + zero_point), as TFLite Micro's QUANTIZE
    (tensorflow/lite/kernels/internal/reference/quantize.h).

    Raises:
        InputError: the sample has another number of elements than the port.
    """
    x, dtype = np.asarray(sample).reshape(-1), DTYPES[port.dtype]
    if x.size * dtype.itemsize != port.bytes:
        raise InputError(
            f"sample {name} has {x.size} elements, the model's input '{port.name}' takes "
            f"{port.bytes // dtype.itemsize} (shape {list(port.shape)})",
            hint="choose a dataset whose preprocessing ends in the model's input shape",
        )
    if port.dtype == "float32" or port.scale is None:
        return bytes(fit_dtype(x, dtype, port.name, f"sample {name}: the model").tobytes())
    scaled = x.astype(np.float32) / np.float32(port.scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) + (port.zero_point or 0)
    limits = np.iinfo(dtype)
    return bytes(np.clip(rounded, limits.min, limits.max).astype(dtype).tobytes())


def as_arrays(ports: Sequence[PortRecord], item: ModelInput) -> list[NDArray[Any]]:
    """Return the ports' bytes as arrays of their shape and dtype."""
    return [
        np.frombuffer(raw, DTYPES[port.dtype]).reshape(port.shape)
        for port, raw in zip(ports, item.ports, strict=True)
    ]
