"""What the kernels ask of an operator beyond the op table's checks: small predicates on a call.

Each returns what is wrong, or None; their docstrings are the supported-ops page.
"""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import WIDE_LIMIT, WRAP_LIMIT, accumulator_bounds
from edgeq.compile.lower.binary import LEVELS as BINARY_LEVELS
from edgeq.compile.lower.binary import broadcast_sizes
from edgeq.compile.lower.elementwise import CAST_KINDS
from edgeq.compile.lower.gather import DEPTH
from edgeq.compile.lower.matmul import LARGEST_PRODUCT, matrix_loops
from edgeq.compile.lower.matmul import LEVELS as MATRIX_LEVELS
from edgeq.compile.lower.movement import LEVELS as COPY_LEVELS
from edgeq.compile.lower.movement import copies_of
from edgeq.compile.lower.reductions import LARGEST_SUM, mean_loops
from edgeq.graph.calls import Call
from edgeq.graph.indexed_shapes import gather_axes
from edgeq.graph.oracle.comparisons import comparison_factor
from edgeq.graph.oracle.curves16 import curve_factor, softmax_factor
from edgeq.graph.oracle.elementwise import (
    difference_factors,
    leaky_alpha,
    prelu_factors,
    product_factor,
    quotient_factor,
    sum_factors,
)
from edgeq.graph.oracle.normalization import log_softmax_differences
from edgeq.graph.oracle.reductions import reduced_axes, softmax_exponentials
from edgeq.graph.oracle.requantization import scale_of, zero_point_of
from edgeq.graph.oracle.resizing import bilinear_places
from edgeq.graph.oracle.weighted import has_wide_sums, matrix_factor
from edgeq.graph.rules import Rule

_MAX_DIMENSION = 32_767  # index arithmetic of the kernels cannot overflow below
_MAX_FACTOR = float(1 << 30)
_MAX_WIDE_FACTOR = float(1 << 7)
_MAX_QUOTIENT = float(1 << 23)
_MAX_ADDENDS = 255  # int8 that fit a sum of 16 bits
_MAX_SOFTMAX_DEPTH = 4_095  # as many exponentials in Q12 as fit a sum of 32 bits


def computed_input(call: Call) -> str | None:
    """At least one input is computed."""
    if any(t is not None and not t.is_constant for t in call.inputs):
        return None
    return "every input is constant"


def int8_data(call: Call) -> str | None:
    """Inputs and outputs are int8."""
    for role, tensor in call.named():
        if tensor.dtype not in ("int8", "int4") and role in ("input", "input2", "values", "output"):
            return f"{role} is {tensor.dtype}, the kernels compute in int8"
    return None


def integer_data(call: Call) -> str | None:
    """Inputs and outputs are int8, or int16 with zero points of 0."""
    for role, tensor in call.named():
        if role not in ("input", "input2", "values", "output") or tensor.dtype in ("int8", "int4"):
            continue
        if tensor.dtype != "int16":
            return f"{role} is {tensor.dtype}, the kernels compute in int8 and int16"
        if zero_point_of(tensor):
            return f"{role} is int16 with a zero point of {zero_point_of(tensor)}"
    return None


def int8_filter(call: Call) -> str | None:
    """Weights of int16 data are int8."""
    narrow = call.output.dtype == "int16" and call.input(1).dtype != "int8"
    return f"filter is {call.input(1).dtype}" if narrow else None


def int64_bias(call: Call) -> str | None:
    """The bias of int16 data is int64."""
    bias = call.get("bias")
    short = call.output.dtype == "int16" and bias is not None and bias.dtype != "int64"
    return f"bias is {bias.dtype}" if short and bias else None


def whole_bytes(call: Call) -> str | None:
    """Any dtype of whole bytes."""
    for role, tensor in call.named():
        if tensor.dtype in ("int4", "resource"):
            return f"{role} is {tensor.dtype}"
    return None


def byte_data(call: Call) -> str | None:
    """Inputs and outputs are int8 or bool."""
    for role, tensor in call.named():
        if tensor.dtype not in ("int8", "bool"):
            return f"{role} is {tensor.dtype}, the kernels take int8 and bool"
    return None


def constant_weights(call: Call) -> str | None:
    """Filter and bias are constant."""
    for role, tensor in call.named():
        if role in ("filter", "bias") and not tensor.is_constant:
            return f"{role} is not constant"
    return None


def small_dimensions(call: Call) -> str | None:
    """No dimension is above 32,767."""
    for role, tensor in call.named():
        if role in ("input", "output", "filter") and max(tensor.shape, default=0) > _MAX_DIMENSION:
            return f"{role} {list(tensor.shape)} has a dimension above {_MAX_DIMENSION:,}"
    return None


def accumulators_fit(axis: int) -> Rule:
    """Return the rule for filters with their outputs along `axis`."""

    def rule(call: Call) -> str | None:
        """No input whatever can take an accumulator out of 32 bits (47 for int16 data)."""
        data, weights, bias = call.get("input"), call.input(1).data, call.get("bias")
        assert data is not None
        assert weights is not None
        rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
        given = bias.data.reshape(-1).astype(np.int64) if bias and bias.data is not None else None
        values = np.zeros(len(rows), np.int64) if given is None else given
        int16 = data.dtype == "int16"
        limit = WIDE_LIMIT if int16 and has_wide_sums(call) else WRAP_LIMIT
        largest = 1 << 15 if int16 else 128
        bound = int(np.max(accumulator_bounds(rows, values, zero_point_of(data), largest)))
        return f"accumulators can reach {bound:,}" if bound >= limit else None

    return rule


def weight_factors(call: Call) -> str | None:
    """Input scale * filter scale / output scale is below 2^30 (2^7 for int16 data)."""
    data, q = call.get("input"), call.input(1).quantization
    assert data is not None
    product = float(scale_of(data)) * max(q.scales if q else (0.0,))
    factor = product / float(scale_of(call.output))
    if call.output.dtype == "int16" and factor >= _MAX_WIDE_FACTOR:
        return f"the requantisation factor {factor:g} is not below 2^7"
    return _factor(factor)


def sum_factor(call: Call) -> str | None:
    """Scales of a sum are less than 2^50 apart."""
    return next(filter(None, map(_factor, sum_factors(call))), None)


def multiplied_factor(call: Call) -> str | None:
    """The product of the input scales over the output scale is below 2^30."""
    return _factor(product_factor(call))


def scale_ratio(call: Call) -> str | None:
    """Input scale / output scale is below 2^30."""
    return _factor(float(scale_of(call.input(0))) / float(scale_of(call.output)))


def _factor(real: float) -> str | None:
    return None if real < _MAX_FACTOR else f"the requantisation factor {real:g} is not below 2^30"


def few_broadcasts(call: Call) -> str | None:
    """Broadcasting needs at most 4 loops once adjacent dimensions are joined."""
    shapes = (call.input(i).shape for i in range(len(call.inputs)))
    count = len(broadcast_sizes(call.output.shape, *shapes)[0])
    return f"broadcasting needs {count} loops" if count > BINARY_LEVELS else None


def byte_padding(call: Call) -> str | None:
    """Padding of int16 is 0."""
    value = call.get("value")
    if call.output.dtype != "int16" or value is None:
        return None
    known = value.data is not None and not value.data.any()
    return None if known else "the value of int16 padding is not 0"


def few_copies(call: Call) -> str | None:
    """Every copy needs at most 5 loops once adjacent dimensions are joined."""
    count = max(len(copy.loops[0]) for copy in copies_of(call))
    return f"a copy needs {count} loops" if count > COPY_LEVELS else None


def regular_axes(call: Call) -> str | None:
    """Reduced axes form at most two groups of neighbours."""
    return None if mean_loops(call) else f"axes {list(call.values(1))} of {list(call.data)}"


def bounded_sum(call: Call) -> str | None:
    """A mean or a sum is over fewer than 8,421,505 elements (int16: 65,536)."""
    _, count = reduced_axes(call)
    most = count * LARGEST_SUM[call.input(0).dtype]
    return f"a sum of {count:,} elements" if most >= WRAP_LIMIT else None


def softmax_depth(call: Call) -> str | None:
    """The last dimension has at most 4,095 elements."""
    depth = call.data[-1] if call.data else 0
    return None if 1 <= depth <= _MAX_SOFTMAX_DEPTH else f"softmax over {depth:,} elements"


def curve_scale(call: Call) -> str | None:
    """An int16 input's scale is below 2.66, its output's 1/32768."""
    if call.output.dtype == "int16":
        curve_factor(call)  # raises Unfit
    return None


def int16_ratio(call: Call) -> str | None:
    """Between integers, input scale / output scale is below 2^14."""
    ends = call.input(0), call.output
    if "int16" not in (t.dtype for t in ends) or "float32" in (t.dtype for t in ends):
        return None
    ratio = float(scale_of(ends[0])) / float(scale_of(ends[1]))
    return None if ratio < 1 << 14 else f"the factor {ratio:g} is not below 2^14"


def leaky_ratio(call: Call) -> str | None:
    """Alpha times input scale over output scale is within 2^14 of int16."""
    if call.output.dtype != "int16":
        return None
    alpha, ratio = leaky_alpha(call), float(scale_of(call.input(0))) / float(scale_of(call.output))
    fits = abs(alpha) * ratio < 1 << 14
    return None if fits else f"the factor {alpha * ratio:g} is not within 2^14"


def softmax_scale(call: Call) -> str | None:
    """Beta * input scale is large enough for the kernel's precision (int16: below 2.5)."""
    if call.output.dtype == "int16":
        softmax_factor(call)  # raises Unfit
        return None
    beta = float(call.option("beta", 0.0))  # type: ignore[arg-type]
    softmax_exponentials(beta, float(scale_of(call.input(0))))  # raises Unfit
    return None


def slope_factors(call: Call) -> str | None:
    """Input scale and input * slope scale over the output scale are below 2^30."""
    return next(filter(None, map(_factor, prelu_factors(call))), None)


def difference_factor(call: Call) -> str | None:
    """Twice the larger input scale, squared, over the output scale is below 2^44."""
    return next(filter(None, map(_factor, difference_factors(call))), None)


def quotient_range(call: Call) -> str | None:
    """The quotient of the input scales over the output scale is below 2^23."""
    real = quotient_factor(call)
    return None if real < _MAX_QUOTIENT else f"the factor {real:g} is not below 2^23"


def fractional_scales(call: Call) -> str | None:
    """Scales are below 1."""
    for side in range(2):
        if call.input(side).dtype == "int8":
            comparison_factor(call, side)  # raises Unfit
    return None


def int32_indices(call: Call) -> str | None:
    """Indices are int32; constant ones lie inside the input, computed ones are clamped."""
    indices = call.input(1)
    if indices.dtype != "int32":
        return f"indices are {indices.dtype}"
    if indices.data is None:
        return None
    if call.node.op == "GATHER":
        sizes = np.array([call.data[gather_axes(call)[0]]])
    else:
        sizes = np.array(call.data[: indices.shape[-1]])
    inside = (indices.data >= 0) & (indices.data < sizes)
    return None if inside.all() else f"indices lie outside {list(call.data)}"


def few_indices(call: Call) -> str | None:
    """A place has at most 5 indices."""
    depth = call.input(1).shape[-1]
    return None if depth <= DEPTH else f"places of {depth} indices"


def int32_output(call: Call) -> str | None:
    """From int8 to int32."""
    ends = call.input(0).dtype, call.output.dtype
    return None if ends == ("int8", "int32") else f"from {ends[0]} to {ends[1]}"


def castable(call: Call) -> str | None:
    """Between int8, int16, int32 and float32, or from bool."""
    ends = call.input(0).dtype, call.output.dtype
    if all(end in CAST_KINDS for end in ends) and ends[1] != "bool":
        return None
    return f"from {ends[0]} to {ends[1]}"


def squared_depth(call: Call) -> str | None:
    """The last dimension has at most 33,025 elements, whose squares fit 32 bits."""
    return _products_fit(call.data[-1] if call.data else 0)


def matrix_depth(call: Call) -> str | None:
    """A dot product is of at most 33,025 elements, which fits 32 bits."""
    return _products_fit(call.data[-2] if call.option("adj_x", False) else call.data[-1])


def _products_fit(depth: int) -> str | None:
    fits = depth >= 1 and depth * LARGEST_PRODUCT < WRAP_LIMIT
    return None if fits else f"products of {depth:,} elements"


def matrices_factor(call: Call) -> str | None:
    """The product of the input scales over the output scale is below 2^30 (int16: 2^7)."""
    factor = matrix_factor(call)
    if call.output.dtype == "int16" and factor >= _MAX_WIDE_FACTOR:
        return f"the requantisation factor {factor:g} is not below 2^7"
    return _factor(factor)


def few_matrices(call: Call) -> str | None:
    """Matrices need at most 3 loops once adjacent dimensions are joined."""
    count = len(matrix_loops(call)[0])
    return f"matrices need {count} loops" if count > MATRIX_LEVELS else None


def log_softmax_scale(call: Call) -> str | None:
    """The input scale is large enough for the kernel's precision."""
    log_softmax_differences(call)  # raises Unfit
    return None


def places_inside(call: Call) -> str | None:
    """No output place lies outside the input, as rounding can have it for huge sizes."""
    for axis in (1, 2):
        bilinear_places(call, axis)  # raises Unfit
    return None


def short_sums(call: Call) -> str | None:
    """There are at most 255 inputs."""
    count = len(call.inputs)
    return None if count <= _MAX_ADDENDS else f"{count} inputs"


def byte_ends(call: Call) -> str | None:
    """From float32 to int8, or between int8 and uint8."""
    ends = call.input(0).dtype, call.output.dtype
    if ends == ("float32", "int8") or set(ends) <= {"int8", "uint8"}:
        return None
    return f"from {ends[0]} to {ends[1]}"


def quantized_ends(call: Call) -> str | None:
    """From float32 or int16 to int8 or int16, from int8 to int16, or between int8 and uint8."""
    ends = call.input(0).dtype, call.output.dtype
    if ends[0] in ("float32", "int8", "int16") and ends[1] in ("int8", "int16"):
        return None
    return byte_ends(call)


def float_output(call: Call) -> str | None:
    """From int8, uint8 or int16 to float32."""
    dtype = call.input(0).dtype
    return None if dtype in ("int8", "uint8", "int16") else f"from {dtype}"
