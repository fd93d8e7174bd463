"""Shape inference of operators that trade height and width for something else, or resize them.

As in `shapes`: every function takes a `Call` and returns the shape of its output, or raises
`Unfit`.
"""

from __future__ import annotations

import math

from edgeq.graph.calls import Call, Shape, Unfit
from edgeq.graph.shapes import rank_of, window_count


def transposed_convolution(call: Call) -> Shape:
    """TRANSPOSE_CONV: the shape in input 0, from which a convolution leads to the input's."""
    batch, height, width, depth = rank_of(call, 2, 4)
    channels, kernel_h, kernel_w, filter_depth = rank_of(call, 1, 4)
    declared = rank_of_output(call, 4)
    stated = call.values(0) if call.input(0).is_constant else declared
    if filter_depth != depth:
        raise Unfit(f"the filter takes {filter_depth} channels, the input has {depth}")
    if len(stated) != 4 or (stated[0], stated[3]) != (batch, channels) or min(stated) < 1:
        raise Unfit(
            f"an output shape of {list(stated)} for a batch of {batch}, {channels} channels"
        )
    padding = str(call.option("padding", "SAME"))
    windows = (
        window_count(stated[1], kernel_h, call.number("stride_h"), 1, padding),
        window_count(stated[2], kernel_w, call.number("stride_w"), 1, padding),
    )
    if windows != (height, width):
        raise Unfit(f"an output of {list(stated)} has {list(windows)} windows, not the input's")
    return stated


def rank_of_output(call: Call, rank: int) -> Shape:
    """Return the declared shape of the output, which must have `rank` dimensions."""
    if len(call.output.shape) != rank:
        raise Unfit(f"output has {len(call.output.shape)} dimensions instead of {rank}")
    return call.output.shape


def resized(call: Call) -> Shape:
    """RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: height and width from input 1."""
    batch, _, _, channels = rank_of(call, 0, 4)
    declared = rank_of_output(call, 4)[1:3]
    size = call.values(1) if call.input(1).is_constant else declared
    if len(size) != 2 or min(size) < 1:
        raise Unfit(f"a size of {list(size)}")
    if call.option("align_corners", False) and call.option("half_pixel_centers", False):
        raise Unfit("align_corners and half_pixel_centers exclude each other")
    return (batch, *size, channels)


def space_of_depth(call: Call) -> Shape:
    """DEPTH_TO_SPACE: blocks of `block_size` squared from the channels."""
    batch, height, width, channels = rank_of(call, 0, 4)
    block = _block(call)
    if channels % (block * block):
        raise Unfit(f"{channels} channels do not make blocks of {block} x {block}")
    return (batch, height * block, width * block, channels // (block * block))


def depth_of_space(call: Call) -> Shape:
    """SPACE_TO_DEPTH: blocks of `block_size` squared into the channels."""
    batch, height, width, channels = rank_of(call, 0, 4)
    block = _block(call)
    if height % block or width % block:
        raise Unfit(f"{height} x {width} is no multiple of blocks of {block} x {block}")
    return (batch, height // block, width // block, channels * block * block)


def _block(call: Call) -> int:
    block = call.number("block_size")
    if block < 1:
        raise Unfit(f"block_size of {block}")
    return block


def batches_of_space(call: Call) -> Shape:
    """SPACE_TO_BATCH_ND: padded (input 2), then blocks (input 1) into the batch."""
    block, edges = space_blocks(call)
    spatial = call.data[1 : 1 + len(block)]
    padded = [before + size + after for size, (before, after) in zip(spatial, edges, strict=True)]
    if any(size % b for size, b in zip(padded, block, strict=True)):
        raise Unfit(f"padded sizes {padded} are no multiple of blocks of {list(block)}")
    sizes = (size // b for size, b in zip(padded, block, strict=True))
    return (call.data[0] * math.prod(block), *sizes, *call.data[1 + len(block) :])


def space_of_batches(call: Call) -> Shape:
    """BATCH_TO_SPACE_ND: blocks (input 1) from the batch, then cropped (input 2)."""
    block, edges = space_blocks(call)
    if call.data[0] % math.prod(block):
        raise Unfit(f"a batch of {call.data[0]} does not make blocks of {list(block)}")
    spatial = call.data[1 : 1 + len(block)]
    sizes = tuple(
        size * b - before - after
        for size, b, (before, after) in zip(spatial, block, edges, strict=True)
    )
    if min(sizes, default=1) < 1:
        raise Unfit(f"crops {[list(e) for e in edges]} leave nothing of {list(spatial)}")
    return (call.data[0] // math.prod(block), *sizes, *call.data[1 + len(block) :])


def space_blocks(call: Call) -> tuple[Shape, tuple[tuple[int, int], ...]]:
    """Return the block size and the [before, after] paddings or crops of each spatial axis."""
    block, edges = call.values(1), call.values(2)
    if not 3 <= len(call.data) <= 4 or len(block) != len(call.data) - 2 or min(block) < 1:
        raise Unfit(f"blocks of {list(block)} for {len(call.data)} dimensions")
    if call.input(2).shape != (len(block), 2) or min(edges) < 0:
        raise Unfit(f"{call.role(2)} {list(edges)} for {len(block)} spatial dimensions")
    return block, tuple(zip(edges[0::2], edges[1::2], strict=True))
