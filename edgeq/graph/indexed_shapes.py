"""Shape inference of operators that pick, repeat, fill or multiply: as in `shapes`."""

from __future__ import annotations

from edgeq.graph.calls import Call, Shape, Unfit
from edgeq.graph.shapes import broadcast_of, normalize, padded, single


def split_at(call: Call) -> list[Shape]:
    """SPLIT_V: parts of the sizes in input 1 (one may be -1) along the axis in input 2."""
    axis = normalize(single(call, 2)[0], len(call.data), "axis")
    sizes, whole = call.values(1), call.data[axis]
    if sizes.count(-1) == 1:
        rest = whole - sum(size for size in sizes if size != -1)
        sizes = tuple(rest if size == -1 else size for size in sizes)
    if min(sizes, default=0) < 1 or sum(sizes) != whole:
        raise Unfit(f"parts of {list(sizes)} of axis {axis} of {list(call.data)}")
    return [(*call.data[:axis], size, *call.data[axis + 1 :]) for size in sizes]


def gathered(call: Call) -> Shape:
    """GATHER: the indices (input 1) in place of `axis`, after `batch_dims` that they share."""
    axis, batches = gather_axes(call)
    indices = call.input(1).shape
    if call.data[:batches] != indices[:batches]:
        raise Unfit(f"indices {list(indices)} and {list(call.data)} share no {batches} dimensions")
    return (*call.data[:axis], *indices[batches:], *call.data[axis + 1 :])


def gather_axes(call: Call) -> tuple[int, int]:
    """Return `axis` and `batch_dims` of a GATHER, counted from the front."""
    axis = normalize(call.number("axis"), len(call.data), "axis")
    batches = call.number("batch_dims")
    rank = len(call.input(1).shape)
    batches += rank if batches < 0 else 0
    if not 0 <= batches <= min(axis, rank):
        raise Unfit(f"batch_dims of {batches} for axis {axis} and {rank} dimensions of indices")
    return axis, batches


def gathered_slices(call: Call) -> Shape:
    """GATHER_ND: the last dimension of the indices (input 1) counts leading dimensions."""
    indices = call.input(1).shape
    if not indices or not 1 <= indices[-1] <= len(call.data):
        raise Unfit(f"indices {list(indices)} into {list(call.data)}")
    return (*indices[:-1], *call.data[indices[-1] :])


def without_axis(call: Call) -> Shape:
    """ARG_MAX and ARG_MIN: the axis in input 1 is gone."""
    axis = normalize(single(call, 1)[0], len(call.data), "axis")
    return tuple(dim for i, dim in enumerate(call.data) if i != axis)


def matrix_product(call: Call) -> Shape:
    """BATCH_MATMUL: the last two dimensions are matrices, those before them broadcast."""
    a, b = list(call.input(0).shape), list(call.input(1).shape)
    if min(len(a), len(b)) < 2:
        raise Unfit(f"{a} and {b} are no matrices")
    if call.option("adj_x", False):
        a[-2:] = a[:-3:-1]
    if call.option("adj_y", False):
        b[-2:] = b[:-3:-1]
    if a[-1] != b[-2]:
        raise Unfit(f"matrices of {a[-2:]} and {b[-2:]} do not multiply")
    return (*broadcast_of(tuple(a[:-2]), tuple(b[:-2])), a[-2], b[-1])


def chosen(call: Call) -> Shape:
    """SELECT_V2: the broadcast of the condition and both values."""
    values = broadcast_of(call.input(1).shape, call.input(2).shape)
    return broadcast_of(call.input(0).shape, values)


def chosen_alike(call: Call) -> Shape:
    """SELECT: values of one shape, and a condition of that shape."""
    shapes = {call.input(i).shape for i in range(3)}
    if len(shapes) != 1:
        raise Unfit(f"condition and values of shapes {sorted(shapes)}")
    return call.data


def repeated(call: Call) -> Shape:
    """BROADCAST_TO: the shape in input 1, to which the input broadcasts."""
    wanted = call.values(1) if call.input(1).is_constant else call.output.shape
    if len(wanted) < len(call.data) or broadcast_of(call.data, wanted) != wanted:
        raise Unfit(f"{list(call.data)} does not broadcast to {list(wanted)}")
    return wanted


def filled(call: Call) -> Shape:
    """FILL: the shape in input 0, every element the scalar in input 1."""
    if call.input(1).elements != 1:
        raise Unfit(f"a value of {call.input(1).elements} elements")
    return call.values(0) if call.input(0).is_constant else call.output.shape


def alike(call: Call) -> Shape:
    """ADD_N: inputs of one shape."""
    shapes = {call.input(i).shape for i in range(len(call.inputs))}
    if len(shapes) != 1 or len(call.inputs) < 2:
        raise Unfit(f"{len(call.inputs)} inputs of shapes {sorted(shapes)}")
    return call.data


def accumulated(call: Call) -> Shape:
    """CUMSUM: the shape of the input, whose axis is in input 1."""
    normalize(single(call, 1)[0], len(call.data), "axis")
    return call.data


def reversed_axes(call: Call) -> Shape:
    """REVERSE_V2: the shape of the input; the axes in input 1 are neighbours."""
    axes = sorted({normalize(axis, len(call.data), "axis") for axis in call.values(1)})
    if axes != list(range(axes[0], axes[0] + len(axes)) if axes else ()):
        raise Unfit(f"axes {axes} are not neighbours")
    return call.data


def mirrored(call: Call) -> Shape:
    """MIRROR_PAD: as PAD; the edges are no wider than what they mirror."""
    edge = 1 if call.option("mode", "REFLECT") == "REFLECT" else 0
    shape, edges = padded(call), call.values(1)
    for axis, dim in enumerate(call.data):
        if max(edges[2 * axis : 2 * axis + 2]) > dim - edge:
            raise Unfit(f"paddings {list(edges)} are wider than {list(call.data)}")
    return shape
