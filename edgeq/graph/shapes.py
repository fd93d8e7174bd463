"""Shape inference: what the shape of an operator's output must be, from inputs and options.

Every function takes a `Call` and returns the shape of each of its outputs, or raises `Unfit`.
Semantics: the LiteRT operator reference; windows as in TensorFlow's SAME and VALID padding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from edgeq.graph.calls import Call, Shape, Unfit

# Padding that the options pad_top and pad_left give; how far windows reach over the other edges
# follows from the output's size. The compiler's passes make it, no file can say it.
EXPLICIT = "EXPLICIT"


def same(call: Call) -> Shape:
    """Element by element: the shape of the input."""
    return call.data


def broadcast(call: Call) -> Shape:
    """The broadcast of both inputs: trailing dimensions are equal or 1."""
    return broadcast_of(call.input(0).shape, call.input(1).shape)


def broadcast_of(a: Shape, b: Shape) -> Shape:
    """Return the shape to which `a` and `b` broadcast."""
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    for x, y in zip(a, b, strict=True):
        if x != y and 1 not in (x, y):
            raise Unfit(f"shapes {list(a)} and {list(b)} do not broadcast")
    return tuple(max(x, y) for x, y in zip(a, b, strict=True))


def convolution(call: Call) -> Shape:
    """CONV_2D: NHWC input, OHWI filter."""
    batch, _, _, channels = rank_of(call, 0, 4)
    out_channels, height, width, depth = rank_of(call, 1, 4)
    if depth != channels:
        raise Unfit(f"the filter takes {depth} channels, the input has {channels}")
    return (batch, *_windows(call, height, width), out_channels)


def depthwise(call: Call) -> Shape:
    """DEPTHWISE_CONV_2D: NHWC input, 1HWO filter with O = channels * depth_multiplier."""
    batch, _, _, channels = rank_of(call, 0, 4)
    first, height, width, out_channels = rank_of(call, 1, 4)
    multiplier = call.number("depth_multiplier")
    if first != 1 or out_channels != channels * multiplier:
        raise Unfit(
            f"filter {list(call.input(1).shape)} does not fit {channels} channels "
            f"with depth_multiplier {multiplier}"
        )
    return (batch, *_windows(call, height, width), out_channels)


def pool(call: Call) -> Shape:
    """AVERAGE_POOL_2D and MAX_POOL_2D on NHWC."""
    batch, _, _, channels = rank_of(call, 0, 4)
    window = _windows(call, call.number("filter_height"), call.number("filter_width"))
    return (batch, *window, channels)


def _windows(call: Call, height: int, width: int) -> tuple[int, int]:
    _, in_height, in_width, _ = call.data
    padding = str(call.option("padding", "SAME"))
    if padding == EXPLICIT:
        return _explicit_windows(call, height, width)
    return (
        window_count(
            in_height, height, call.number("stride_h"), call.number("dilation_h_factor", 1), padding
        ),
        window_count(
            in_width, width, call.number("stride_w"), call.number("dilation_w_factor", 1), padding
        ),
    )


def _explicit_windows(call: Call, height: int, width: int) -> tuple[int, int]:
    """Return the declared output size; every window must touch the input."""
    if len(call.output.shape) != 4:
        raise Unfit(f"the output has {len(call.output.shape)} dimensions instead of 4")
    sizes = []
    for axis, side, edge, window in ((1, "h", "top", height), (2, "w", "left", width)):
        pad, count = call.number(f"pad_{edge}"), call.output.shape[axis]
        reach = (window - 1) * call.number(f"dilation_{side}_factor", 1) + 1
        last = (count - 1) * call.number(f"stride_{side}") - pad
        if not 0 <= pad < reach or last >= call.data[axis]:
            raise Unfit(f"{count} windows of {reach}, the first {pad} outside the input")
        sizes.append(count)
    return sizes[0], sizes[1]


def window_count(size: int, window: int, stride: int, dilation: int, padding: str) -> int:
    """Return how many windows fit along one axis (TensorFlow's SAME and VALID)."""
    effective = (window - 1) * dilation + 1
    if padding == "SAME":
        return -(-size // stride)
    if effective > size:
        raise Unfit(f"a window of {effective} is larger than the input's {size} (padding VALID)")
    return (size - effective) // stride + 1


def fully_connected(call: Call) -> Shape:
    """FULLY_CONNECTED: the input as rows of the filter's depth; keeps the leading dimensions if
    `keep_num_dims` is set."""
    units, depth = rank_of(call, 1, 2)
    elements = math.prod(call.data)
    if elements % depth:
        raise Unfit(f"{elements} inputs are not a multiple of the filter's depth {depth}")
    if call.option("keep_num_dims", False):
        if not call.data or call.data[-1] != depth:
            raise Unfit(f"the last dimension of {list(call.data)} is not the depth {depth}")
        return (*call.data[:-1], units)
    # The runtimes take any output shape whose rows are the units.
    declared = call.output.shape
    rows = elements // depth
    if declared and declared[-1] == units and math.prod(declared) == rows * units:
        return declared
    return (rows, units)


def concatenation(call: Call) -> Shape:
    """CONCATENATION: equal shapes but for `axis`, whose sizes add up."""
    shapes = [call.input(i).shape for i in range(len(call.inputs))]
    axis = normalize(call.number("axis"), len(shapes[0]), "axis")
    for i, shape in enumerate(shapes):
        if _without(shape, axis) != _without(shapes[0], axis) or len(shape) != len(shapes[0]):
            raise Unfit(
                f"input {i} {list(shape)} does not fit {list(shapes[0])} beside axis {axis}"
            )
    return _replaced(shapes[0], axis, sum(shape[axis] for shape in shapes))


def padded(call: Call) -> Shape:
    """PAD and PADV2: `paddings` holds [before, after] for each dimension."""
    rank = len(call.data)
    if call.input(1).shape != (rank, 2):
        raise Unfit(f"paddings of shape {list(call.input(1).shape)} instead of [{rank}, 2]")
    values = call.values(1)
    if min(values, default=0) < 0:
        raise Unfit(f"negative paddings {list(values)}")
    return tuple(
        dim + before + after
        for dim, before, after in zip(call.data, values[0::2], values[1::2], strict=True)
    )


def reduced(call: Call) -> Shape:
    """MEAN and other reductions over the axes in input 1."""
    rank = len(call.data)
    axes = {normalize(axis, rank, "axis") for axis in call.values(1)}
    if call.option("keep_dims", False):
        return tuple(1 if i in axes else dim for i, dim in enumerate(call.data))
    return tuple(dim for i, dim in enumerate(call.data) if i not in axes)


def reshaped(call: Call) -> Shape:
    """RESHAPE: same elements; the new shape is input 1 or an option, one dimension may be -1."""
    elements = math.prod(call.data)
    wanted = _new_shape(call)
    if wanted is None:
        if math.prod(call.output.shape) != elements:
            raise Unfit(f"{elements} elements cannot have shape {list(call.output.shape)}")
        return call.output.shape
    known = math.prod(dim for dim in wanted if dim != -1)
    if any(dim < -1 or dim == 0 for dim in wanted) or wanted.count(-1) > 1:
        raise Unfit(f"new shape {list(wanted)} is not possible")
    if elements % known or (-1 not in wanted and known != elements):
        raise Unfit(f"{elements} elements cannot have shape {list(wanted)}")
    return tuple(elements // known if dim == -1 else dim for dim in wanted)


def _new_shape(call: Call) -> Shape | None:
    """Return the new shape that the file states; None if it is computed while running."""
    if call.inputs[1] is not None:
        return call.values(1) if call.input(1).is_constant else None
    stated = call.option("new_shape", ())
    return stated if isinstance(stated, tuple) and stated else None


def squeezed(call: Call) -> Shape:
    """SQUEEZE: drops `squeeze_dims`, or every dimension of 1."""
    stated = call.option("squeeze_dims", ())
    axes = stated if isinstance(stated, tuple) else ()
    dropped = {normalize(axis, len(call.data), "squeeze_dims") for axis in axes}
    for axis in dropped:
        if call.data[axis] != 1:
            raise Unfit(f"dimension {axis} of {list(call.data)} is not 1")
    if not axes:
        return tuple(dim for dim in call.data if dim != 1)
    return tuple(dim for i, dim in enumerate(call.data) if i not in dropped)


def expanded(call: Call) -> Shape:
    """EXPAND_DIMS: a dimension of 1 before `axis` (input 1)."""
    (axis,) = single(call, 1)
    at = normalize(axis, len(call.data) + 1, "axis")
    return (*call.data[:at], 1, *call.data[at:])


def transposed(call: Call) -> Shape:
    """TRANSPOSE: input 1 is a permutation of the dimensions."""
    permutation = call.values(1)
    if sorted(permutation) != list(range(len(call.data))):
        raise Unfit(f"{list(permutation)} is no permutation of {len(call.data)} dimensions")
    return tuple(call.data[axis] for axis in permutation)


def strided_slice(call: Call) -> Shape:
    """STRIDED_SLICE: begin, end and strides, with begin, end and shrink masks."""
    begin, end, strides = call.values(1), call.values(2), call.values(3)
    if not len(begin) == len(end) == len(strides) <= len(call.data):
        raise Unfit(f"begin {list(begin)}, end {list(end)}, strides {list(strides)} do not fit")
    if call.number("ellipsis_mask") or call.number("new_axis_mask"):
        raise Unfit("ellipsis_mask and new_axis_mask are not supported")
    shape: list[int] = []
    for axis, dim in enumerate(call.data):
        if axis >= len(begin):
            shape.append(dim)
            continue
        start, stop, stride = slice_bounds(call, axis, begin[axis], end[axis], strides[axis])
        if call.number("shrink_axis_mask") >> axis & 1:
            if not 0 <= start < dim or stride < 1:
                raise Unfit(f"begin {begin[axis]} lies outside dimension {axis} of {dim}")
        else:
            shape.append(max(0, -(-(stop - start) // stride)))
    return tuple(shape)


def slice_bounds(call: Call, axis: int, begin: int, end: int, stride: int) -> tuple[int, int, int]:
    """Return start, stop and stride of one axis of a STRIDED_SLICE, clamped to the dimension."""
    dim = call.data[axis]
    if stride == 0:
        raise Unfit("a stride of 0")
    low, high = (0, dim) if stride > 0 else (-1, dim - 1)

    def clamp(index: int) -> int:
        return min(max(index + dim if index < 0 else index, low), high)

    start = clamp(begin)
    stop = clamp(end + start if call.option("offset", False) else end)
    if call.number("begin_mask") >> axis & 1:
        start = low if stride > 0 else high
    if call.number("end_mask") >> axis & 1:
        stop = high if stride > 0 else low
    return start, stop, stride


def sliced(call: Call) -> Shape:
    """SLICE: begin (input 1) and size (input 2; -1 is all that is left)."""
    begin, size = call.values(1), call.values(2)
    if not len(begin) == len(size) == len(call.data):
        raise Unfit(f"begin {list(begin)} and size {list(size)} do not fit {list(call.data)}")
    shape = []
    for start, count, dim in zip(begin, size, call.data, strict=True):
        count = dim - start if count == -1 else count
        if start < 0 or count < 0 or start + count > dim:
            raise Unfit(f"begin {list(begin)}, size {list(size)} leave {list(call.data)}")
        shape.append(count)
    return tuple(shape)


def packed(call: Call) -> Shape:
    """PACK: stacks equal shapes along a new `axis`."""
    shapes = {call.input(i).shape for i in range(len(call.inputs))}
    if len(shapes) != 1 or call.number("values_count") != len(call.inputs):
        raise Unfit(f"{len(call.inputs)} inputs of shapes {sorted(shapes)}")
    axis = normalize(call.number("axis"), len(call.data) + 1, "axis")
    return (*call.data[:axis], len(call.inputs), *call.data[axis:])


def unpacked(call: Call) -> Shape:
    """UNPACK: `num` outputs, one for each index of `axis`."""
    axis = normalize(call.number("axis"), len(call.data), "axis")
    if not call.number("num") == len(call.outputs) == call.data[axis]:
        raise Unfit(f"{len(call.outputs)} outputs for axis {axis} of {list(call.data)}")
    return _without(call.data, axis)


def split(call: Call) -> Shape:
    """SPLIT: equal parts of input 1 along the axis in input 0."""
    shape = call.input(1).shape
    axis = normalize(single(call, 0)[0], len(shape), "axis")
    parts = call.number("num_splits")
    if parts != len(call.outputs) or parts < 1 or shape[axis] % parts:
        raise Unfit(f"{len(call.outputs)} outputs, {parts} parts of axis {axis} of {list(shape)}")
    return _replaced(shape, axis, shape[axis] // parts)


def shape_of(call: Call) -> Shape:
    """SHAPE: one number for each dimension."""
    return (len(call.data),)


def normalize(axis: int, rank: int, what: str) -> int:
    """Return `axis` counted from the front; raise Unfit if it is not in -rank..rank-1."""
    if not -rank <= axis < rank:
        raise Unfit(f"{what} {axis} out of range for {rank} dimensions")
    return axis % rank


def rank_of(call: Call, index: int, rank: int) -> Shape:
    """Return the shape of input `index`, which must have `rank` dimensions."""
    shape = call.input(index).shape
    if len(shape) != rank:
        raise Unfit(f"{call.role(index)} has {len(shape)} dimensions instead of {rank}")
    return shape


def single(call: Call, index: int) -> Shape:
    """Return the values of constant input `index`, which must be a single one."""
    values = call.values(index)
    if len(values) != 1:
        raise Unfit(f"{call.role(index)} has {len(values)} elements instead of 1")
    return values


def _without(shape: Iterable[int], axis: int) -> Shape:
    return tuple(dim for i, dim in enumerate(shape) if i != axis)


def _replaced(shape: Iterable[int], axis: int, size: int) -> Shape:
    return tuple(size if i == axis else dim for i, dim in enumerate(shape))
