"""Schemes: which type every layer's activations and weights get."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgeq.convert.patterns import pattern_problem
from edgeq.core.errors import UsageError, did_you_mean

Mode = Literal["static", "dynamic", "weight-only", "float"]
Activations = Literal["int8", "int16", "float32"]
Weights = Literal["int8", "int4", "float16", "float32"]


@dataclass(frozen=True, slots=True)
class LayerScheme:
    """The types of one layer.

    static: integer activations and weights. dynamic: float activations that the runtime quantises
    before an int8 kernel. weight-only: weights turned back to float before a float kernel.
    float: nothing is quantised.
    """

    mode: Mode = "static"
    activations: Activations = "int8"
    weights: Weights = "int8"
    per_channel: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """The scheme of layers whose Keras name matches the regular expression `layers` whole."""

    layers: str
    scheme: LayerScheme


@dataclass(frozen=True, slots=True)
class Scheme:
    """A whole model's types: the first scope that matches a layer's name wins, else `default`."""

    default: LayerScheme = LayerScheme()
    scopes: tuple[Scope, ...] = ()
    input_dtype: str = "int8"
    output_dtype: str = "int8"

    def of(self, layer: str) -> LayerScheme:
        """Return the scheme of the layer named `layer`."""
        for scope in self.scopes:
            if re.fullmatch(scope.layers, layer):
                return scope.scheme
        return self.default


# What `--scheme` names; the dtypes that each can give inputs and outputs are in `PORTS`.
SCHEMES: dict[str, LayerScheme] = {
    "int8": LayerScheme(),
    "int8-per-tensor": LayerScheme(per_channel=False),
    "int16x8": LayerScheme(activations="int16"),
    "int4": LayerScheme(weights="int4"),
    "dynamic": LayerScheme("dynamic", "float32"),
    "weight-only": LayerScheme("weight-only", "float32"),
    "float16": LayerScheme("weight-only", "float32", "float16"),
    "float32": LayerScheme("float", "float32", "float32"),
}

# Of the integers that weights become.
WEIGHT_BITS: Mapping[str, int] = {"int8": 8, "int4": 4}

PORTS: dict[Activations, tuple[str, ...]] = {
    "int8": ("int8", "uint8", "float32"),
    "int16": ("int16", "float32"),
    "float32": ("float32",),
}


def parse_scheme(
    name: str,
    per_layer: Sequence[str] = (),
    input_dtype: str | None = None,
    output_dtype: str | None = None,
) -> Scheme:
    """Return the scheme `name` with other schemes for some layers.

    Args:
        per_layer: texts 'REGEX=SCHEME'; the first whose expression matches a layer's name wins.
        input_dtype: of the model's inputs; None is the scheme's own, as for the outputs.

    Raises:
        UsageError: an unknown scheme, a broken expression, or a port type that it cannot have.
    """
    default = scheme_named(name)
    ports = PORTS[default.activations]
    for what, dtype in (("input", input_dtype), ("output", output_dtype)):
        if dtype is not None and dtype not in ports:
            raise UsageError(
                f"the scheme {name} gives no {what}s of {dtype}",
                hint=f"choose one of: {', '.join(ports)}",
            )
    scopes = tuple(_parse_scope(text) for text in per_layer)
    return Scheme(default, scopes, input_dtype or ports[0], output_dtype or ports[0])


def scheme_named(name: str) -> LayerScheme:
    """Return the layer scheme `name`; UsageError where there is none."""
    if name not in SCHEMES:
        raise UsageError(
            f"unknown scheme {name!r}.{did_you_mean(name, SCHEMES)}",
            hint=f"choose one of: {', '.join(SCHEMES)}",
        )
    return SCHEMES[name]


def _parse_scope(text: str) -> Scope:
    layers, equals, name = text.rpartition("=")
    if problem := pattern_problem(layers):
        raise UsageError(f"{layers!r}: {problem}", hint="escape its special characters")
    if not equals or not layers:
        raise UsageError(f"{text!r} is not LAYERS=SCHEME", hint="for example: 'dense.*=int16x8'")
    return Scope(layers, scheme_named(name))
