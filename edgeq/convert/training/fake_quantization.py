"""Child side: integers imitated in float, with gradients that pass straight through.

Rounding (halves to even; those of average pools away from zero, as their kernels do), parameters
and limits are those of convert/quantization/parameters.py and weights.py, so that what training saw
is what the integer graph computes. Ranges are learned:
gradients of scales by LSQ (Esser et al. 2020, equation 3) and of zero points by LSQ+ (Bhalgat et
al. 2020, section 3), the parameters in the log domain, where an optimizer's step is a share of the
range (Jain et al. 2020, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from edgeq.convert.metrics import Array
from edgeq.convert.quantization.draft import Range
from edgeq.convert.quantization.parameters import choose_parameters, representable
from edgeq.convert.training.kernels import Kernel, kernel_of

MOMENTUM = 0.95
_TINY = 1e-12


# --- activations ---------------------------------------------------------------------------------


def fake_quantize(x: Any, low: Any, high: Any, dtype: str, taps: int = 0) -> Any:
    """Return x as integers of `dtype` hold it; low <= 0 <= high are scalar tensors.

    int8 is affine over the range's 255 steps, int16 symmetric over 32767 each side. `taps`: x is
    the mean of at most so many integers (0: no mean).
    """
    if dtype == "int16":
        return _symmetric(x, ops.maximum(-low, high), 32767.0, 32768.0, taps)
    return _passing(_affine_rule, taps)(x, low, high)


def round_steps(steps: Any, zero: Any, taps: int) -> Any:
    """Return steps as integers: halves to even, those of a mean of `taps` away from `-zero`.

    Float32 finds such a mean beside its half; the next one is 1 / (2 taps) away.
    """
    if taps == 0:
        return ops.round(steps)
    integers = steps + zero
    return ops.sign(integers) * ops.floor(ops.abs(integers) + (0.5 + 0.25 / taps)) - zero


def _affine_rule(taps: int, x: Any, low: Any, high: Any) -> Any:
    scale = ops.maximum(high - low, _TINY) / 255.0
    zero = ops.clip(ops.round(-128.0 - low / scale), -128.0, 127.0)
    steps = x / scale
    rounded = round_steps(steps, zero, taps)
    integers = ops.clip(rounded + zero, -128.0, 127.0)

    def grad(*args: Any, upstream: Any = None) -> Any:
        (slope,) = args if upstream is None else (upstream,)
        below, above = rounded + zero < -128.0, rounded + zero > 127.0
        inside = ops.logical_not(ops.logical_or(below, above))
        within = ops.where(inside, slope, 0.0)
        wide = ops.sum(within * (rounded - steps)) / 255.0
        to_low = ops.sum(ops.where(below, slope, 0.0)) - wide
        to_high = ops.sum(ops.where(above, slope, 0.0)) + wide
        return within, to_low, to_high

    return (integers - zero) * scale, grad


def _symmetric(x: Any, peak: Any, limit: float, lowest: float, taps: int = 0) -> Any:
    """Return x in steps of peak / limit, from -lowest to limit of them; peak has x's last axes."""
    return _passing(_symmetric_rule, limit, lowest, taps)(x, peak)


def _passing(rule: Callable[..., Any], *constants: float) -> Callable[..., Any]:
    """Return tensors -> value by a rule (constants, tensors) -> (value, its gradient)."""

    def given(*tensors: Any) -> Any:
        return rule(*constants, *tensors)

    found: Callable[..., Any] = ops.custom_gradient(given)
    return found


def _symmetric_rule(limit: float, lowest: float, taps: int, x: Any, peak: Any) -> Any:
    scale = ops.maximum(peak, _TINY) / limit
    steps = x / scale
    rounded = ops.clip(round_steps(steps, 0.0, taps), -lowest, limit)

    def grad(*args: Any, upstream: Any = None) -> Any:
        (slope,) = args if upstream is None else (upstream,)
        inside = ops.logical_and(steps >= -lowest - 0.5, steps <= limit + 0.5)
        change = slope * ops.where(inside, rounded - steps, rounded) / limit
        axes = tuple(range(len(x.shape) - len(peak.shape)))
        return ops.where(inside, slope, 0.0), ops.sum(change, axis=axes)

    return rounded * scale, grad


class ActivationQuantizer(keras.layers.Layer):  # type: ignore[misc]
    """The range that one activation, or several that share a scale, are held in.

    Args:
        members: how many activations share it; each call says which one it sees.
        learned: by gradients; else moving averages of each batch's extremes.
        cap: the highest value that a fused activation leaves.
    """

    def __init__(
        self, members: int, *, learned: bool, cap: float = float("inf"), name: str
    ) -> None:
        super().__init__(name=name)
        self.learned, self.cap = learned, cap
        self.spans = self.add_weight(
            shape=(members, 2), initializer="zeros", trainable=False, name="spans"
        )
        self.logs = self.add_weight(shape=(2,), initializer="zeros", trainable=learned, name="logs")

    def start(self, member: int, low: float, high: float) -> None:
        """Set the extremes of a member, as calibration found them."""
        spans = np.array(self.spans.numpy())
        spans[member] = min(low, 0.0), max(high, 0.0)
        self.spans.assign(spans)

    def ends(self) -> tuple[Any, Any]:
        """Return lowest and highest value as scalar tensors; nought lies between them."""
        growth = ops.exp(self.logs)
        low = ops.min(self.spans[:, 0]) * growth[0]
        high = ops.minimum(ops.max(self.spans[:, 1]) * growth[1], self.cap)
        return low, high

    def call(
        self,
        x: Any,
        member: int = 0,
        dtype: str = "int8",
        taps: int = 0,
        training: bool | None = None,
    ) -> Any:
        """Return x in integers of `dtype`; in training, moving ranges follow the batch."""
        if training and not self.learned:
            self._follow(x, member)
        return fake_quantize(x, *self.ends(), dtype, taps)

    def _follow(self, x: Any, member: int) -> None:
        seen = ops.stack([ops.minimum(ops.min(x), 0.0), ops.maximum(ops.max(x), 0.0)])
        row = ops.cast(ops.arange(self.spans.shape[0]) == member, "float32")[:, None]
        self.spans.assign(self.spans + (1 - MOMENTUM) * row * (seen - self.spans))

    def range(self, dtype: str = "int8") -> Range:
        """Return the range as integers of `dtype` reach it: its own parameters come out of it."""
        low, high = (float(end) for end in self.ends())
        if dtype == "int16":
            peak = max(-low, high)
            return Range(-peak if low < 0 else 0.0, peak)
        return representable(choose_parameters(Range(low, high), "int8"), "int8")


class FixedQuantizer(keras.layers.Layer):  # type: ignore[misc]
    """An output whose scale and zero point the kernels assume."""

    def __init__(
        self, scale: float, zero_point: int, dtype_name: str, *, taps: int = 0, name: str
    ) -> None:
        super().__init__(name=name)
        self.zero_point, self.taps = float(zero_point), taps
        limits = np.iinfo(dtype_name)
        self.scale = scale
        self.lowest, self.highest = limits.min - zero_point, limits.max - zero_point

    def call(self, x: Any) -> Any:
        """Return x rounded within the limits."""
        steps = ops.clip(x / self.scale, self.lowest, self.highest)
        rounded = round_steps(steps, self.zero_point, self.taps)
        return (steps + ops.stop_gradient(rounded - steps)) * self.scale


# --- weights -------------------------------------------------------------------------------------


class WeightQuantizer(keras.layers.Wrapper):  # type: ignore[misc]
    """A layer that computes with the integers of its weights, symmetric and of a narrow range.

    What trains are moves in units of each channel's largest weight, and of the output's range for
    the bias: folded weights differ by orders of magnitude, and an optimizer's step must not. A
    scale is at most what the largest weight asks for, so that an integer of +-limit is there and
    `quantize_weights` finds the same scale again.

    Args:
        layer: with a kernel; its weights are those of the wrapped layer.
        bits: 8 or 4; None for weights of a codebook: their scales alone are trained.
        per_channel: a scale for each output channel, else one.
        learned: scales by gradients; else by the largest weight.
        keeps_zeros: weights that are zero stay zero.
    """

    def __init__(
        self,
        layer: Any,
        *,
        bits: int | None,
        per_channel: bool,
        learned: bool,
        keeps_zeros: bool = False,
    ) -> None:
        super().__init__(layer, name=layer.name)
        self.bits, self.per_channel, self.learned = bits, per_channel, learned
        self.keeps_zeros = keeps_zeros
        self.limit = float((1 << ((bits or 8) - 1)) - 1)

    def build(self, input_shape: Any = None) -> None:
        """Build the wrapped layer, which trains no more, and what trains in its place."""
        super().build(input_shape)
        self.layer.trainable = False
        shape = (int(np.prod(self.kernel.shape)) // self.kernel.channels, self.kernel.channels)
        scales = self.learned or self.bits is None
        self.units = self._numbers("units", shape, trains=False)
        self.peaks = self._numbers("peaks", shape[1:], trains=False)
        self.moves = self._numbers("moves", shape, trains=self.bits is not None)
        self.logs = self._numbers("logs", shape[1:], trains=scales)
        if self.bias is not None:
            self.bias_unit = self._numbers("bias_unit", (), trains=False)
            self.bias_moves = self._numbers("bias_moves", tuple(self.bias.shape), trains=True)

    def _numbers(self, name: str, shape: tuple[int, ...], *, trains: bool) -> Any:
        return self.add_weight(shape=shape, initializer="zeros", trainable=trains, name=name)

    @property
    def kernel(self) -> Kernel:
        """The weights as columns, one where all share a scale."""
        kernel = kernel_of(self.layer)
        assert kernel is not None
        return kernel if self.per_channel else kernel.as_one_column()

    @property
    def bias(self) -> Any:
        """The bias' variable, None without one."""
        return getattr(self.layer, "bias", None)

    def start(self, reach: float = 1.0) -> None:
        """Choose units and first scales: of least squared error at 4 bits, else by the peak.

        Args:
            reach: how far the output's range goes.
        """
        columns = self.kernel.read()
        peaks = np.max(np.abs(columns), axis=0)
        moves = (columns != 0) if self.keeps_zeros else np.ones_like(columns)
        self.units.assign(moves * peaks)
        if self.learned and self.bits == 4:
            peaks = peaks * best_shares(columns, int(self.limit))
        self.peaks.assign(np.where(peaks > 0, peaks, 1.0))
        if self.bias is not None:
            self.bias_unit.assign(reach / 8)

    def quantized(self) -> Any:
        """Return the weights, of the kernel's shape, as their integers hold them."""
        kernel = self.kernel
        columns = kernel.columns(ops.convert_to_tensor(kernel.variable), ops)
        if self.bits is None:
            return kernel.restore(columns * ops.exp(self.logs), ops)
        columns = columns + self.units * self.moves
        peaks = ops.stop_gradient(ops.max(ops.abs(columns), axis=0))
        if self.learned:
            peaks = ops.minimum(self.peaks * ops.exp(self.logs), peaks)
        return kernel.restore(_symmetric(columns, peaks, self.limit, self.limit), ops)

    def imitated(self) -> list[tuple[Any, Any]]:
        """Return (variable of the wrapped layer, its imitated value) for kernel and bias."""
        pairs = [(self.kernel.variable, self.quantized())]
        if self.bias is not None:
            pairs.append((self.bias, self.bias + self.bias_unit * self.bias_moves))
        return pairs

    def call(self, x: Any) -> Any:
        """Return the wrapped layer's output with the imitated weights."""
        with keras.StatelessScope(state_mapping=self.imitated()):
            return self.layer.call(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the wrapped layer's."""
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, x: Any) -> Any:
        """Return the wrapped layer's."""
        return self.layer.compute_output_spec(x)


def best_shares(columns: Array, limit: int) -> Array:
    """Return for each column (weights, channels) the share of its peak of least squared error."""
    peaks = np.maximum(np.max(np.abs(columns), axis=0), _TINY)
    best, errors = np.ones_like(peaks), np.full_like(peaks, np.inf)
    for share in np.arange(1.0, 0.34, -0.05):
        scales = share * peaks / limit
        restored = np.clip(np.rint(columns / scales), -limit, limit) * scales
        error = np.sum(np.square(columns - restored), axis=0)
        best = np.where(error < errors, share, best)
        errors = np.minimum(error, errors)
    return np.asarray(best, np.float32)
