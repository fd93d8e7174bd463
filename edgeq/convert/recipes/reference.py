"""The page of a recipe's steps, made from their records: docstrings, fields, bounds, defaults.

`python -m edgeq.convert.recipes.reference > docs/recipe-steps.md` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, get_args

import msgspec
from msgspec.inspect import (
    Field,
    FloatType,
    IntType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    UnionType,
    VarTupleType,
    type_info,
)

from edgeq.convert.recipes.steps import GraphStep, Schedule, TrainingStep, TypeScope

_HEAD = """\
# Steps of a recipe

Every step and its parameters; [recipes](recipes.md) say how steps make a recipe. `layers` is a
regular expression on Keras layer names, matched whole.
"""

_GROUPS: tuple[tuple[str, str, tuple[type[msgspec.Struct], ...]], ...] = (
    ("Steps that train", "They turn a Keras model into a Keras model.", get_args(TrainingStep)),
    (
        "Steps on the graph",
        "They turn the float graph into a draft of integers, without training. "
        '`keep = "if-better"` takes a step\nback that lowers the SQNR of the outputs on the '
        "samples held to measure; then none of those calibrates.",
        get_args(GraphStep),
    ),
    ("Tables inside steps", "Values of `schedule` and of `scopes`.", (Schedule, TypeScope)),
)
_TABLES = {Schedule: "schedule", TypeScope: "scopes"}
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def steps_page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    for title, about, records in _GROUPS:
        parts.append(f"## {title}\n\n{about}\n")
        parts += map(_section, records)
    return "\n".join(parts)


def _section(record: type[msgspec.Struct]) -> str:
    info = type_info(record)
    assert isinstance(info, StructType)
    rows = [f"| `{f.encode_name}` | {_takes(f)} | {_default(f)} |" for f in info.fields]
    table = ("| parameter | values | default |", "|---|---|---|", *rows)
    return "\n".join(
        (f"### {info.tag or _TABLES[record]}\n", cleandoc(record.__doc__ or ""), "", *table, "")
    )


def _takes(field: Field) -> str:
    return "a regular expression" if field.encode_name == "layers" else _values(field.type)


def _values(kind: Any) -> str:
    """Return what a field takes, in words."""
    match kind:
        case LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in sorted(map(str, values)))
        case IntType() | FloatType():
            words = "an integer" if isinstance(kind, IntType) else "a number"
            return ", ".join((words, *_bounds(kind)))
        case StrType():
            return "text"
        case UnionType(types=types):
            return _values(next(t for t in types if not isinstance(t, NoneType)))
        case VarTupleType(item_type=item, max_length=most):
            return f"a list of {_plural(item)}, {most:,} at most"
        case StructType(cls=record):
            return f"a table, [{_TABLES[record]}](#{_TABLES[record]})"
    raise TypeError(f"no words for {kind}")


def _plural(kind: Any) -> str:
    words = _values(kind)
    return words.replace("a table", "tables", 1) if isinstance(kind, StructType) else words


def _bounds(kind: IntType | FloatType) -> Iterator[str]:
    for name, words in _BOUNDS:
        bound = getattr(kind, name)
        if bound is not None:
            yield f"{words} {bound:,}"


def _default(field: Field) -> str:
    if field.required:
        return "must be given"
    if isinstance(field.default, Schedule):
        changed = {
            name: value
            for name, value in msgspec.to_builtins(field.default).items()
            if value != getattr(Schedule(), name)
        }
        return ", ".join(f"`{name} = {value:g}`" for name, value in changed.items()) or "its own"
    if field.default is None or field.default in ("", ()):
        return "none"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


if __name__ == "__main__":
    sys.stdout.write(steps_page())
