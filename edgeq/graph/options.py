"""Operator options: the schema's options tables <-> plain mappings in snake_case.

Enumerations are their names (padding='SAME'), vectors are tuples of int.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from edgeq.graph.ir import OptionValue
from edgeq.graph.layout import ENUMS, UNIONS, Field, camel, tables


@cache
def names_of(enum: str) -> dict[int, str]:
    """Return value -> name of an enumeration of the schema, e.g. Padding -> {0: 'SAME', ...}."""
    from ai_edge_litert import schema_py_generated as schema

    members = vars(getattr(schema, enum))
    return {v: k for k, v in members.items() if isinstance(v, int)}


@cache
def values_of(enum: str) -> dict[str, int]:
    """Return name -> value of an enumeration of the schema."""
    return {name: value for value, name in names_of(enum).items()}


def table_name(union: str, code: int) -> str:
    """Return the options table that type `code` of BuiltinOptions or BuiltinOptions2 means."""
    return UNIONS[union][code - 1]


def default_options(table: str) -> dict[str, OptionValue]:
    """Return the options that a file means when it leaves all fields of `table` out."""
    return decode_options(table, _new(table))


def decode_options(table: str, value: Any) -> dict[str, OptionValue]:
    """Return the fields of the object `value` of options table `table`.

    Raises:
        ValueError: a value that the schema does not know, as 'field: what is wrong'.
    """
    fields = tables()[table]
    return {f.name: _decode(f, getattr(value, camel(f.name))) for f in fields}


def encode_options(table: str, options: Mapping[str, OptionValue]) -> Any:
    """Return an object of options table `table`; fields that `options` leaves out are defaults.

    Raises:
        ValueError: a field or a name that the schema does not know.
    """
    value = _new(table)
    fields = {f.name: f for f in tables()[table]}
    for name, option in options.items():
        if name not in fields:
            raise ValueError(f"{table} has no field '{name}'")
        setattr(value, camel(name), _encode(fields[name], option))
    return value


def _new(table: str) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return getattr(schema, f"{table}T")()


def _decode(field: Field, value: Any) -> OptionValue:
    if field.is_vector:
        return tuple(int(v) for v in value) if value is not None else ()
    if field.type in ENUMS:
        known = names_of(field.type)
        if value not in known:
            raise ValueError(f"{field.name}: {value} is no {field.type}")
        return known[value]
    if field.type == "string":
        return (value or b"").decode()
    if field.type == "f32" and not math.isfinite(value):
        raise ValueError(f"{field.name}: {value} is not a finite number")
    plain = {"bool": bool, "f32": float}.get(field.type, int)
    return plain(value)


def _encode(field: Field, option: OptionValue) -> Any:
    if field.type in ENUMS:
        known = values_of(field.type)
        if option not in known:
            raise ValueError(f"{field.name}: {option!r} is no {field.type}")
        return known[str(option)]
    if field.is_vector:
        return list(option)  # type: ignore[arg-type]
    return option
