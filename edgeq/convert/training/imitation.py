"""Child side: where a flat model's activations become integers, and which of them share a range.

The rules are those of convert/quantization/rules.py: each Keras layer is the operator that its
float export becomes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.convert.quantization.rules import RULES, QuantizationRule
from edgeq.convert.quantization.scheme import LayerScheme, Scheme
from edgeq.convert.training.flattening import Call, Flat, LayerSpec
from edgeq.core.errors import InputError

PASSES = "PASSES"  # a layer that does nothing at inference
OPERATORS: Mapping[str, str] = {
    "Dense": "FULLY_CONNECTED",
    **dict.fromkeys(("Conv1D", "Conv2D"), "CONV_2D"),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), "DEPTHWISE_CONV_2D"),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), "TRANSPOSE_CONV"),
    "Add": "ADD",
    "Subtract": "SUB",
    "Multiply": "MUL",
    "Maximum": "MAXIMUM",
    "Minimum": "MINIMUM",
    "Concatenate": "CONCATENATION",
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D"), "AVERAGE_POOL_2D"),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), "MAX_POOL_2D"),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), "MEAN"),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), "REDUCE_MAX"),
    "LeakyReLU": "LEAKY_RELU",
    "Softmax": "SOFTMAX",
    **dict.fromkeys(("Flatten", "Reshape"), "RESHAPE"),
    "Permute": "TRANSPOSE",
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), "PAD"),
    **dict.fromkeys(("Cropping1D", "Cropping2D"), "STRIDED_SLICE"),
    # Read from a table that is quantised as its output is.
    "Embedding": "EMBEDDING",
    **dict.fromkeys(
        (
            "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
            "ActivityRegularization", "Identity",
        ),
        PASSES,
    ),
}  # fmt: skip
ACTIVATIONS: Mapping[str, str] = {
    "linear": PASSES,
    "relu": "RELU",
    "relu6": "RELU6",
    "leaky_relu": "LEAKY_RELU",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "softmax": "SOFTMAX",
}
FUSING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL")
CAPS: Mapping[str, float] = {"RELU6": 6.0}


def operator_of(spec: LayerSpec) -> str:
    """Return the operator that a layer becomes, PASSES where it leaves nothing.

    Raises:
        InputError: quantisation-aware training has no imitation of the layer (it is named).
    """
    found = next((OPERATORS[b.__name__] for b in spec.kind.__mro__ if b.__name__ in OPERATORS), "")
    if spec.is_a("Activation"):
        name = spec.config.get("activation")
        found = ACTIVATIONS.get(name, "") if isinstance(name, str) else ""
    elif spec.is_a("ReLU"):
        found = _relu(spec)
    if not found:
        raise InputError(
            f"layer {spec.name} ({spec.kind.__name__}): quantisation-aware training has no "
            "imitation of its integers",
            hint="leave it out with `layers`, or replace it by layers that have one",
        )
    return found


def _relu(spec: LayerSpec) -> str:
    most, slope = spec.config.get("max_value"), spec.config.get("negative_slope")
    if spec.config.get("threshold"):
        return ""
    if slope:
        return "LEAKY_RELU" if most is None else ""
    return {None: "RELU", 6.0: "RELU6"}.get(most, "")


@dataclass(slots=True, eq=False)
class Imitation:
    """What is imitated of a flat model.

    Attributes:
        operators: id of a call -> its operator, for the calls that are in scope.
        schemes: id of a call -> the types of its layer.
        dtypes: value -> the type of its integers; values without are float.
        parents: union-find of the values that share a range.
        hidden: values that exist only in an accumulator -> the fused activation that follows.
        rounded: values that are rounded where they are made, in order.
        fixed: value -> the operator whose rule fixes its scale and zero point.
        caps: value -> the highest that its fused activation leaves.
    """

    flat: Flat
    operators: dict[int, str] = field(default_factory=dict)
    schemes: dict[int, LayerScheme] = field(default_factory=dict)
    dtypes: dict[int, str] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    hidden: dict[int, Call] = field(default_factory=dict)
    rounded: list[int] = field(default_factory=list)
    fixed: dict[int, str] = field(default_factory=dict)
    caps: dict[int, float] = field(default_factory=dict)

    def root(self, value: int) -> int:
        """Return the value that stands for those which share a range with `value`."""
        while value in self.parents:
            value = self.parents[value]
        return value

    def join(self, first: int, second: int) -> None:
        """Let two values share a range."""
        a, b = self.root(first), self.root(second)
        if a != b:
            self.parents[b] = a


def plan_imitation(flat: Flat, scheme: Scheme, layers: str) -> Imitation:
    """Return which values are rounded and which share a range.

    Args:
        flat: folded.
        scheme: types by layer name; `layers`: regular expression of the layers that are imitated.

    Raises:
        InputError: a layer in scope has no imitation, or not in the types asked for.
    """
    plan = Imitation(flat)
    for value, port in zip(flat.inputs, flat.ports, strict=True):
        if str(port.dtype).startswith("float"):
            _enter(plan, value, scheme)
    for call in flat.calls:
        if re.fullmatch(layers, call.spec.name):
            plan.operators[id(call)] = operator_of(call.spec)
            plan.schemes[id(call)] = scheme.of(call.spec.name)
    for call in flat.calls:
        if id(call) in plan.operators:
            _place(plan, call)
    return plan


def _enter(plan: Imitation, value: int, scheme: Scheme) -> None:
    """Round an input as its first reader takes it."""
    readers = plan.flat.consumers(value)
    types = scheme.of(readers[0].spec.name) if readers else scheme.default
    if types.mode == "static" and any(_reads_integers(r) for r in readers):
        plan.rounded.append(value)
        plan.dtypes[value] = types.activations


def _reads_integers(call: Call) -> bool:
    return call.spec.operation is None


def _place(plan: Imitation, call: Call) -> None:
    operator, types = plan.operators[id(call)], plan.schemes[id(call)]
    (value,) = call.outputs
    if types.mode != "static":
        return
    rule = RULES.get(operator)
    _check(call, operator, rule, types)
    fused = _fused_reader(plan, call, operator)
    if fused is not None:
        plan.hidden[value] = fused
        return
    source = call.inputs[0]
    home = plan.dtypes.get(source) if operator == PASSES else types.activations
    if source in plan.hidden:
        home = plan.schemes[id(plan.flat.producers()[source])].activations
    if home is None:
        return
    plan.dtypes[value] = home
    cap = CAPS.get(operator, CAPS.get(str(call.spec.config.get("activation")).upper()))
    if cap is not None:
        plan.caps[value] = cap
    if rule is not None and home in rule.fixed:
        plan.fixed[value] = operator
    shares = operator == PASSES or (rule is not None and rule.shares)
    if shares and _share(plan, call, home) and (rule is None or rule.selects):
        return
    plan.rounded.append(value)


def _share(plan: Imitation, call: Call, home: str) -> bool:
    """Join a call's output with those inputs that may share its range; whether one alone does."""
    (value,) = call.outputs
    given = [v for v in call.inputs if plan.dtypes.get(v) == home]
    if len(call.inputs) == 1 and given and given[0] in plan.fixed:
        plan.fixed[value] = plan.fixed[given[0]]
        return True
    for source in given:
        if source not in plan.fixed:
            plan.join(value, source)
    return len(call.inputs) == 1 and bool(given)


def _check(call: Call, operator: str, rule: QuantizationRule | None, types: LayerScheme) -> None:
    wanted = []
    if rule is not None and types.activations not in rule.activations:
        wanted.append(f"{types.activations} activations")
    if rule is not None and rule.weights and types.weights not in rule.weights:
        wanted.append(f"{types.weights} weights")
    if wanted:
        raise InputError(
            f"layer {call.spec.name} ({operator}) cannot have {' and '.join(wanted)}",
            hint="give this layer another scheme in the recipe's `scopes`",
        )


def _fused_reader(plan: Imitation, call: Call, operator: str) -> Call | None:
    """Return the activation that the call's kernel applies itself, being its only reader."""
    (value,) = call.outputs
    readers = plan.flat.consumers(value)
    if operator not in FUSING or len(readers) != 1 or value in plan.flat.outputs:
        return None
    linear = call.spec.config.get("activation") in (None, "linear")
    follows = plan.operators.get(id(readers[0])) in ("RELU", "RELU6")
    return readers[0] if linear and follows else None
