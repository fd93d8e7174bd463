"""Operators with state: their inputs, shapes, and the forms that TensorFlow Lite Micro computes.

Sources: lstm_eval_common.cc, unidirectional_sequence_lstm.cc and svdf_common.cc of
tensorflow/lite/micro/kernels.
"""

from __future__ import annotations

import math

from edgeq.graph.calls import Call, Shape, Unfit
from edgeq.graph.ir import Tensor

GATES = ("forget", "input", "cell", "output")
LSTM_INPUTS = (
    "input "
    "input_to_input? input_to_forget input_to_cell input_to_output "
    "recurrent_to_input? recurrent_to_forget recurrent_to_cell recurrent_to_output "
    "cell_to_input? cell_to_forget? cell_to_output? "
    "input_bias? forget_bias cell_bias output_bias "
    "projection? projection_bias? output_state cell_state "
    "input_norm? forget_norm? cell_norm? output_norm?"
)
_SVDF_BIAS_TOLERANCE = 1e-5


def as_declared(call: Call) -> list[Shape]:
    """Return the outputs of an operator on a variable, whose shape its handle does not tell."""
    return [tensor.shape for tensor in call.outputs]


def sequence_shape(call: Call) -> Shape:
    """Return the output of an LSTM: the input's rows, each of as many elements as the state."""
    if len(call.data) != 3:
        raise Unfit(f"input {list(call.data)} is not [batches, steps, elements]")
    weights = _given(call, "recurrent_to_output").shape
    if len(weights) != 2:
        raise Unfit(f"recurrent_to_output {list(weights)} is not [cells, outputs]")
    return (*call.data[:2], weights[1])


def sequence_macs(call: Call) -> int:
    """Return the multiply-accumulates of an LSTM's gates."""
    rows = math.prod(call.data[:2])
    return rows * sum(t.elements for role, t in call.named() if "_to_" in role and len(t.shape) > 1)


def filter_shape(call: Call) -> Shape:
    """Return the output of an SVDF: [batches, filters / rank]."""
    weights, rank = call.input(1).shape, call.number("rank", 1)
    if len(call.data) != 2 or len(weights) != 2 or rank < 1 or weights[0] % rank:
        raise Unfit(f"input {list(call.data)}, filter {list(weights)} of rank {rank}")
    return call.data[0], weights[0] // rank


def filter_macs(call: Call) -> int:
    """Return the multiply-accumulates of an SVDF: those of its features, and those over time."""
    return call.data[0] * (call.input(1).elements + call.input(2).elements)


def standard_lstm(call: Call) -> str | None:
    """Without peepholes, projection, layer normalisation and coupled gates; TANH."""
    absent = {"peephole": "cell_to_", "projection": "projection", "layer normalisation": "_norm"}
    for what, part in absent.items():
        if any(part in role for role, _ in call.named()):
            return f"an LSTM with {what} is not supported"
    for role in ("input_to_input", "recurrent_to_input", "input_bias"):
        if call.get(role) is None:
            return f"{role} is absent: an LSTM with coupled gates is not supported"
    function = call.option("fused_activation_function", "NONE")
    return None if function == "TANH" else f"its activation is {function} instead of TANH"


def lstm_dtypes(call: Call) -> str | None:
    """Activations, state and weights are int8, the cell int16, the biases int32."""
    for role, tensor in call.named():
        wanted = "int16" if role == "cell_state" else "int32" if "bias" in role else "int8"
        if tensor.dtype != wanted:
            return f"{role} is {tensor.dtype} instead of {wanted}"
        if wanted != "int32" and tensor.quantization is None:
            return f"{role} has no quantisation"
        if tensor.quantization and tensor.quantization.per_channel:
            return f"{role} is quantised per channel"
    return None


def lstm_sizes(call: Call) -> str | None:
    """Weights, biases and state have one row for each cell."""
    units, depth, major = call.output.shape[2], call.data[2], call.option("time_major", False)
    state = units * call.data[1 if major else 0]
    for role, tensor in call.named():
        wanted = {
            "input_to": (units, depth),
            "recurrent_to": (units, units),
        }.get(role.rpartition("_")[0], (units,) if "bias" in role else None)
        if wanted is not None and tensor.shape != wanted:
            return f"{role} {list(tensor.shape)} is not {list(wanted)}"
        if role.endswith("_state") and tensor.elements != state:
            return f"{role} has {tensor.elements} elements instead of {state}"
    return None


def symmetric_weights(call: Call) -> str | None:
    """Weights have zero point 0."""
    for role, tensor in call.named():
        weights = "_to_" in role or role in ("filter", "time_filter", "bias")
        if weights and tensor.quantization and any(tensor.quantization.zero_points):
            return f"{role} has a zero point other than 0"
    return None


def cell_power_of_two(call: Call) -> str | None:
    """The cell's scale is a power of two from 2^-15 to 2^-1, its zero point 0."""
    quantization = _given(call, "cell_state").quantization
    assert quantization is not None
    mantissa, exponent = math.frexp(quantization.scale)
    if mantissa != 0.5 or not -15 <= exponent - 1 <= -1:
        return f"the scale of cell_state, {quantization.scale:g}, is no power of two below 1"
    return "cell_state has a zero point other than 0" if quantization.zero_point else None


def svdf_dtypes(call: Call) -> str | None:
    """Activations and filter are int8; state and time filter both int8 or both int16."""
    for role, tensor in call.named():
        if role in ("input", "filter", "output") and tensor.dtype != "int8":
            return f"{role} is {tensor.dtype} instead of int8"
        if role != "bias" and tensor.quantization is None:
            return f"{role} has no quantisation"
        if tensor.quantization and tensor.quantization.per_channel:
            return f"{role} is quantised per channel"
    state, time = _given(call, "activation_state").dtype, _given(call, "time_filter").dtype
    if state != time or state not in ("int8", "int16"):
        return f"activation_state is {state}, time_filter {time}"
    return None


def svdf_sizes(call: Call) -> str | None:
    """The time filter has a row for each filter, the state one for each batch."""
    filters, times = call.input(1).shape, _given(call, "time_filter").shape
    if filters[1] != call.data[1] or len(times) != 2 or times[0] != filters[0]:
        return f"filter {list(filters)} and time_filter {list(times)} do not fit the input"
    state = _given(call, "activation_state")
    if state.elements != call.data[0] * times[0] * times[1]:
        return f"activation_state has {state.elements} elements"
    return None


def svdf_bias(call: Call) -> str | None:
    """There is a bias, int32, of the scale of state * time filter."""
    bias = call.get("bias")
    if bias is None:
        return "bias is absent, which TensorFlow Lite Micro does not take"
    if bias.dtype != "int32" or bias.shape != call.output.shape[1:]:
        return f"bias is {bias.dtype} {list(bias.shape)}"
    scales = [
        t.quantization.scale
        for t in (bias, _given(call, "activation_state"), _given(call, "time_filter"))
        if t.quantization
    ]
    if len(scales) == 3 and abs(scales[0] - scales[1] * scales[2]) < _SVDF_BIAS_TOLERANCE:
        return None
    return "bias has another scale than state * time filter"


def svdf_state_zero(call: Call) -> str | None:
    """A state of int16 has zero point 0."""
    state = _given(call, "activation_state")
    zero = state.quantization.zero_point if state.quantization else 0
    return f"activation_state has zero point {zero}" if state.dtype == "int16" and zero else None


def no_clamp(call: Call) -> str | None:
    """The fused activation lets every int8 pass: TensorFlow Lite Micro leaves it out."""
    function = call.option("fused_activation_function", "NONE")
    quantization = call.output.quantization
    whole = function == "RELU" and quantization is not None and quantization.zero_point == -128
    return None if function == "NONE" or whole else f"its activation {function} would clamp"


def own_state(call: Call) -> str | None:
    """The state is a variable of the model."""
    for role, tensor in call.named():
        if role.endswith("state") and not tensor.is_variable:
            return f"{role} is no variable"
    return None


LSTM_RULES = (
    standard_lstm, lstm_dtypes, lstm_sizes, symmetric_weights, cell_power_of_two, own_state,
)  # fmt: skip
SVDF_RULES = (
    svdf_dtypes, svdf_sizes, svdf_bias, symmetric_weights, svdf_state_zero, no_clamp, own_state,
)  # fmt: skip


def _given(call: Call, role: str) -> Tensor:
    tensor = call.get(role)
    if tensor is None:
        raise Unfit(f"{role} is absent")
    return tensor
