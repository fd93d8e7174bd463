"""Preprocessing: the steps of a manifest, applied in order to one sample at a time.

Every step takes and gives one sample without a batch axis. Sound features are in `audio`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import InputError
from edgeq.core.records import Record
from edgeq.data.audio import AudioFrames, log_mel_energies, mel_cepstrum

Sample = NDArray[Any]
Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
MAX_SAMPLE_ELEMENTS = 1 << 26


class Resize(Record, frozen=True, kw_only=True, tag_field="kind", tag="resize"):
    """(H, W, C) or (H, W) -> height x width. Pixel centres lie at half integers.

    As TensorFlow's ResizeBilinear/ResizeNearestNeighbor with half_pixel_centers=True, without
    antialiasing.
    """

    height: Size
    width: Size
    method: Literal["bilinear", "nearest"] = "bilinear"


class Scale(Record, frozen=True, kw_only=True, tag_field="kind", tag="scale"):
    """x * factor + offset, in float32."""

    factor: float
    offset: float = 0.0


class MeanStd(Record, frozen=True, kw_only=True, tag_field="kind", tag="mean_std"):
    """(x - mean) / std, in float32; one value, or one for each entry of the last axis."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Layout(Record, frozen=True, kw_only=True, tag_field="kind", tag="layout"):
    """Move the channel axis: to 'nchw' (H, W, C) -> (C, H, W), to 'nhwc' the way back."""

    to: Literal["nhwc", "nchw"]


class Cast(Record, frozen=True, kw_only=True, tag_field="kind", tag="cast"):
    """Convert to `dtype`; integers saturate, fractions are cut towards zero.

    What ends as int32 stays so, as ids for an embedding; everything else ends as float32.
    """

    dtype: Literal["uint8", "int8", "int16", "int32", "float32"]


class Flatten(Record, frozen=True, kw_only=True, tag_field="kind", tag="flatten"):
    """Any shape -> (elements,)."""


class Reshape(Record, frozen=True, kw_only=True, tag_field="kind", tag="reshape"):
    """Any shape -> `shape` of as many elements."""

    shape: tuple[Size, ...]


class PadOrTrim(Record, frozen=True, kw_only=True, tag_field="kind", tag="pad_or_trim"):
    """(samples, ...) -> (length, ...): zeros are added at the end, or the end is cut off."""

    length: Annotated[int, msgspec.Meta(ge=1, le=1 << 24)]


class LogMel(AudioFrames, frozen=True, kw_only=True, tag_field="kind", tag="log_mel"):
    """(samples,) -> (frames, mels, 1): see `audio.log_mel_energies`."""


class Mfcc(AudioFrames, frozen=True, kw_only=True, tag_field="kind", tag="mfcc"):
    """(samples,) -> (frames, coefficients, 1): see `audio.mel_cepstrum`."""

    coefficients: Size = 10


Step = (
    Resize | Scale | MeanStd | Layout | Cast | Flatten | Reshape | PadOrTrim | LogMel | Mfcc
)  # the records that a manifest may name


def apply_steps(sample: Sample, steps: Sequence[Step]) -> Sample:
    """Apply `steps` in order and return float32, or int32 where a cast leaves that.

    Raises:
        InputError: a step does not fit the sample's shape, or gives what is not finite.
    """
    for step in steps:
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused below
                sample = STEPS[type(step)](sample, step)
        except (ValueError, IndexError, ZeroDivisionError, OverflowError, MemoryError) as error:
            raise InputError(
                f"preprocessing step {_name(step)} on a sample of shape {list(sample.shape)}: "
                f"{error}",
                hint="correct the order or the fields of [[preprocessing]] in the manifest",
            ) from error
    if sample.dtype == np.int32 and any(isinstance(step, Cast) for step in steps):
        return np.ascontiguousarray(sample)
    result = np.ascontiguousarray(sample, np.float32)
    if not np.isfinite(result).all():
        raise InputError(
            "it holds NaN or infinity after preprocessing",
            hint="clean the data, or correct a std or factor in the manifest",
        )
    return result


def _name(step: Step) -> str:
    return str(step.__struct_config__.tag)


def _resize(x: Sample, step: Resize) -> Sample:
    if x.ndim not in (2, 3):
        raise ValueError("resize takes (H, W) or (H, W, C)")
    if step.height * step.width * (x.shape[2] if x.ndim == 3 else 1) > MAX_SAMPLE_ELEMENTS:
        raise ValueError("the resized sample would be too large")
    if step.method == "nearest":
        rows = np.floor(_centres(x.shape[0], step.height) + 0.5).astype(np.intp)
        columns = np.floor(_centres(x.shape[1], step.width) + 0.5).astype(np.intp)
        near = x[rows.clip(0, x.shape[0] - 1)]
        return np.asarray(near[:, columns.clip(0, x.shape[1] - 1)])
    x = _interpolate(x.astype(np.float32), step.height, axis=0)
    return _interpolate(x, step.width, axis=1)


def _centres(size: int, target: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(target) + 0.5) * (size / target) - 0.5, np.float64)


def _interpolate(x: Sample, target: int, *, axis: int) -> Sample:
    size = x.shape[axis]
    at = _centres(size, target).clip(0, size - 1)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, size - 1)
    shape = [1] * x.ndim
    shape[axis] = target
    weight = (at - low).astype(np.float32).reshape(shape)
    below, above = np.take(x, low, axis=axis), np.take(x, high, axis=axis)
    return np.asarray(below + (above - below) * weight)


def _scale(x: Sample, step: Scale) -> Sample:
    return np.asarray(x.astype(np.float32) * np.float32(step.factor) + np.float32(step.offset))


def _mean_std(x: Sample, step: MeanStd) -> Sample:
    if 0.0 in step.std:
        raise ValueError("std is zero")
    mean, std = np.asarray(step.mean, np.float32), np.asarray(step.std, np.float32)
    result = (x.astype(np.float32) - mean) / std
    if result.shape != x.shape:
        raise ValueError("mean and std have another length than the last axis")
    return np.asarray(result)


def _layout(x: Sample, step: Layout) -> Sample:
    if x.ndim != 3:
        raise ValueError("layout takes three axes")
    return np.moveaxis(x, *((2, 0) if step.to == "nchw" else (0, 2)))


def _cast(x: Sample, step: Cast) -> Sample:
    dtype = np.dtype(step.dtype)
    if dtype.kind == "f":
        return x.astype(dtype)
    if not np.isfinite(x).all():
        raise ValueError("NaN or infinity has no integer")
    limits = np.iinfo(dtype.str)
    return np.clip(np.trunc(x), limits.min, limits.max).astype(dtype)


def _pad_or_trim(x: Sample, step: PadOrTrim) -> Sample:
    if x.ndim == 0:
        raise ValueError("pad_or_trim takes at least one axis")
    x = x[: step.length]
    return np.pad(x, [(0, step.length - x.shape[0]), *[(0, 0)] * (x.ndim - 1)])


STEPS: dict[type[Any], Callable[[Sample, Any], Sample]] = {
    Resize: _resize,
    Scale: _scale,
    MeanStd: _mean_std,
    Layout: _layout,
    Cast: _cast,
    Flatten: lambda x, step: x.reshape(-1),
    Reshape: lambda x, step: x.reshape(step.shape),
    PadOrTrim: _pad_or_trim,
    LogMel: lambda x, step: log_mel_energies(x, step)[..., None],
    Mfcc: lambda x, step: mel_cepstrum(x, step, step.coefficients)[..., None],
}
