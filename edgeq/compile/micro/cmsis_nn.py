"""Bytes of scratch that CMSIS-NN's kernels ask for.

Source of every formula: the arm_*_get_buffer_size functions of CMSIS-NN at 4ab83cc, as GCC and
Clang compile them (Arm Compiler 6 adds 4 bytes an input channel to a 1x1 convolution on cores
with DSP but no MVE).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edgeq.boards.profile import CoreName
from edgeq.core.errors import UsageError

Simd = Literal["scalar", "dsp", "mve"]

SIMD: dict[CoreName, Simd] = {
    "cortex-m0": "scalar",
    "cortex-m0plus": "scalar",
    "cortex-m3": "scalar",
    "cortex-m4": "dsp",
    "cortex-m7": "dsp",
    "cortex-m33": "dsp",
    "cortex-m55": "mve",
    "cortex-m85": "mve",
}

# Channels that the depthwise kernel for MVE takes at once.
_CHANNEL_BLOCK = 124
# A depthwise convolution of one input channel and more outputs runs as a convolution.
_ONE_CHANNEL_OUTPUTS = 1
# A transposed convolution of more input channels runs as a convolution, reversed.
_REVERSED_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Window:
    """A convolution: shapes without the batch, pairs as (height, width).

    `padding` is what lies before the first row and column.
    """

    input: tuple[int, int]
    channels: int
    filter: tuple[int, int]
    filter_channels: int
    output: tuple[int, int]
    outputs: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    batches: int = 1

    @property
    def column(self) -> int:
        """Elements that one output value reads."""
        return self.channels * self.filter[0] * self.filter[1]

    @property
    def is_pointwise(self) -> bool:
        """Whether the filter is 1x1, unpadded, undilated and of one group."""
        return (
            self.padding == (0, 0)
            and self.filter == (1, 1)
            and self.dilation == (1, 1)
            and self.channels == self.filter_channels
        )

    @property
    def is_row(self) -> bool:
        """Whether it is a 1xN convolution over one row."""
        return (
            self.input[0] == 1
            and self.dilation[1] == 1
            and self.filter[0] == 1
            and self.stride[1] * self.channels % 4 == 0
            and self.channels == self.filter_channels
        )


def simd_of(core: CoreName) -> Simd:
    """Return which of CMSIS-NN's paths a core takes; UsageError where there is none."""
    if core not in SIMD:
        raise UsageError(
            f"CMSIS-NN has no kernels for {core}",
            hint=f"its cores are {', '.join(SIMD)}; take the reference kernels for another",
        )
    return SIMD[core]


def convolution_s8(window: Window, simd: Simd) -> int:
    """arm_convolve_wrapper_s8."""
    if window.is_pointwise:
        return 0
    if simd == "mve":
        return _row_s8_mve(window) if window.is_row else _columns_s8_mve(window)
    return 2 * _up(window.column, 4) * 2


def _columns_s8_mve(window: Window) -> int:
    return 4 * _up(window.column, 16)


def _row_s8_mve(window: Window) -> int:
    (_, width), (_, kernel), (_, stride) = window.input, window.filter, window.stride
    pad, outputs = window.padding[1], window.output[1]
    odd = _remainder((outputs - 1) * stride + kernel - width, 2)
    right = max(1, _quotient(pad + odd + stride - 1, stride)) if pad + odd else 0
    left = max(1, _quotient(pad + stride - 1, stride)) if pad else 0
    if right + max(outputs - right - left, 0) + left != outputs:
        return _columns_s8_mve(window)
    channels = window.channels
    padded_right = right * channels if odd else pad * channels
    return max((kernel + pad) * channels, (kernel - 1) * channels + padded_right)


def convolution_s16(window: Window, simd: Simd) -> int:
    """arm_convolve_wrapper_s16."""
    return 4 * _up(window.column, 8) * 2 if simd == "mve" else 2 * window.column * 2


def depthwise_s8(window: Window, simd: Simd) -> int:
    """arm_depthwise_conv_wrapper_s8; `window.outputs` is the filter's last dimension."""
    if simd == "mve" and window.channels == 1 and window.outputs > _ONE_CHANNEL_OUTPUTS:
        # The caller leaves the stride unset, so that either path may be taken: the larger.
        dense = replace(window, filter_channels=1, stride=(1, 4))
        scratch = max(convolution_s8(dense, simd), _columns_s8_mve(dense))
        return scratch + window.outputs * window.filter[0] * window.filter[1]
    if not _plain_depthwise(window):
        return 0
    small = max(window.padding) <= 1 and window.filter == (3, 3)
    if simd == "scalar" or (small and simd != "mve"):
        return 0
    return _depthwise_block(window, simd)


def depthwise_s4(window: Window, simd: Simd) -> int:
    """arm_depthwise_conv_wrapper_s4."""
    return _depthwise_block(window, simd) if _plain_depthwise(window) else 0


def _plain_depthwise(window: Window) -> bool:
    same = window.channels == window.outputs
    return same and window.batches == 1 and window.dilation == (1, 1)


def _depthwise_block(window: Window, simd: Simd) -> int:
    area = window.filter[0] * window.filter[1]
    return 4 * _CHANNEL_BLOCK * area if simd == "mve" else window.channels * area * 2


def fully_connected_s8(outputs: int, simd: Simd) -> int:
    """arm_fully_connected_s8: the sum of each row of weights."""
    return 4 * outputs if simd == "mve" else 0


def average_pool(channels: int, simd: Simd) -> int:
    """arm_avgpool_s8 and arm_avgpool_s16."""
    return 4 * channels if simd == "dsp" else 0


def svdf_s8(filters: int, simd: Simd) -> int:
    """arm_svdf_s8: the sum of each row of weights."""
    return 4 * filters if simd == "mve" else 0


def transpose_convolution_s8(window: Window, simd: Simd) -> tuple[int, int]:
    """arm_transpose_conv_s8: the scratch buffer, and the one of the reversed filter."""
    if max(window.stride) <= 2 and window.channels > _REVERSED_CHANNELS:
        columns = _columns_s8_mve(window) if simd == "mve" else 2 * _up(window.column, 4) * 2
        return columns, window.column * window.outputs
    rows = max(window.filter[0], window.stride[0])
    # The stride that widens a row is the vertical one, in the library too.
    width = (window.input[1] - 1) * window.stride[1] + max(window.filter[1], window.stride[0])
    return width * window.outputs * rows * 4, 0


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _quotient(a: int, b: int) -> int:
    """Return a / b as C divides: towards zero."""
    return -(-a // b) if a < 0 else a // b


def _remainder(a: int, b: int) -> int:
    return a - b * _quotient(a, b)
