"""Tensors of a decoded model: shapes, dtypes, quantisation and constant data, each checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.ir import DTYPES, Quantization, Tensor
from edgeq.graph.options import names_of
from edgeq.graph.place import Place
from edgeq.graph.verifier import MAX_FILE_BYTES

MAX_RANK = 8

Bytes = NDArray[np.uint8]


def read_buffers(model: Any, data: bytes, place: Place) -> tuple[Bytes, ...]:
    """Return the bytes of every buffer; an empty one has no bytes.

    Raises:
        InputError: a buffer points outside the file.
    """
    return tuple(
        _read_buffer(buffer, data, place.at("buffers", i))
        for i, buffer in enumerate(model.buffers or ())
    )


def _read_buffer(buffer: Any, data: bytes, place: Place) -> Bytes:
    # Offsets 0 and 1 mean that the bytes stand in the buffer itself.
    inline = np.zeros(0, np.uint8) if buffer.data is None else buffer.data
    if buffer.offset <= 1:
        return inline
    if inline.size:
        place.reject("holds bytes of its own and an offset to others")
    if buffer.offset + buffer.size > len(data):
        place.at("offset").reject(
            f"bytes {buffer.offset}..{buffer.offset + buffer.size} "
            f"lie outside the file ({len(data)})"
        )
    return np.frombuffer(data, np.uint8, buffer.size, buffer.offset)


def read_tensor(
    raw: Any, index: int, buffers: Sequence[Bytes], place: Place, *, may_be_empty: bool = False
) -> Tensor:
    """Return tensor `index` from its decoded table `raw`.

    Args:
        may_be_empty: whether it may have a dimension of 0, as an operator's private memory may.

    Raises:
        InputError: its type, shape, quantisation or constant data is not consistent.
    """
    _reject_exotic(raw, place)
    dtype = _read_dtype(raw.type, place.at("type"))
    least = 0 if may_be_empty else 1
    shape = _read_shape(raw.shape, DTYPES[dtype].itemsize, least, place.at("shape"))
    buffer = buffers[place.at("buffer").indexed(raw.buffer, len(buffers), "buffer")]
    if buffer.size and raw.isVariable:
        place.at("buffer").reject("a variable tensor cannot have constant data")
    return Tensor(
        index=index,
        name=(raw.name or b"").decode(),
        shape=shape,
        dtype=dtype,
        quantization=read_quantization(raw.quantization, shape, dtype, place.at("quantization")),
        data=_read_data(buffer, shape, dtype, place.at("buffer")) if buffer.size else None,
        is_variable=bool(raw.isVariable),
    )


def _reject_exotic(raw: Any, place: Place) -> None:
    if raw.externalBuffer:
        place.at("external_buffer").reject(
            f"the data lies in another file (external buffer {raw.externalBuffer})",
            hint="export the model as one file",
        )
    if raw.sparsity is not None:
        place.at("sparsity").reject(
            "sparse tensors are not supported", hint="convert the model without sparse encoding"
        )


def _read_dtype(code: int, place: Place) -> str:
    name = names_of("TensorType").get(code, "").lower()
    if not name:
        place.reject(f"{code} is no TensorType")
    if name not in DTYPES:
        place.reject(f"tensors of type {name} are not supported", hint="use a supported type")
    return name


def _read_shape(raw: Any, itemsize: int, least: int, place: Place) -> tuple[int, ...]:
    if raw is None:
        return ()
    if len(raw) > MAX_RANK:
        place.reject(f"rank {len(raw)} is more than {MAX_RANK}")
    shape = tuple(int(dim) for dim in raw)
    for i, dim in enumerate(shape):
        if dim < least:
            Place(place.file, f"{place.path}[{i}]").reject(
                f"a dimension of {dim} is not possible",
                hint="export the model with fixed, positive dimensions",
            )
    if math.prod(shape) * itemsize > MAX_FILE_BYTES:
        place.reject(f"a tensor of {math.prod(shape):,} elements is larger than 2 GiB")
    return shape


def _read_data(buffer: Bytes, shape: tuple[int, ...], dtype: str, place: Place) -> NDArray[Any]:
    elements = math.prod(shape)
    expected = (elements + 1) // 2 if dtype == "int4" else elements * DTYPES[dtype].itemsize
    if dtype == "resource":
        place.reject("a resource cannot have constant data")
    if buffer.size != expected:
        place.reject(
            f"{buffer.size:,} bytes of data for shape {list(shape)} of {dtype}, "
            f"which takes {expected:,}"
        )
    return _decoded(buffer, dtype, elements).reshape(shape)


def _decoded(buffer: Bytes, dtype: str, elements: int) -> NDArray[Any]:
    if dtype == "int4":
        return unpack_int4(buffer, elements)
    if dtype == "bool":
        values: NDArray[np.bool_] = buffer != 0
        values.flags.writeable = False
        return values
    return np.frombuffer(buffer.tobytes(), DTYPES[dtype].newbyteorder("<"))


def unpack_int4(packed: Bytes, elements: int) -> NDArray[np.int8]:
    """Return `elements` int8 values from two's complement nibbles, the low nibble first.

    Source: the layout of TensorType INT4 in the LiteRT schema ("DenseInt4").
    """
    nibbles = np.stack([packed & 0xF, packed >> 4], axis=-1).reshape(-1)[:elements]
    values = ((nibbles ^ 8).astype(np.int8) - np.int8(8)).astype(np.int8)
    values.flags.writeable = False
    return values


def pack_int4(values: NDArray[np.int8]) -> Bytes:
    """Return the inverse of `unpack_int4`; an odd count leaves the last high nibble zero."""
    nibbles = np.append(values.reshape(-1), np.zeros(values.size % 2, np.int8)).view(np.uint8) & 0xF
    return (nibbles[0::2] | nibbles[1::2] << 4).astype(np.uint8)


def read_quantization(
    raw: Any, shape: tuple[int, ...], dtype: str, place: Place
) -> Quantization | None:
    """Return the affine quantisation of a tensor, None if it has none.

    Raises:
        InputError: a scale, zero point, count or axis that no kernel can compute with.
    """
    if raw is None:
        return None
    if raw.detailsType:
        place.at("details").reject(
            "blockwise and custom quantisation are not supported",
            hint="quantise per tensor or per channel",
        )
    scales = [] if raw.scale is None else [float(s) for s in raw.scale]
    zero_points = [] if raw.zeroPoint is None else [int(z) for z in raw.zeroPoint]
    for i, scale in enumerate(scales):
        if not (math.isfinite(scale) and scale > 0):
            place.at("scale", i).reject(f"a scale of {scale} is not finite and positive")
    if not scales or np.dtype(DTYPES[dtype]).kind not in "iu":
        return None
    axis = _read_axis(raw.quantizedDimension, len(scales), shape, place)
    return Quantization(
        scales=tuple(scales),
        zero_points=_read_zero_points(zero_points, len(scales), dtype, place.at("zero_point")),
        axis=axis,
    )


def _read_axis(axis: int, count: int, shape: tuple[int, ...], place: Place) -> int:
    if count == 1:
        return 0
    place.at("quantized_dimension").indexed(axis, len(shape), "axis")
    if count != shape[axis]:
        place.at("scale").reject(
            f"{count} scales for axis {axis} of shape {list(shape)}, which has {shape[axis]}"
        )
    return int(axis)


def _read_zero_points(
    zero_points: list[int], count: int, dtype: str, place: Place
) -> tuple[int, ...]:
    if len(zero_points) not in (1, count):
        place.reject(f"{len(zero_points)} zero points for {count} scales")
    low, high = _range_of(dtype)
    for i, zero_point in enumerate(zero_points):
        if not low <= zero_point <= high:
            Place(place.file, f"{place.path}[{i}]").reject(
                f"a zero point of {zero_point} lies outside {dtype} ({low}..{high})"
            )
    return tuple(zero_points) * (count // len(zero_points))


def _range_of(dtype: str) -> tuple[int, int]:
    if dtype == "int4":
        return -8, 7
    info = np.iinfo(DTYPES[dtype])
    return int(info.min), int(info.max)
