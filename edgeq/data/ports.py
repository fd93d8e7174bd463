"""A dataset's arrays and a model's inputs: which is which, and in the model's shape and type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import InputError

Array = NDArray[Any]
PREFIX = "serving_default_"


class Port(NamedTuple):
    """An input of a model: its name, the shape of one sample (None: open), its dtype by name."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def port_name(tensor: str) -> str:
    """Return what an input tensor of a .tflite is called: 'serving_default_user:0' is user."""
    return tensor.removeprefix(PREFIX).rpartition(":")[0] or tensor.removeprefix(PREFIX)


def match_inputs(
    inputs: Sequence[Array], names: Sequence[str], wanted: Sequence[str], model: str
) -> tuple[Array, ...]:
    """Return the dataset's arrays in the order of the model's inputs.

    By name, where the dataset names them all as the model does; else as they come.

    Raises:
        InputError: their numbers differ, or the dataset names an input that the model has not.
    """
    if len(inputs) != len(wanted):
        raise InputError(
            f"{model} has {len(wanted)} inputs ({', '.join(wanted)}), a sample of the dataset has "
            f"{len(inputs)} arrays",
            hint="name as many arrays in the manifest: reader.x, or x of the splits",
        )
    if len(inputs) == 1 or not any(names):
        return tuple(inputs)
    if set(names) == set(wanted):
        return tuple(inputs[list(names).index(name)] for name in wanted)
    raise InputError(
        f"{model} has the inputs {', '.join(wanted)}, the dataset names {', '.join(names)}",
        hint="name them in [[inputs]] of the manifest as the model does, or leave [[inputs]] out",
    )


def fit_inputs(
    model: object, ports: Sequence[Port], inputs: Sequence[Array], names: Sequence[str]
) -> tuple[Array, ...]:
    """Return the samples (N, ...) in the order, shapes and dtypes that a model takes.

    Raises:
        InputError: they do not fit; the cause names `model`.
    """
    ordered = match_inputs(inputs, names, [port.name for port in ports], str(model))
    return tuple(fit_port(x, port, str(model)) for x, port in zip(ordered, ports, strict=True))


def fit_port(x: Array, port: Port, model: str) -> Array:
    """Return samples (N, ...) in the port's shape and dtype; axes of length 1 may differ.

    Raises:
        InputError: they are of another shape, or an integer port is given fractions.
    """
    if not _same(x.shape[1:], port.shape):
        known = [n for n in port.shape if n != 1]
        if None in port.shape or known != [n for n in x.shape[1:] if n != 1]:
            raise InputError(
                f"{model} takes samples of shape {port.shape}, the dataset's are {x.shape[1:]}",
                hint="choose the dataset that the model was trained for",
            )
        x = x.reshape(len(x), *(n or 1 for n in port.shape))
    return fit_dtype(x, np.dtype(port.dtype), port.name, model)


def fit_dtype(x: Array, dtype: np.dtype[Any], port: str, model: str) -> Array:
    """Return x as `dtype`; raise InputError where an integer type would change a value."""
    if x.dtype == dtype:
        return x
    with np.errstate(invalid="ignore"):
        turned = x.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(turned, x):
        raise InputError(
            f"{model} takes {dtype} at its input '{port}', the dataset has other values",
            hint="cast them in the manifest: [[preprocessing]] kind = 'cast', dtype = 'int32'",
        )
    return turned


def make_noise(ports: Sequence[Port], samples: int) -> tuple[Array, ...]:
    """Return seeded noise (samples, ...) in [-1, 1) for ports of fixed shapes; integers are 0."""
    random = np.random.default_rng(0)
    return tuple(
        random.uniform(-1, 1, (samples, *map(int, p.shape))).astype(p.dtype)  # type: ignore[arg-type]
        for p in ports
    )


def _same(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        n in (None, m) for n, m in zip(wanted, shape, strict=True)
    )
