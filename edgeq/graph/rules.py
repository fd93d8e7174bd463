"""Rules: small predicates on a call. Each returns what is wrong, or None."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.graph.calls import Call, Shape, Unfit
from edgeq.graph.ir import Quantization, Tensor

Rule = Callable[[Call], str | None]

QUANTIZED = ("int8", "uint8", "int16", "int4")
FUSED = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
RECURRENT = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF")
# Window geometry fits 16 bits, so that index arithmetic in the kernels cannot overflow.
_MAX_WINDOW = 65_535
_WINDOW_OPTIONS = (
    "stride_w",
    "stride_h",
    "dilation_w_factor",
    "dilation_h_factor",
    "filter_width",
    "filter_height",
    "depth_multiplier",
)
# |input scale * weight scale - bias scale| / output scale (LiteRT kernels/kernel_util.cc,
# GetQuantizedConvolutionMultipler).
_BIAS_TOLERANCE = 0.02


def windows_positive(call: Call) -> str | None:
    """Strides, dilations, window sizes and multipliers are 1..65,535."""
    for name in _WINDOW_OPTIONS:
        value = call.option(name, 1)
        if not isinstance(value, int) or not 1 <= value <= _MAX_WINDOW:
            return f"{name} of {value} is not in 1..{_MAX_WINDOW}"
    return None


def activation_clamps(call: Call) -> str | None:
    """The fused activation is none or a clamp, or the function of a recurrent cell."""
    value = call.option("fused_activation_function", "NONE")
    return (
        None
        if value in FUSED or call.node.op in RECURRENT
        else f"fused activation {value} is none of {', '.join(FUSED)}"
    )


def no_activation(call: Call) -> str | None:
    """There is no fused activation."""
    value = call.option("fused_activation_function", "NONE")
    return None if value == "NONE" else f"fused activation {value} is not supported here"


def quantized(call: Call) -> str | None:
    """A narrow integer tensor has a scale to compute with."""
    for role, tensor in call.named():
        if tensor.dtype in QUANTIZED and tensor.quantization is None:
            return f"{role} is {tensor.dtype} without quantisation"
    return None


def per_tensor(call: Call) -> str | None:
    """Activations have a single scale; only filter and bias may have one for each channel."""
    for role, tensor in call.named():
        q = tensor.quantization
        if role not in ("filter", "bias") and q is not None and q.per_channel:
            return f"{role} is quantised per channel ({len(q.scales)} scales)"
    return None


def filter_quantization(axis: int) -> Rule:
    """Return the rule: int8 weights are symmetric, per tensor or per output channel (`axis`)."""

    def rule(call: Call) -> str | None:
        weights = call.input(1)
        q = weights.quantization
        if q is None or weights.dtype not in ("int8", "int4"):
            return None
        if q.per_channel and q.axis != axis:
            return f"filter is quantised along axis {q.axis} instead of {axis}"
        return "filter has a zero point other than 0" if any(q.zero_points) else None

    return rule


def bias_length(call: Call) -> str | None:
    """The bias has one element for each output channel."""
    bias = call.get("bias")
    channels = call.output.shape[-1] if call.output.shape else 0
    if bias is None or bias.elements == channels:
        return None
    return f"bias of shape {list(bias.shape)} for {channels} output channels"


def bias_quantization(call: Call) -> str | None:
    """The bias has zero point 0 and the scale of the accumulator, input scale * filter scale."""
    data, bias, weights = call.get("input"), call.get("bias"), call.input(1).quantization
    source, result = data and data.quantization, call.output.quantization
    if bias is None or not (bias.quantization and weights and source and result):
        return None
    if any(bias.quantization.zero_points):
        return "bias has a zero point other than 0"
    for i, scale in enumerate(bias.quantization.scales):
        product = source.scale * weights.scales[i if weights.per_channel else 0]
        if abs(product - scale) > _BIAS_TOLERANCE * result.scale:
            return f"bias scale {scale:g} of channel {i} is not input * filter scale {product:g}"
    return None


def plain_weights(call: Call) -> str | None:
    """Weights are stored row by row (weights_format DEFAULT)."""
    value = call.option("weights_format", "DEFAULT")
    return None if value == "DEFAULT" else f"weights_format {value} is not supported"


def output_quantization(scale: float, zero_point: int) -> Rule:
    """Return the rule: an int8 output has exactly this quantisation (the kernels assume it)."""

    def rule(call: Call) -> str | None:
        q = call.output.quantization
        if call.output.dtype != "int8" or q is None or q == Quantization((scale,), (zero_point,)):
            return None
        wanted = f"1/{1 / scale:g} and {zero_point}"
        return f"output has scale {q.scale:g} and zero point {q.zero_point} instead of {wanted}"

    return rule


def alike(call: Call) -> str | None:
    """Inputs and output are quantised alike."""
    kinds = {t.quantization for _, t in call.named() if t.dtype in QUANTIZED}
    return "inputs and output are quantised differently" if len(kinds) > 1 else None


def table_of_bytes(call: Call) -> str | None:
    """The table, the last input, is constant and has an output for each of 256 bytes."""
    table = call.input(len(call.inputs) - 1)
    if table.is_constant and table.shape == (256,) and table.dtype == call.output.dtype:
        return None
    return f"a table of {list(table.shape)} {table.dtype}"


def pad_value_single(call: Call) -> str | None:
    """The padding value is a single element."""
    count = call.input(2).elements
    return None if count == 1 else f"pad value of {count} elements"


def arity(call: Call, optional: frozenset[str], variadic: bool) -> str | None:
    """The right number of inputs, and none absent but the optional ones."""
    count = len(call.node.inputs)
    required = sum(role not in optional for role in call.roles)
    if count < required or (count > len(call.roles) and not variadic):
        return f"{count} inputs ({', '.join(call.roles)} expected)"
    for i, tensor in enumerate(call.inputs):
        if tensor is None and call.role(i) not in optional:
            return f"{call.role(i)} (input {i}) is absent"
    return None


def dtypes(call: Call, signatures: tuple[str, ...]) -> str | None:
    """The dtypes match one of the signatures, e.g. 'int8 int8|int4 int32 > int8'.

    T is one dtype wherever it stands, `any` is any.
    """
    if any(_matches(call, *signature.split(" > ")) for signature in signatures):
        return None
    taken = ", ".join(f"{role} {tensor.dtype}" for role, tensor in call.named())
    return f"dtypes not supported: {taken}"


def _matches(call: Call, sources: str, result: str) -> bool:
    tokens = sources.split()
    bound: set[str] = set()

    def fits(tensor: Tensor, token: str) -> bool:
        if token == "any":
            return True
        if token == "T":
            bound.add(tensor.dtype)
            return len(bound) == 1 and tensor.dtype != "resource"
        return tensor.dtype in token.split("|")

    return all(
        fits(tensor, tokens[min(i, len(tokens) - 1)])
        for i, tensor in enumerate(call.inputs)
        if tensor is not None
    ) and all(fits(tensor, result) for tensor in call.outputs)


def inferred_shape(call: Call, infer: Callable[[Call], Shape | list[Shape]]) -> str | None:
    """Every output has the shape that follows from the inputs and options."""
    found = infer(call)
    shapes = found if isinstance(found, list) else [found] * len(call.outputs)
    if len(shapes) != len(call.outputs):
        return f"{len(call.outputs)} outputs instead of {len(shapes)}"
    for tensor, expected in zip(call.outputs, shapes, strict=True):
        if tensor.shape != expected:
            return f"output shape {list(tensor.shape)} is not the inferred {list(expected)}"
    return None


def first_fault(call: Call, rules: tuple[Rule, ...]) -> str | None:
    """Return what the first broken rule says."""
    try:
        return next((fault for rule in rules if (fault := rule(call))), None)
    except Unfit as error:
        return str(error)
